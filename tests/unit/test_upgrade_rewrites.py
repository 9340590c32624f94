"""Single lines of older answers, and how they must read today."""

from __future__ import annotations

import pytest

from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.upgrade.keras_rewrites import remaining_problems, updated
from resnets_utils.upgrade.needed_names import NotebookNames
from resnets_utils.upgrade.todays_names import is_there, todays_home

GIVEN = {
    "Activation": "keras.layers.Activation",
    "Add": "keras.layers.Add",
    "AveragePooling2D": "keras.layers.AveragePooling2D",
    "BatchNormalization": "keras.layers.BatchNormalization",
    "Conv2D": "keras.layers.Conv2D",
    "Model": "keras.models.Model",
    "glorot_uniform": "resnets_utils.glorot_uniform",
}


def names_after(imports: str) -> NotebookNames:
    return NotebookNames([Cell("code", imports)], ())


def rewritten(line: str, imports: str = "from resnets_utils import *") -> str:
    return updated(PythonText(line), names_after(imports).meanings(GIVEN), GIVEN)[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("AveragePooling2D()(X)", "AveragePooling2D(pool_size=(2, 2))(X)"),
        ("AveragePooling2D (name='a')(X)", "AveragePooling2D (pool_size=(2, 2), name='a')(X)"),
        ("AveragePooling2D(2)(X)", "AveragePooling2D(2)(X)"),
        ("AveragePooling2D(**size)(X)", "AveragePooling2D(**size)(X)"),
        ("Model(input=A, output=B)", "Model(inputs=A, outputs=B)"),
        ("Model(A, output = B)", "Model(A, outputs = B)"),
        ("tf.add(A, tf.add(B, 'é'))", "Add()([A, Add()([B, 'é'])])"),
        ("tf.add(x=A, y=B)", "tf.add(x=A, y=B)"),
        ("tf.add_n([A, B])", "Add()([A, B])"),
        ("tf.nn.relu(tf.add(A, B))", 'Activation("relu")(Add()([A, B]))'),
        ("K.relu(X)", 'Activation("relu")(X)'),
        ("K.relu(X, alpha=0.1)", "K.relu(X, alpha=0.1)"),
        ("Activation(tf.nn.relu)(X)", 'Activation("relu")(X)'),
        ("Conv2D(3, 1, activation=tf.nn.relu)", 'Conv2D(3, 1, activation="relu")'),
        ("tf.keras.activations.relu(X)", "tf.keras.activations.relu(X)"),
        ("print(X.get_shape())", "print(X.shape)"),
        ("n = X.get_shape().as_list()[3]", "n = list(X.shape)[3]"),
        ("X.shape.as_list()", "list(X.shape)"),
        ("K.int_shape(f(X))[1:]", "f(X).shape[1:]"),
        ("print(tf.shape(X))", "print(X.shape)"),
        ("2 * tf.cast(X + Y, tf.float32)", "2 * (X + Y)"),
        ("K.int_shape(A + B)", "(A + B).shape"),
        ("tf.cast(X, dtype='float32')", "X"),
        ("tf.cast(X, tf.int32)", "tf.cast(X, tf.int32)"),
        ("BatchNormalization(axis=3)(X, t)", "BatchNormalization(axis=3)(X, training=t)"),
        ("tf.keras.initializers.GlorotUniform(seed=7)", "glorot_uniform(seed=7)"),
        ("tf.glorot_uniform_initializer(7)", "glorot_uniform(7)"),
        ("layers.merge.add([A, B])", "layers.add([A, B])"),
        ("keras.layers.core.Dense(3)", "keras.layers.Dense(3)"),
        ("Conv2D(8, 3, 3, border_mode='same')", "Conv2D(8, (3, 3), padding='same')"),
        ("Conv2D(8, 3, 3)", "Conv2D(8, 3, 3)"),
        ("Conv2D(8, np.int(3.0))", "Conv2D(8, int(3.0))"),
        ("Conv2D(8, 3, name='a/b')", "Conv2D(8, 3, name='a_b')"),
        ("'ä' + 'ö'; AveragePooling2D()", "'ä' + 'ö'; AveragePooling2D(pool_size=(2, 2))"),
        ("from keras.layers.merge import add, Add as Plus",
         "from keras.layers import add\nfrom keras.layers import Add as Plus"),
        ("from keras.initializers import glorot_uniform as g",
         "from resnets_utils import glorot_uniform as g"),
        ("from keras.layers import Dense", "from keras.layers import Dense"),
        ("if a: from keras.engine import Model, Input",
         "if a: from keras.models import Model; from keras.layers import Input"),
    ],
)  # fmt: skip
def test_only_what_newer_libraries_broke_is_rewritten(before: str, after: str) -> None:
    assert rewritten(before) == after


def test_a_name_means_what_the_notebook_imported() -> None:
    assert rewritten("gu(seed=1)", "from keras.initializers import glorot_uniform as gu") == (
        "glorot_uniform(seed=1)"
    )
    assert rewritten("P()(X)", "from keras.layers import AvgPool2D as P") == (
        "P(pool_size=(2, 2))(X)"
    )
    # Never imported: that was the student's mistake then, and it stays one.
    assert rewritten("tf.add(X, X)", "import numpy as np") == "tf.add(X, X)"
    own = "def AveragePooling2D(): return lambda X: X"
    assert rewritten("AveragePooling2D()(X)", own) == "AveragePooling2D()(X)"


