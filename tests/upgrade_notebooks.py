"""Earlier notebooks in the manner of each edition, written for the tests of ``upgrade``."""

# The answers are written as students write them, with lines as long as theirs.
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

FUNCTIONS = ("identity_block", "convolutional_block", "ResNet50")

NAMED_IMPORTS = """\
import numpy as np
from keras import layers
from keras.layers import Input, Add, Dense, Activation, ZeroPadding2D, BatchNormalization, Flatten
from keras.layers import Conv2D, AveragePooling2D, MaxPooling2D
from keras.models import Model, load_model
from keras.utils import layer_utils
from keras.utils.data_utils import get_file
from keras.utils.vis_utils import model_to_dot
from resnets_utils import *
from keras.initializers import glorot_uniform
import scipy.misc
from matplotlib.pyplot import imshow
%matplotlib inline

import keras.backend as K
K.set_image_data_format('channels_last')
K.set_learning_phase(1)"""

NAMED_IDENTITY = """\
# GRADED FUNCTION: identity_block

def identity_block(X, f, filters, stage, block):
    \"\"\"
    The block with a bare shortcut.
    \"\"\"
    # where the names come from
    conv_name_base = 'res' + str(stage) + block + '_branch'
    bn_name_base = 'bn' + str(stage) + block + '_branch'

    F1, F2, F3 = filters
    X_shortcut = X

    X = Conv2D(filters = F1, kernel_size = (1, 1), strides = (1,1), padding = 'valid', name = conv_name_base + '2a', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2a')(X)
    X = Activation('relu')(X)

    ### START CODE HERE ###

    # the middle
    X = Conv2D(filters = F2, kernel_size = (f, f), strides = (1,1), padding = 'same', name = conv_name_base + '2b', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)
    X = Activation('relu')(X)

    # the end
    X = Conv2D(filters = F3, kernel_size = (1, 1), strides = (1,1), padding = 'valid', name = conv_name_base + '2c', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2c')(X)

    # both together
    X = Add()([X, X_shortcut])
    X = Activation('relu')(X)

    ### END CODE HERE ###

    return X"""

NAMED_CONVOLUTIONAL = """\
# GRADED FUNCTION: convolutional_block

def convolutional_block(X, f, filters, stage, block, s = 2):
    conv_name_base = 'res' + str(stage) + block + '_branch'
    bn_name_base = 'bn' + str(stage) + block + '_branch'
    F1, F2, F3 = filters
    X_shortcut = X

    X = Conv2D(F1, (1, 1), strides = (s,s), name = conv_name_base + '2a', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2a')(X)
    X = Activation('relu')(X)

    ### START CODE HERE ###
    X = Conv2D(F2, (f, f), strides = (1, 1), padding='same', name = conv_name_base + '2b',
               kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)
    X = Activation('relu')(X)

    X = Conv2D(F3, (1, 1), strides = (1, 1), name = conv_name_base + '2c', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2c')(X)

    X_shortcut = Conv2D(F3, (1, 1), strides = (s,s), name = conv_name_base + '1', kernel_initializer = glorot_uniform(seed=0))(X_shortcut)
    X_shortcut = BatchNormalization(axis = 3, name = bn_name_base + '1')(X_shortcut)

    X = Add()([X, X_shortcut])
    X = Activation('relu')(X)
    ### END CODE HERE ###

    return X"""

