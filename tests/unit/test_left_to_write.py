"""A function is complete as it stands, wherever its lines are; a blank one is not."""

from __future__ import annotations

import ast

import pytest
from upgrade_notebooks import NAMED_CONVOLUTIONAL

from resnets_utils.notebooks.definitions import Definition, find_definitions
from resnets_utils.notebooks.plain_notebook import Cell

HEAD, _REST = NAMED_CONVOLUTIONAL.split("    ### START CODE HERE ###\n")
BODY, TAIL = _REST.split("    ### END CODE HERE ###\n")
START, END = "    ### START CODE HERE ###\n", "    ### END CODE HERE ###\n"
COMMENTS = "    #X = None\n    # X = None  # the second\n    ## X_shortcut = None\n"
NONES = "    X = None\n    X = None # YOUR CODE HERE\n    X_shortcut = None\n"
ADDED = BODY[BODY.index("    X = Add()") :]
RAISES = "    # YOUR CODE HERE\n    raise NotImplementedError()\n"
NAME = "convolutional_block"
(GIVEN,) = ast.parse(HEAD + RAISES + TAIL).body
assert isinstance(GIVEN, ast.FunctionDef)


def the_one(text: str, name: str = NAME, given: ast.FunctionDef = GIVEN) -> Definition:
    (found,) = find_definitions([Cell("code", text)], [name], {name: given})
    return found


ONE_LINE = BODY.replace("\n               ", " ").replace("\n    X", ";X").replace("\n    \n", "")
BELOW = HEAD + START + COMMENTS + END + BODY + TAIL
COMPLETE = {
    "between the marks": HEAD + START + BODY + END + TAIL,
    "below the end mark": BELOW,
    "below the end mark, nothing between": HEAD + START + END + BODY + TAIL,
    "above the start mark": HEAD + BODY + START + COMMENTS + END + TAIL,
    "around a mark": HEAD + START + BODY.replace(ADDED, "") + END + ADDED + TAIL,
    "in the first of two pairs of marks": HEAD + START + BODY + END + START + END + TAIL,
    "in the second of two pairs": HEAD + START + COMMENTS + END + START + BODY + END + TAIL,
    "without marks": HEAD + BODY + TAIL,
    "without the end mark": HEAD + START + COMMENTS + BODY + TAIL,
    "without the start mark": HEAD + BODY + END + TAIL,
    "doubled marks": HEAD + START + START + END + BODY + END + TAIL,
    "marks in Spanish": HEAD + "    # EMPIEZA AQUÍ\n    # TERMINA AQUÍ\n" + BODY + TAIL,
    "marks with other spaces": HEAD + "#START  CODE  HERE\n #   end code here\n" + BODY + TAIL,
    "marks of another edition": HEAD + "    # YOUR CODE STARTS HERE\n\n"
    "    # YOUR CODE ENDS HERE\n" + BODY + TAIL,
    "a comment of the release": HEAD + "    # YOUR CODE HERE\n" + BODY + TAIL,
    "the exercise's error in a comment": HEAD + "    # raise NotImplementedError()\n" + BODY + TAIL,
    "an error below the end": HEAD + BODY + TAIL + "\n" + RAISES,
    "an error with words": HEAD + "    if s > 9:\n        raise NotImplementedError('no')\n"
    + BODY + TAIL,
    "placeholders that are replaced": HEAD.replace("X_shortcut = X", "kept = X") + START
    + "    X_shortcut = None\n    X_shortcut = None\n    model = None\n" + END
    + BODY.replace("(X_shortcut)", "(kept)", 1) + TAIL,
    "pass": HEAD + START + "    pass\n" + END + BODY + TAIL,
    "a function within": HEAD + START + COMMENTS + END + "    def end(X):\n"
    + BODY.replace("\n    ", "\n        ").replace("    X", "        X", 1).rstrip()
    + "\n        return X\n    X = end(X)\n" + TAIL,
    "a function of the notebook": HEAD + START + COMMENTS + END
    + "    X = rest_of_it(X, X_shortcut, f, filters, stage, block, s)\n" + TAIL,
    "a loop": HEAD + START + END + "    for F, k, p in ((F2, f, 'same'), (F3, 1, 'valid')):\n"
    "        X = Conv2D(F, k, padding=p)(X)\n        X = BatchNormalization()(X)\n"
    "    X = X + X_shortcut\n" + TAIL,
    "tabs": BELOW.replace("    ", "\t"),
    "semicolons": HEAD + START + COMMENTS + END + ONE_LINE + TAIL,
    "a magic in the first line": "%%time\n" + BELOW,
    "magics": "%matplotlib inline\n!ls\n" + HEAD + START + END + BODY + TAIL,
    "annotations": BELOW.replace(
        "filters, stage, block, s = 2):", "filters: list, *, s: int = 2, **k) -> object:"),
    "a decorator": "@tf.function\n" + BELOW.split("\n\n", 1)[1],
}  # fmt: skip
BLANK = {
    "as given": HEAD + START + NONES + END + TAIL,
    "placeholders in comments": HEAD + START + COMMENTS + END + TAIL,
    "nothing between the marks": HEAD + START + "\n" + END + TAIL,
    "last steps given": HEAD + START + COMMENTS + END + ADDED + TAIL,
    "last steps given, placeholders": HEAD + START + NONES + END + ADDED + TAIL,
    "errors": HEAD + RAISES + RAISES + TAIL,
    "errors in comments": HEAD + RAISES.replace("raise", "# raise") + TAIL,
    "marks taken away": HEAD + COMMENTS + TAIL,
    "None alone": HEAD + "    None # YOUR CODE HERE\n" + TAIL,
    "dots": HEAD + "    ...\n" + TAIL,
    "a text alone": f'def {NAME}(X, f, filters, stage, block, s=2):\n    """Words."""',
    "pass alone": f"def {NAME}(X, f, filters, stage, block, s=2): pass",
    "marks in Spanish": HEAD + "    # EMPIEZA AQUÍ\n" + NONES + TAIL,
    "another edition's initializer": HEAD.replace("glorot_", "random_") + RAISES + TAIL,
    "another edition's names": HEAD.replace("+ block +", "+ '_' + block +") + RAISES + TAIL,
}
HALF = {
    "a placeholder left": HEAD + START + BODY.replace(ADDED, "    X = None\n") + END + TAIL,
    "an error left": HEAD + BODY.replace(ADDED, RAISES) + TAIL,
    "dots left": HEAD + BODY.replace(ADDED, "    ...\n") + TAIL,
    "placeholders, then lines": HEAD + NONES + BODY + TAIL,
}


