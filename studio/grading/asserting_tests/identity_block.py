import numpy as np
from keras.layers import Input
from keras.models import Model


def identity_network(shape, **said):
    inputs = Input(shape)
    return Model(inputs, identity_block(inputs, **said))


def layers_of_kind(model, kind):
    return [layer for layer in model.layers if type(layer).__name__ == kind]


model = identity_network((4, 4, 6), f=2, filters=[2, 4, 6], stage=1, block="a")
assert model.output_shape == (None, 4, 4, 6), "the output has the wrong shape"

found = [
    (layer.filters, layer.kernel_size, layer.strides, layer.padding)
    for layer in layers_of_kind(model, "Conv2D")
]
assert found == [
    (2, (1, 1), (1, 1), "valid"),
    (4, (2, 2), (1, 1), "same"),
    (6, (1, 1), (1, 1), "valid"),
], "a convolution has the wrong filters, window, stride or padding"

component = ["Conv2D", "BatchNormalization", "Activation"]
kinds = [type(layer).__name__ for layer in model.layers]
assert kinds == ["InputLayer", *component, *component, *component[:2], "Add", "Activation"], (
    "the layers are not the right ones, or not in the right order"
)

np.random.seed(1)
X = np.random.randn(3, 4, 4, 6)
np.testing.assert_allclose(
    model(X, training=False)[1, 1, 0],
    [0.94822985, 0, 1.16101444, 2.747859, 0, 1.36677003],
    rtol=0,
    atol=1e-5,
)

### BEGIN HIDDEN TESTS
calls = [
    ((9, 11, 7), dict(f=5, filters=[12, 31, 7], stage=6, block="k")),
    ((15, 15, 256), dict(f=3, filters=[64, 64, 256], stage=2, block="c")),
]
for shape, said in calls:
    model = identity_network(shape, **said)
    convolutions = layers_of_kind(model, "Conv2D")
    normalisations = layers_of_kind(model, "BatchNormalization")
    assert model.output_shape == (None, *shape), "the output has the wrong shape"
    assert [layer.filters for layer in convolutions] == said["filters"], "wrong filters"
    assert convolutions[1].kernel_size == (said["f"], said["f"]), "wrong window"
    assert all(layer.axis in (3, -1) for layer in normalisations), "wrong axis"
    assert all(layer.momentum == 0.99 for layer in normalisations), "wrong momentum"
    assert all(layer.trainable for layer in normalisations), "a frozen layer"
    for layer in convolutions:
        initializer = layer.kernel_initializer
        assert type(initializer) is type(glorot_uniform(seed=0)), "wrong initializer"
        assert initializer.seed == 0, "wrong seed"
        assert layer.use_bias and layer.kernel_regularizer is None, "wrong weights"
    place = f"{said['stage']}{said['block']}_branch"
    wanted = [place + part for part in ("2a", "2b", "2c")]
    assert [layer.name for layer in convolutions] == ["res" + name for name in wanted]
    assert [layer.name for layer in normalisations] == ["bn" + name for name in wanted]

model = identity_network((5, 6, 5), f=3, filters=[4, 3, 5], stage=4, block="e")
np.random.seed(20)
X = np.random.randn(2, 5, 6, 5)
np.testing.assert_allclose(
    model(X, training=False)[1, 2, 3],
    [0, 2.2918172, 0.17287967, 0, 0.2446557],
    rtol=0,
    atol=1e-5,
)
### END HIDDEN TESTS