NAMED_RESNET = """\
# GRADED FUNCTION: ResNet50

def ResNet50(input_shape = (64, 64, 3), classes = 6):
    X_input = Input(input_shape)
    X = ZeroPadding2D((3, 3))(X_input)

    # Stage 1
    X = Conv2D(64, (7, 7), strides = (2, 2), name = 'conv1', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = 'bn_conv1')(X)
    X = Activation('relu')(X)
    X = MaxPooling2D((3, 3), strides=(2, 2))(X)

    # Stage 2
    X = convolutional_block(X, f = 3, filters = [64, 64, 256], stage = 2, block='a', s = 1)
    X = identity_block(X, 3, [64, 64, 256], stage=2, block='b')
    X = identity_block(X, 3, [64, 64, 256], stage=2, block='c')

    ### START CODE HERE ###
    # Stage 3
    X = convolutional_block(X, f = 3, filters = [128, 128, 512], stage = 3, block='a', s = 2)
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='b')
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='c')
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='d')

    # Stage 4
    X = convolutional_block(X, f = 3, filters = [256, 256, 1024], stage = 4, block='a', s = 2)
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='b')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='c')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='d')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='e')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='f')

    # Stage 5
    X = convolutional_block(X, f = 3, filters = [512, 512, 2048], stage = 5, block='a', s = 2)
    X = identity_block(X, 3, [512, 512, 2048], stage=5, block='b')
    X = identity_block(X, 3, [512, 512, 2048], stage=5, block='c')

    X = AveragePooling2D(pool_size=(2, 2), name='avg_pool')(X)
    ### END CODE HERE ###

    X = Flatten()(X)
    X = Dense(classes, activation='softmax', name='fc' + str(classes), kernel_initializer = glorot_uniform(seed=0))(X)

    model = Model(inputs = X_input, outputs = X, name='ResNet50')
    return model"""

NAMED = {
    "identity_block": NAMED_IDENTITY,
    "convolutional_block": NAMED_CONVOLUTIONAL,
    "ResNet50": NAMED_RESNET,
}

INITIALIZER_IMPORTS = """\
import tensorflow as tf
import numpy as np
from tensorflow.keras import layers
from tensorflow.keras.layers import Input, Add, Dense, Activation, ZeroPadding2D, Flatten, Conv2D
from tensorflow.keras.layers import AveragePooling2D, MaxPooling2D, BatchNormalization
from tensorflow.keras.models import Model, load_model
from tensorflow.keras.initializers import random_uniform, glorot_uniform, constant, identity
from tensorflow.python.framework.ops import EagerTensor
from resnets_utils import *
from test_utils import summary, comparator
import public_tests

%matplotlib inline"""

INITIALIZER_IDENTITY = """\
# UNQ_C1
# GRADED FUNCTION: identity_block

def identity_block(X, f, filters, training=True, initializer=random_uniform):
    F1, F2, F3 = filters
    X_shortcut = X

    X = Conv2D(filters = F1, kernel_size = 1, strides = (1,1), padding = 'valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training) # the default axis
    X = Activation('relu')(X)

    ### START CODE HERE
    X = Conv2D(filters = F2, kernel_size = f, strides = (1,1), padding = 'same', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training)
    X = Activation('relu')(X)
    X = Conv2D(filters = F3, kernel_size = 1, strides = (1,1), padding = 'valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training)
    X = Add()([X_shortcut, X])
    X = Activation('relu')(X)
    ### END CODE HERE

    return X"""

INITIALIZER_CONVOLUTIONAL = """\
# UNQ_C2
# GRADED FUNCTION: convolutional_block

def convolutional_block(X, f, filters, s = 2, training=True, initializer=glorot_uniform):
    F1, F2, F3 = filters
    X_shortcut = X
    X = Conv2D(filters = F1, kernel_size = 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training)
    X = Activation('relu')(X)

    ### START CODE HERE
    X = Conv2D(F2, f, strides = (1, 1), padding='same', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training)
    X = Activation('relu')(X)
    X = Conv2D(F3, 1, strides = (1, 1), padding='valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training)
    X_shortcut = Conv2D(F3, 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X_shortcut)
    X_shortcut = BatchNormalization(axis = 3)(X_shortcut, training=training)
    ### END CODE HERE

    X = Add()([X, X_shortcut])
    X = Activation('relu')(X)
    return X"""

INITIALIZER_RESNET = """\
# UNQ_C3
# GRADED FUNCTION: ResNet50

def ResNet50(input_shape = (64, 64, 3), classes = 6):
    X_input = Input(input_shape)
    X = ZeroPadding2D((3, 3))(X_input)
    X = Conv2D(64, (7, 7), strides = (2, 2), kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3)(X)
    X = Activation('relu')(X)
    X = MaxPooling2D((3, 3), strides=(2, 2))(X)
    X = convolutional_block(X, f = 3, filters = [64, 64, 256], s = 1)
    X = identity_block(X, 3, [64, 64, 256])
    X = identity_block(X, 3, [64, 64, 256])

    ### START CODE HERE
    X = convolutional_block(X, f = 3, filters = [128, 128, 512], s = 2)
    for _ in range(3):
        X = identity_block(X, 3, [128, 128, 512])
    X = convolutional_block(X, f = 3, filters = [256, 256, 1024], s = 2)
    for _ in range(5):
        X = identity_block(X, 3, [256, 256, 1024])
    X = convolutional_block(X, f = 3, filters = [512, 512, 2048], s = 2)
    for _ in range(2):
        X = identity_block(X, 3, [512, 512, 2048])
    X = AveragePooling2D((2, 2))(X)
    ### END CODE HERE

    X = Flatten()(X)
    X = Dense(classes, activation='softmax', kernel_initializer = glorot_uniform(seed=0))(X)
    return Model(inputs = X_input, outputs = X)"""