@pytest.mark.parametrize("text", COMPLETE.values(), ids=COMPLETE)
def test_a_complete_function_is_complete_wherever_its_lines_are(text: str) -> None:
    found = the_one(text)
    assert (found.error, found.placeholder, found.untouched) == (None, 0, False)


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK)
def test_a_blank_function_is_blank_whatever_its_marks(text: str) -> None:
    found = the_one(text)
    assert found.error is None and found.placeholder and found.untouched


@pytest.mark.parametrize("text", HALF.values(), ids=HALF)
def test_a_half_written_function_is_neither(text: str) -> None:
    found = the_one(text)
    assert found.error is None and found.placeholder and not found.untouched


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("    raise NotImplementedError()", 2),
        ('    """Words."""\n    pass', 1),
        ("    X = None\n    return X", 2),
        ("    # START CODE HERE\n\n    # END CODE HERE\n    return 1", 2),
        ("    # START CODE HERE\n\n    # END CODE HERE\n    return 2", 0),
        ("    # YOUR CODE HERE\n    return X[0]", 0),
        ("    ### START CODE HERE ###\n    y = 2\n    ### END CODE HERE ###\n    return y", 0),
        ("    best = None\n    return best", 0),
        ("    if True:\n        return 1 + 1", 0),
        ("    X = None\n    X += 1\n    return X", 2),
        ("    try:\n        X = X[0]\n    except IndexError:\n        ...\n    return X", 5),
        ("    try:\n        X = X[0]\n    finally:\n        ...\n    return X", 5),
        ("    for X in X:\n        X = X[0]\n    else:\n        ...\n    return X", 5),
        ("    match X:\n        case []:\n            ...\n    return X[0]", 4),
    ],
)  # fmt: skip
def test_what_is_left_to_write_is_found(body: str, line: int) -> None:
    (given,) = ast.parse("def f(X):\n    return 1").body
    assert isinstance(given, ast.FunctionDef)
    assert the_one(f"def f(X):\n{body}", "f", given).placeholder == line


def test_a_mark_with_nothing_below_it_is_found_in_what_is_written_elsewhere() -> None:
    found = the_one(COMPLETE["below the end mark, nothing between"])
    assert found.text.split("\n")[found.gap - 1] == START.strip("\n")
    assert not the_one(COMPLETE["between the marks"]).gap
    assert not the_one(BLANK["nothing between the marks"]).gap
