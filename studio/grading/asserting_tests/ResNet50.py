from collections import Counter
from unittest import mock

import numpy as np


def blocks_of_stages():
    """The stage, block, filters and stride of each block of ResNet-50."""
    for stage, letters, filters in (
        (2, "abc", [64, 64, 256]),
        (3, "abcd", [128, 128, 512]),
        (4, "abcdef", [256, 256, 1024]),
        (5, "abc", [512, 512, 2048]),
    ):
        for letter in letters:
            yield stage, letter, filters, 2 if letter == "a" and stage > 2 else 1


blocks = identity_block, convolutional_block
identity_block, convolutional_block = (mock.Mock(wraps=block) for block in blocks)
try:
    model = ResNet50(input_shape=(64, 64, 3), classes=6)
    calls = identity_block.call_count, convolutional_block.call_count
finally:
    identity_block, convolutional_block = blocks
assert calls == (12, 4), "the network does not consist of 12 identity and 4 convolutional blocks"

assert Counter(type(layer).__name__ for layer in model.layers) == {
    "InputLayer": 1,
    "ZeroPadding2D": 1,
    "Conv2D": 53,
    "BatchNormalization": 53,
    "Activation": 49,
    "MaxPooling2D": 1,
    "Add": 16,
    "AveragePooling2D": 1,
    "Flatten": 1,
    "Dense": 1,
}, "the layers are not the right ones"
assert model.output_shape == (None, 6), "the output has the wrong shape"
assert model.count_params() == 23600006, "the number of parameters is wrong"

### BEGIN HIDDEN TESTS
wanted = {"conv1": (64, (7, 7), (2, 2))}
for stage, letter, (F1, F2, F3), s in blocks_of_stages():
    place = f"res{stage}{letter}_branch"
    wanted[place + "2a"] = (F1, (1, 1), (s, s))
    wanted[place + "2b"] = (F2, (3, 3), (1, 1))
    wanted[place + "2c"] = (F3, (1, 1), (1, 1))
    if letter == "a":
        wanted[place + "1"] = (F3, (1, 1), (s, s))
found = {
    layer.name: (layer.filters, layer.kernel_size, layer.strides)
    for layer in model.layers
    if type(layer).__name__ == "Conv2D"
}
assert found == wanted, "a convolution has the wrong name, filters, window or stride"

names = {layer.name for layer in model.layers if type(layer).__name__ == "BatchNormalization"}
assert names == {"bn_conv1", *(name.replace("res", "bn") for name in wanted if name != "conv1")}

for layer in model.layers:
    if type(layer).__name__ in ("Conv2D", "Dense"):
        initializer = layer.kernel_initializer
        assert type(initializer) is type(glorot_uniform(seed=0)), "wrong initializer"
        assert initializer.seed == 0, "wrong seed"

np.random.seed(22)
X = np.random.rand(1, 64, 64, 3)
np.testing.assert_allclose(
    model(X, training=False)[0],
    [0.24001031, 0.17665492, 0.10961555, 0.09742132, 0.20722054, 0.16907737],
    rtol=0,
    atol=1e-4,
)

wide = ResNet50(input_shape=(128, 64, 3), classes=9)
pooling, flat, classifier = wide.layers[-3:]
assert type(pooling).__name__ == "AveragePooling2D" and pooling.pool_size == (2, 2)
assert pooling.name == "avg_pool" and flat.output.shape == (None, 2 * 2048)
assert classifier.name == "fc9" and classifier.activation.__name__ == "softmax"
assert wide.output_shape == (None, 9), "the output has the wrong shape"
largest = next(layer for layer in wide.layers if type(layer).__name__ == "MaxPooling2D")
assert (largest.pool_size, largest.strides) == ((3, 3), (2, 2)), "the first pooling is wrong"
### END HIDDEN TESTS