INITIALIZER = {
    "identity_block": INITIALIZER_IDENTITY,
    "convolutional_block": INITIALIZER_CONVOLUTIONAL,
    "ResNet50": INITIALIZER_RESNET,
}


@dataclass(frozen=True)
class Sample:
    """One earlier notebook, and what is known of it.

    Attributes:
        name: what is special about it.
        content: the file's bytes.
        right: the functions that were right in their day, so that they must pass now.
        wrong: the functions that were wrong, so that they must not.
        expected: the outcomes that differ from "carried".
        says: pieces of text that the report must hold.

    """

    name: str
    content: bytes
    right: frozenset[str] = frozenset(FUNCTIONS)
    wrong: frozenset[str] = frozenset()
    expected: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()


def code(text: str, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "seen\n"}],
        "source": text.splitlines(keepends=True),
    }


def markdown(text: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text, **more}


def as_file(cells: Sequence[dict[str, Any]], minor: int = 2, **metadata: Any) -> bytes:
    notebook = {
        "cells": list(cells),
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}, **metadata},
        "nbformat": 4,
        "nbformat_minor": minor,
    }
    return json.dumps(notebook).encode()


def as_format_3(cells: Sequence[dict[str, Any]]) -> bytes:
    old: list[dict[str, Any]] = [
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Old times"]}
    ]
    for cell in cells:
        if cell["cell_type"] == "code":
            old.append(
                {
                    "cell_type": "code",
                    "collapsed": False,
                    "input": cell["source"],
                    "language": "python",
                    "metadata": {},
                    "outputs": [],
                    "prompt_number": 3,
                }
            )
        else:
            old.append(cell)
    sheets = [{"cells": old, "metadata": {}}]
    notebook = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}
    return json.dumps(notebook).encode()