@pytest.mark.parametrize(
    "own",
    [
        "def Add():\n    return sum",
        "class Add:\n    def __call__(self, both):\n        return sum(both)",
        "Add = lambda: sum",
        "Add = one = lambda: sum",
        "Add = partial(sum, start=0)",
        "Add: object = functools.partial(sum, start=0)",
        "Add = keras.layers.Concatenate",
        "if keras:\n    def Add():\n        return sum",
        "Add, one = (lambda: sum), 1",
    ],
)
def test_a_function_named_like_one_of_the_release_is_brought_along(own: str) -> None:
    names = NotebookNames([Cell("code", f"import keras\n{own}")], ["f"])
    needs = names.needs_of("def f(X):\n    return Add()([X, X])", GIVEN)
    assert [helper.text for helper in needs.helpers] == [own]


@pytest.mark.parametrize(
    "other",
    [
        "Add = keras.layers.Add",
        "Add = [1, 2]",
        "Add = keras.layers.merge.Add",
        "Add, one = keras.layers",
    ],
)
def test_the_same_thing_or_a_value_under_a_name_of_the_release_is_not(other: str) -> None:
    names = NotebookNames([Cell("code", f"import keras\n{other}")], ["f"])
    needs = names.needs_of("def f(X):\n    return Add()([X, X])", GIVEN)
    assert needs.helpers == [] and needs.imports == []


def test_each_change_is_shown_with_its_line_before_and_after() -> None:
    text = "X = 1\nX = AveragePooling2D()(tf.add(X, X))\nY = tf.nn.relu(\n    X)"
    names = names_after("import tensorflow as tf").meanings(GIVEN)
    _, changes = updated(PythonText(text), names, GIVEN)
    assert [(change.line, change.before, change.after) for change in changes] == [
        (
            2,
            "X = AveragePooling2D()(tf.add(X, X))",
            "X = AveragePooling2D(pool_size=(2, 2))(Add()([X, X]))",
        ),
        (3, "Y = tf.nn.relu(", 'Y = Activation("relu")('),
    ]
    assert all(change.why for change in changes)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tf.concat([X, X], 3)", "tf.concat: today's Keras refuses"),
        ("K.int_shape(X)", "there is no K.int_shape"),
        ("X.get_shape()", ".get_shape is gone"),
        ("BatchNormalization(mode=0)(X)", "no longer takes mode"),
    ],
)
def test_what_cannot_be_rewritten_is_told(line: str, reason: str) -> None:
    text = f"X = 1\n{line}"
    names = names_after("from resnets_utils import *").meanings(GIVEN)
    problems = remaining_problems(PythonText(text), names, GIVEN)
    assert [problem.line for problem in problems] == [2]
    assert reason in problems[0].reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keras.layers.convolutional.Conv2D", "keras.layers.Conv2D"),
        ("tensorflow.python.keras.layers.core.Dense", "keras.layers.Dense"),
        ("tensorflow.contrib.keras.layers.Add", "keras.layers.Add"),
        ("keras.utils.vis_utils.plot_model", "keras.utils.plot_model"),
        ("keras.engine.topology.Layer", "keras.layers.Layer"),
        ("tensorflow.keras.layers.experimental.preprocessing.Rescaling", "keras.layers.Rescaling"),
    ],
)
def test_what_moved_is_there_today(old: str, new: str) -> None:
    assert todays_home(old) == new
    assert is_there(new) and not is_there(f"{new}_of_old")


@pytest.mark.parametrize(
    "text",
    [
        "%matplotlib inline\ndef f(): return 1\n!ls -l | wc\nf?\nfiles = !ls\nx = %time f()",
        "%%time\ndef f():\n    %time g()\n    return 1",
        'def f():\n    """Is it?\n%this is text\n    """\n    return 1\nprint f',
        "print 'old'\n@deco\ndef f(X,\n      y=(1,\n2)):\n    return 1\n",
    ],
)
def test_functions_are_found_among_what_is_no_python(text: str) -> None:
    found = find_definitions([Cell("code", text)], ["f"])
    assert [definition.error for definition in found] == [None]
    assert found[0].is_complete
    assert found[0].text in text and "return 1" in found[0].text


def test_a_function_that_was_cut_into_many_cells_is_one_answer() -> None:
    parts = ["x = 0\ndef f(X):", "    a = (", "    1)", "    b = 2", "    return a"]
    cells = [Cell("code", part) for part in parts]
    cells[2:2] = [Cell("markdown", "a note between them")]
    (found,) = find_definitions([*cells, Cell("code", "    y = 3")], ["f"])
    assert found.cells == (0, 1, 3, 4, 5)
    assert found.is_complete and found.text == "\n".join(["def f(X):", *parts[1:]])
    # Another function's cell is not a part of it.
    cells[1:] = [Cell("code", "def g(X):\n    return 1")]
    assert [one.error is None for one in find_definitions(cells, ["f", "g"])] == [False, True]


def test_a_shell_cell_defines_nothing() -> None:
    assert find_definitions([Cell("code", "%%bash\ndef f(): return 1")], ["f"]) == []


@pytest.mark.parametrize("text", ["x = " + "[" * 300 + "]" * 300, "x = " + "-" * 5000 + "1", "\0"])
def test_monstrous_cells_are_errors_in_words(text: str) -> None:
    python = PythonText(text)
    assert python.tree is None and python.error is not None and python.error.reason
