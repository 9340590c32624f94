"""Small exercises of the tests' own: solutions' texts, and the graphs that they draw."""

from __future__ import annotations

from typing import Any

from resnets_utils.border.call import Call, as_arguments
from resnets_utils.checks.graph_comparison import open_blocks
from resnets_utils.checks.reference import Solution
from resnets_utils.checks.reference_graphs import ReferenceGraphs
from resnets_utils.graphs.graph import Graph

# A residual block whose layers have names, and a small network of such blocks in two stages.
NAMED = """
import keras
from keras import layers
from resnets_utils import glorot_uniform

def convolution(X, filters, size, padding, name, s=1):
    X = layers.Conv2D(filters, size, strides=s, padding=padding, name="res" + name,
                      kernel_initializer=glorot_uniform(seed=0))(X)
    return layers.BatchNormalization(axis=3, name="bn" + name)(X)

def main_path(X, f, filters, name, s):
    F1, F2, F3 = filters
    X = layers.Activation("relu")(convolution(X, F1, 1, "valid", name + "2a", s))
    X = layers.Activation("relu")(convolution(X, F2, f, "same", name + "2b"))
    return convolution(X, F3, 1, "valid", name + "2c")

def identity_block(X, f, filters, stage, block):
    Y = main_path(X, f, filters, f"{stage}{block}_branch", 1)
    return layers.Activation("relu")(layers.Add()([Y, X]))

def convolutional_block(X, f, filters, stage, block, s=2):
    Y = main_path(X, f, filters, f"{stage}{block}_branch", s)
    X = convolution(X, filters[-1], 1, "valid", f"{stage}{block}_branch1", s)
    return layers.Activation("relu")(layers.Add()([Y, X]))

def network(classes=6):
    entrance = keras.Input((16, 16, 3))
    X = convolution(entrance, 4, 3, "same", "1")
    X = layers.Activation("relu")(X)
    X = convolutional_block(X, 3, [3, 3, 8], 2, "a", s=1)
    X = identity_block(X, 3, [3, 3, 8], 2, "b")
    X = convolutional_block(X, 3, [4, 4, 12], 3, "a")
    X = identity_block(X, 3, [4, 4, 12], 3, "b")
    X = identity_block(X, 3, [4, 4, 12], 3, "c")
    X = layers.Flatten()(layers.AveragePooling2D(2)(X))
    return keras.Model(entrance, layers.Dense(classes, activation="softmax", name="fc")(X))
"""
NAMED_BLOCKS = """
def identity_block(X, f, filters, stage, block):
    return X[0], X[1], filters[-1]

def convolutional_block(X, f, filters, stage, block, s=2):
    return -(-X[0] // s), -(-X[1] // s), filters[-1]
"""

# Blocks that are told a mode and an initializer instead.
MODES = """
import keras
from keras import layers
from resnets_utils.tensorflow2 import glorot_uniform, random_uniform

def convolution(X, filters, size, padding, training, initializer, s=1):
    X = layers.Conv2D(filters, size, strides=s, padding=padding,
                      kernel_initializer=initializer(seed=0))(X)
    return layers.BatchNormalization(axis=3)(X, training=training)

def identity_block(X, f, filters, training=True, initializer=random_uniform):
    Y = layers.Activation("relu")(convolution(X, filters[0], 1, "valid", training, initializer))
    Y = convolution(Y, filters[-1], f, "same", training, initializer)
    return layers.Activation("relu")(layers.Add()([X, Y]))

def convolutional_block(X, f, filters, s=2, training=True, initializer=glorot_uniform):
    Y = layers.Activation("relu")(convolution(X, filters[0], 1, "valid", training, initializer, s))
    Y = convolution(Y, filters[-1], f, "same", training, initializer)
    X = convolution(X, filters[-1], 1, "valid", training, initializer, s)
    return layers.Activation("relu")(layers.Add()([X, Y]))

def network():
    entrance = keras.Input((8, 8, 3))
    X = convolutional_block(entrance, 3, [2, 4], s=1)
    X = identity_block(X, 3, [2, 4])
    X = identity_block(X, 3, [2, 4])
    return keras.Model(entrance, layers.GlobalAveragePooling2D()(X))
"""
MODES_BLOCKS = """
from resnets_utils.tensorflow2 import glorot_uniform, random_uniform

def identity_block(X, f, filters, training=True, initializer=random_uniform):
    return X[0], X[1], filters[-1]

def convolutional_block(X, f, filters, s=2, training=True, initializer=glorot_uniform):
    return -(-X[0] // s), -(-X[1] // s), filters[-1]
"""

# No addition, and no block.
PLAIN = """
import keras
from keras import layers

def network(classes=3):
    entrance = keras.Input((16, 16, 1))
    X = layers.Conv2D(4, 5, activation="tanh")(entrance)
    X = layers.AveragePooling2D(2)(X)
    X = layers.Conv2D(8, 3, activation="tanh")(X)
    X = layers.Flatten()(X)
    X = layers.Dense(10, activation="sigmoid")(X)
    X = layers.Dropout(0.25)(X)
    return keras.Model(entrance, layers.Dense(classes, activation="softmax")(X))

def of_numbers():
    entrance = keras.Input((5,))
    X = layers.Dense(4, activation="relu")(entrance)
    return keras.Model(entrance, layers.Dense(2)(X))
"""

# Blocks each of which changes the shape: they form no stages.
CHAIN = """
import keras
from keras import layers

def conv_stage(X, filters):
    X = layers.Conv2D(filters, 3, padding="same", activation="relu")(X)
    return layers.MaxPooling2D()(layers.Conv2D(filters, 3, padding="same")(X))

def network():
    entrance = keras.Input((16, 16, 3))
    X = conv_stage(entrance, 4)
    X = conv_stage(X, 8)
    X = conv_stage(X, 16)
    return keras.Model(entrance, layers.Dense(2)(layers.Flatten()(X)))
"""
CHAIN_BLOCKS = """
def conv_stage(X, filters):
    return X[0] // 2, X[1] // 2, filters
"""


def graphs(text: str, blocks: str = "") -> ReferenceGraphs:
    """The graphs of an exercise by its solution's text and its ``blocks.py``."""
    return ReferenceGraphs(Solution([("solution", text)], blocks))


def drawn(
    found: ReferenceGraphs, function: str, shape: tuple[int, ...] | None = None, **arguments: Any
) -> Graph:
    """What an exercise's function draws, closed blocks closed."""
    return found.graph(Call(function, as_arguments(arguments), shape))


def opened(found: ReferenceGraphs, graph: Graph) -> Graph:
    """A graph with the exercise's layers in the place of its closed blocks."""
    return open_blocks(graph, found.opened)