def edition(
    imports: str,
    answers: dict[str, str],
    *,
    first: Sequence[dict[str, Any]] = (),
    last: Sequence[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The cells of an edition's notebook, with the exercise's own text as a few words."""
    cells = [markdown("# Deep residual networks\nWelcome."), code(imports), *first]
    for name, text in answers.items():
        cells += [markdown(f"## The next: {name}"), code(text), code(f"print({name})")]
    cells.append(code("model = ResNet50(input_shape = (64, 64, 3), classes = 6)"))
    cells.append(code("model.compile(optimizer='adam', loss='categorical_crossentropy')"))
    return [*cells, *last]


def changed(answers: dict[str, str], function: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The answers with one changed; each text to be changed must stand in it."""
    text = answers[function]
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return {**answers, function: text}


def blank(answers: dict[str, str]) -> dict[str, str]:
    """The answers as given: what stands between the markers is left to write."""
    found = {}
    for name, text in answers.items():
        head, rest = text.split("    ### START CODE HERE", 1)
        tail = rest.split("### END CODE HERE", 1)[1]
        middle = (
            " ###\n    X = None\n    X = None\n\n    # then\n    X = None\n    ### END CODE HERE"
        )
        found[name] = f"{head}    ### START CODE HERE{middle}{tail}"
    return found


def named(name: str, *changes: tuple[str, str, str], **known: Any) -> Sample:
    """A notebook of the first family with texts of its answers changed."""
    answers = NAMED
    for function, old, new in changes:
        answers = changed(answers, function, (old, new))
    first, last = known.pop("first", ()), known.pop("last", ())
    imports = known.pop("imports", NAMED_IMPORTS)
    return sample(name, as_file(edition(imports, answers, first=first, last=last)), **known)


def sample(name: str, content: bytes, **known: Any) -> Sample:
    wrong = frozenset(known.pop("wrong", ()))
    right = frozenset(known.pop("right", set(FUNCTIONS) - wrong))
    return Sample(name, content, right, wrong, **known)


def initializer_answers(**changes: list[tuple[str, str]]) -> dict[str, str]:
    answers = INITIALIZER
    for function, pairs in changes.items():
        answers = changed(answers, function, *pairs)
    return answers


CHANGED = "carried with changes"
NEEDS_YOU = "needs you"
ALL_NEED_YOU = dict.fromkeys(FUNCTIONS, NEEDS_YOU)


def split_in_two(text: str, marker: str) -> list[dict[str, Any]]:
    head, tail = text.split(marker, 1)
    return [code(head.rstrip("\n")), code(marker + tail)]


def _with_answer_cells(
    cells_of: Callable[[str, str], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    cells = [code(NAMED_IMPORTS)]
    for name, text in NAMED.items():
        cells += cells_of(name, text)
    return cells


def named_samples() -> list[Sample]:
    """Notebooks of the first family, to be carried into its own release."""
    crlf = json.loads(as_file(edition(NAMED_IMPORTS, NAMED)))
    for cell in crlf["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    helper = """def batch(X, name):
    return BatchNormalization(axis=AXIS, name=name)(X)"""
    return [
        named("the edition as it was"),
        sample("Windows line ends", json.dumps(crlf, indent=1).replace("\n", "\r\n").encode()),
        sample("format 3", as_format_3(edition(NAMED_IMPORTS, NAMED))),
        sample("a byte order mark", b"\xef\xbb\xbf" + as_file(edition(NAMED_IMPORTS, NAMED))),
        named(
            "a pool without its size",
            (
                "ResNet50",
                "AveragePooling2D(pool_size=(2, 2), name='avg_pool')",
                "AveragePooling2D()",
            ),
            expected={"ResNet50": CHANGED},
            says=("pool_size=(2, 2)",),
        ),
        named(
            "a pool without its size, named and padded",
            ("ResNet50", "pool_size=(2, 2), name", "padding='same', name"),
            expected={"ResNet50": CHANGED},
        ),
        named(
            "filters of 256 in stage 5",
            ("ResNet50", "[512, 512, 2048], stage=5", "[256, 256, 2048], stage=5"),
            wrong={"ResNet50"},
            expected={"ResNet50": NEEDS_YOU},
            says=("[512, 512, 2048]",),
        ),
        named(
            "tf.add and tf.nn.relu, with tf from the helper file",
            (
                "identity_block",
                "Add()([X, X_shortcut])\n    X = Activation('relu')(X)",
                "tf.nn.relu(tf.add(X, X_shortcut))",
            ),
            (
                "convolutional_block",
                "Add()([X, X_shortcut])",
                "tf.math.add(X,\n        X_shortcut)",
            ),
            expected={"identity_block": CHANGED, "convolutional_block": CHANGED},
        ),
        named(
            "layers, K and an activation function",
            ("identity_block", "Add()([X, X_shortcut])", "layers.add([X, X_shortcut])"),
            (
                "convolutional_block",
                "Add()([X, X_shortcut])\n    X = Activation('relu')(X)",
                "layers.Add()([X, X_shortcut])\n    X = K.relu(X)",
            ),
            ("ResNet50", "activation='softmax'", "activation=tf.nn.softmax"),
            expected={"convolutional_block": CHANGED, "ResNet50": CHANGED},
        ),
        named(
            "homes that are gone",
            ("identity_block", "Add()([X, X_shortcut])", "add([X, X_shortcut])"),
            ("convolutional_block", "Add()(", "layers.merge.Add()("),
            imports=NAMED_IMPORTS + "\nfrom keras.layers.merge import add\n"
            "from keras.layers.normalization import BatchNormalization",
            expected={"convolutional_block": CHANGED},
        ),
        named(
            "initializers by other paths",
            ("identity_block", "glorot_uniform(", "keras.initializers.GlorotUniform("),
            ("convolutional_block", "glorot_uniform(", "gu("),
            (
                "ResNet50",
                "    X_input =",
                "    from keras.initializers import glorot_uniform, he_normal\n    X_input =",
            ),
            imports=NAMED_IMPORTS + "\nimport keras\n"
            "from keras.initializers import glorot_uniform as gu",
            expected=dict.fromkeys(FUNCTIONS, CHANGED),
        ),
        named(
            "an old way to close the model",
            ("ResNet50", "inputs = X_input, outputs = X", "input=X_input, output=X"),
            expected={"ResNet50": CHANGED},
        ),
        named(
            "helper functions in other cells",
            (
                "identity_block",
                "BatchNormalization(axis = 3, name = bn_name_base + '2c')(X)",
                "batch(X, bn_name_base + '2c')",
            ),
            first=[code("import math\nAXIS = 3"), code(helper)],
            says=("batch",),
        ),
        named(
            "letters beyond ASCII",
            ("identity_block", "# the middle", "# 中間: Überraschung für Ñandú 🦤"),
            ("convolutional_block", "Add()([X, X_shortcut])", "tf.add(X, X_shortcut) # größer 🦤"),
            expected={"convolutional_block": CHANGED},
        ),
        named(
            "a name that is nowhere",
            ("identity_block", "filters\n", "filters\n    print(untold)\n"),
            wrong={"identity_block"},
            expected={"identity_block": NEEDS_YOU},
            says=("untold is not defined",),
        ),
        named(
            "a mistake that stays",
            ("identity_block", "padding = 'same'", "padding = 'valid'"),
            wrong={"identity_block"},
        ),
        named(
            "slashes in layers' names",
            ("identity_block", "'_branch'", "'/branch'"),
            expected={"identity_block": CHANGED},
        ),
        named(
            "one function not written, one in part",
            ("identity_block", "Add()([X, X_shortcut])", "None"),
            wrong={"identity_block"},
            expected={"identity_block": NEEDS_YOU},
            says=("placeholder",),
        ),
        sample(
            "nothing written",
            as_file(edition(NAMED_IMPORTS, blank(NAMED))),
            wrong=FUNCTIONS,
            expected=ALL_NEED_YOU,
            says=("not attempted",),
        ),
        named(
            "debugging prints of shapes",
            (
                "identity_block",
                "    return X",
                "    print(X.get_shape(), X.shape.as_list(), K.int_shape(X))\n    return X",
            ),
            expected={"identity_block": CHANGED},
            says=("a shape is a tuple today",),
        ),
        named(
            "a syntax error",
            ("identity_block", "Add()([X, X_shortcut])", "Add()([X, X_shortcut]"),
            wrong={"identity_block"},
            expected={"identity_block": NEEDS_YOU},
            says=("Python cannot read it",),
        ),
        named(
            "Python 2 beside the function",
            ("identity_block", "    return X", "    return X\n\nprint identity_block"),
        ),
        sample(
            "several copies, the last one in part",
            as_file(
                [
                    *edition(
                        NAMED_IMPORTS, changed(NAMED, "identity_block", ("'same'", "'valid'"))
                    ),
                    code(NAMED_IDENTITY),
                    code(blank(NAMED)["identity_block"]),
                ]
            ),
        ),
        sample(
            "all in one cell, with tests and magics",
            as_file(
                [code(NAMED_IMPORTS), code("%%time\n" + "\n\n".join(NAMED.values()) + "\n!ls\n")]
            ),
        ),
        sample(
            "functions cut in two",
            as_file(
                _with_answer_cells(
                    lambda name, text: (
                        [*split_in_two(text, "    ### START CODE HERE"), markdown("between")]
                    )
                )
            ),
        ),
        named(
            "magics and questions among the lines",
            ("ResNet50", "    # Stage 1", "    %time print('slow?')\n    # Stage 1"),
            first=[code("!pip install keras\nConv2D?\nfiles = !ls")],
            right={"identity_block", "convolutional_block"},  # without IPython, no magic runs
        ),
        named(
            "inside an if",
            (
                "identity_block",
                NAMED_IDENTITY,
                "if True:\n" + "\n".join(f"    {line}" for line in NAMED_IDENTITY.split("\n")),
            ),
        ),
        named(
            "Keras 1",
            (
                "convolutional_block",
                "Conv2D(F1, (1, 1), strides = (s,s), name",
                "Convolution2D(F1, 1, 1, subsample=(s,s), border_mode='valid', name",
            ),
            (
                "convolutional_block",
                "X = Add()([X, X_shortcut])",
                "X = merge([X, X_shortcut], mode='sum')",
            ),
            imports=NAMED_IMPORTS + "\nfrom keras.layers import Convolution2D, merge",
            expected={"convolutional_block": CHANGED},
        ),
        named(
            "an answer that is indented as a whole",
            (
                "identity_block",
                NAMED_IDENTITY,
                NAMED_IDENTITY.replace("\n", "\n  ").join(["  ", ""]),
            ),
        ),
        named(
            "settings of the notebook's, and of the backend",
            ("identity_block", "axis = 3", "axis = bn_axis"),
            ("identity_block", "    F1,", "    global F1\n    F1,"),
            (
                "convolutional_block",
                "    F1,",
                "    axis = 3 if K.image_data_format() == 'channels_last' else 1\n    F1,",
            ),
            ("convolutional_block", "axis = 3,", "axis = axis,"),
            first=[code("bn_axis = 3")],
        ),
        named(
            "import of everything",
            ("identity_block", "Add()([X, X_shortcut])", "add([X, X_shortcut])"),
            imports="from keras.layers import *\nfrom keras.models import *\n"
            "from keras.initializers import glorot_uniform\nfrom resnets_utils import *",
        ),
    ]


def initializer_samples() -> list[Sample]:
    """Notebooks of the second family, to be carried into its own release."""
    # A later edition told no block whether it trains.
    signs = (", training=training", ", training = training", "training=True, ")
    untold = dict(INITIALIZER)
    for name in ("identity_block", "convolutional_block"):
        for sign in signs:
            untold[name] = untold[name].replace(sign, "")
    untold = changed(untold, "ResNet50", ("classes = 6)", "classes = 6, training=False)"))
    by_path = initializer_answers(
        identity_block=[("=random_uniform", "=tf.keras.initializers.RandomUniform")],
        ResNet50=[("glorot_uniform(", "tf.initializers.GlorotUniform(")],
    )
    by_place = initializer_answers(
        convolutional_block=[("(X_shortcut, training=training)", "(X_shortcut, training)")]
    )
    forgotten = initializer_answers(
        identity_block=[("(X, training = training)\n    X = Add", "(X)\n    X = Add")]
    )
    added = initializer_answers(
        identity_block=[("Add()([X_shortcut, X])", "tf.math.add(X_shortcut, X)")],
        convolutional_block=[("    X_shortcut = X\n", "    X_shortcut = tf.identity(X)\n")],
        ResNet50=[("AveragePooling2D((2, 2))", "layers.AveragePooling2D()")],
    )
    head, _, rest = INITIALIZER["identity_block"].partition("    ### START CODE HERE")
    end = rest.partition("### END CODE HERE")[2]
    marks = "    # X =\n    # YOUR CODE STARTS HERE\n\n    # YOUR CODE ENDS HERE"
    other_marks = {**INITIALIZER, "identity_block": f"{head}{marks}{end}"}
    last = [markdown("A note of mine."), code("import pandas\npandas.DataFrame()")]
    marked = as_file(edition(INITIALIZER_IMPORTS, INITIALIZER, last=last))
    cells = json.loads(marked)["cells"]
    for number, cell in enumerate(cells):
        foreign = {"grade_id": f"cell-{number:012x}", "solution": True, "grade": False}
        cell["metadata"] = {"deletable": False, "nbgrader": foreign | {"schema_version": 3}}
    return [
        sample("the second family as it was", marked),
        sample("somebody else's nbgrader cells", as_file(cells)),
        sample(
            "blocks that are not told whether they train",
            as_file(edition(INITIALIZER_IMPORTS, untold)),
            expected={"identity_block": CHANGED, "convolutional_block": CHANGED},
        ),
        sample(
            "other paths to the initializers",
            as_file(edition(INITIALIZER_IMPORTS, by_path)),
            expected={"identity_block": CHANGED, "ResNet50": CHANGED},
        ),
        sample(
            "training without a keyword",
            as_file(edition(INITIALIZER_IMPORTS, by_place)),
            expected={"convolutional_block": CHANGED},
        ),
        sample(
            "the marks of another edition, with nothing between them",
            as_file(edition(INITIALIZER_IMPORTS, other_marks)),
            wrong={"identity_block"},
            expected={"identity_block": NEEDS_YOU},
            says=("not attempted",),
        ),
        sample(
            "training forgotten once",
            as_file(edition(INITIALIZER_IMPORTS, forgotten)),
            wrong={"identity_block"},
        ),
        sample(
            "TensorFlow's functions on layers' outputs",
            as_file(edition(INITIALIZER_IMPORTS, added)),
            expected=dict.fromkeys(FUNCTIONS, CHANGED),
        ),
    ]


def between_samples() -> list[Sample]:
    """Notebooks of the first family, to be carried into the second's release."""
    by_place = changed(
        NAMED,
        "ResNet50",
        (
            "f = 3, filters = [64, 64, 256], stage = 2, block='a', s = 1",
            "3, [64, 64, 256], 2, 'a', 1",
        ),
        (
            "3, [512, 512, 2048], stage=5, block='c'",
            "block='c', filters=[512, 512, 2048], f=3, stage=5",
        ),
    )
    built = changed(
        NAMED,
        "identity_block",
        (
            "'res' + str(stage) + block + '_branch'",
            "'res'\n    conv_name_base += str(stage) + block",
        ),
        ("name = bn_name_base + '2c'", "name=f'{bn_name_base}2c'"),
        ("(axis = 3, name = bn_name_base + '2b')", "(name=(bn_name_base + '2b'), axis=3)"),
    )
    printed = changed(NAMED, "identity_block", ("    F1,", "    print('stage', stage)\n    F1,"))
    starred = changed(
        NAMED,
        "ResNet50",
        ("stage=2, block='b'", "**dict(stage=2, block='b')"),
    )
    helped = changed(
        NAMED,
        "convolutional_block",
        ("BatchNormalization(axis = 3, name = bn_name_base + '1')", "normal(bn_name_base)"),
    )
    variable = changed(
        NAMED,
        "identity_block",
        ("    F1,", "    start = glorot_uniform(seed=0)\n    F1,"),
        ("kernel_initializer = glorot_uniform(seed=0)", "kernel_initializer = start"),
    )
    outside = changed(
        NAMED,
        "identity_block",
        ("kernel_initializer = glorot_uniform(seed=0)", "kernel_initializer = start"),
    )
    helper = code("def normal(name):\n    return BatchNormalization(axis=3, name=name + '1')")
    all_changed = dict.fromkeys(FUNCTIONS, CHANGED)
    return [
        named("from names to initializers", expected=all_changed),
        sample(
            "from names to initializers, by place",
            as_file(edition(NAMED_IMPORTS, by_place)),
            expected=all_changed,
        ),
        sample(
            "names built in several ways",
            as_file(edition(NAMED_IMPORTS, built)),
            expected=all_changed,
        ),
        sample(
            "the stage is printed",
            as_file(edition(NAMED_IMPORTS, printed)),
            right={"convolutional_block"},
            expected=all_changed | {"identity_block": NEEDS_YOU},
            says=("depends on stage",),
        ),
        named(
            "from Keras's own initializer",
            ("identity_block", "glorot_uniform(", "keras.initializers.glorot_uniform("),
            imports=NAMED_IMPORTS + "\nimport keras",
            expected=all_changed,
        ),
        sample(
            "an initializer in a variable",
            as_file(edition(NAMED_IMPORTS, variable)),
            expected=all_changed,
        ),
        sample(
            "an initializer from outside the block",
            as_file(
                edition(NAMED_IMPORTS, outside, first=[code("start = glorot_uniform(seed=0)")])
            ),
            right={"convolutional_block"},
            expected=all_changed | {"identity_block": NEEDS_YOU},
            says=("takes its initializer from outside",),
        ),
        sample(
            "stars in calls",
            as_file(edition(NAMED_IMPORTS, starred)),
            right={"identity_block", "convolutional_block"},
            expected=all_changed | {"ResNet50": NEEDS_YOU},
        ),
        sample(
            "names made by a helper",
            as_file(edition(NAMED_IMPORTS, helped, first=[helper])),
            right={"identity_block"},
            expected=all_changed | {"convolutional_block": NEEDS_YOU},
        ),
    ]
