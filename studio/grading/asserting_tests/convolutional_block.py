import numpy as np
from keras.layers import Input
from keras.models import Model


def convolutional_network(shape, **said):
    inputs = Input(shape)
    return Model(inputs, convolutional_block(inputs, **said))


def by_name(model, kind):
    return {layer.name: layer for layer in model.layers if type(layer).__name__ == kind}


model = convolutional_network((4, 4, 6), f=2, filters=[2, 4, 6], stage=1, block="a")
assert model.output_shape == (None, 2, 2, 6), "the output has the wrong shape"

found = {
    name: (layer.filters, layer.kernel_size, layer.strides, layer.padding)
    for name, layer in by_name(model, "Conv2D").items()
}
assert found == {
    "res1a_branch2a": (2, (1, 1), (2, 2), "valid"),
    "res1a_branch2b": (4, (2, 2), (1, 1), "same"),
    "res1a_branch2c": (6, (1, 1), (1, 1), "valid"),
    "res1a_branch1": (6, (1, 1), (2, 2), "valid"),
}, "a convolution has the wrong name, filters, window, stride or padding"

kinds = sorted(type(layer).__name__ for layer in model.layers)
assert kinds == sorted(
    ["InputLayer", *["Conv2D", "BatchNormalization"] * 4, *["Activation"] * 3, "Add"]
), "the layers are not the right ones"
assert [type(layer).__name__ for layer in model.layers[-2:]] == ["Add", "Activation"], (
    "the block does not end with the addition and its ReLU"
)

np.random.seed(1)
X = np.random.randn(3, 4, 4, 6)
np.testing.assert_allclose(
    model(X, training=False)[1, 1, 0],
    [0.09018463, 1.23489773, 0.46822017, 0.0367176, 0, 0.65516603],
    rtol=0,
    atol=1e-5,
)

### BEGIN HIDDEN TESTS
calls = [
    ((9, 12, 5), (3, 4), dict(f=5, filters=[12, 31, 8], stage=6, block="k", s=3)),
    ((15, 15, 256), (8, 8), dict(f=3, filters=[128, 128, 512], stage=3, block="a", s=2)),
]
for shape, size, said in calls:
    model = convolutional_network(shape, **said)
    convolutions = by_name(model, "Conv2D")
    normalisations = by_name(model, "BatchNormalization")
    F1, F2, F3 = said["filters"]
    assert model.output_shape == (None, *size, F3), "the output has the wrong shape"
    parts = ("2a", "2b", "2c", "1")
    place = f"{said['stage']}{said['block']}_branch"
    assert set(convolutions) == {"res" + place + part for part in parts}, "wrong names"
    assert set(normalisations) == {"bn" + place + part for part in parts}, "wrong names"
    found = [convolutions["res" + place + part] for part in parts]
    assert [layer.filters for layer in found] == [F1, F2, F3, F3], "wrong filters"
    assert [layer.strides[0] for layer in found] == [said["s"], 1, 1, said["s"]], "wrong strides"
    assert found[1].kernel_size == (said["f"], said["f"]), "wrong window"
    assert all(layer.axis in (3, -1) for layer in normalisations.values()), "wrong axis"
    assert all(layer.momentum == 0.99 for layer in normalisations.values()), "wrong momentum"
    assert all(layer.trainable for layer in normalisations.values()), "a frozen layer"
    for layer in found:
        initializer = layer.kernel_initializer
        assert type(initializer) is type(glorot_uniform(seed=0)), "wrong initializer"
        assert initializer.seed == 0, "wrong seed"
        assert layer.use_bias and layer.kernel_regularizer is None, "wrong weights"

model = convolutional_network((6, 7, 4), f=3, filters=[5, 3, 6], stage=3, block="a")
np.random.seed(21)
X = np.random.randn(2, 6, 7, 4)
np.testing.assert_allclose(
    model(X, training=False)[1, 1, 2],
    [0, 1.8945131, 1.8394451, 0, 0, 1.2340829],
    rtol=0,
    atol=1e-5,
)
### END HIDDEN TESTS
