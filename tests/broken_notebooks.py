"""Ways in which a good submission gets broken: each takes its notebook and changes it."""

from __future__ import annotations

import copy
import json
from typing import Any

Notebook = dict[str, Any]
ANSWER = "identity_block"
TEST = "test_identity_block"


def cell_of(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    """The first cell of a grade id."""
    return next(cell for cell in notebook["cells"] if name_of(cell) == grade_id)


def name_of(cell: dict[str, Any]) -> str:
    """A cell's grade id; "" if it has none."""
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def stripped(notebook: Notebook) -> None:
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {}
        cell["id"] = f"fresh-{number}"


def schema_versions(notebook: Notebook) -> None:
    versions = [1, 2, "3", 99, None, True]
    found = [cell for cell in notebook["cells"] if name_of(cell)]
    for number, cell in enumerate(found):
        cell["metadata"]["nbgrader"]["schema_version"] = versions[number % len(versions)]


def no_schema_version(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"].get("nbgrader", {}).pop("schema_version", None)


def metadata_of_wrong_types(notebook: Notebook) -> None:
    cell_of(notebook, TEST)["metadata"]["nbgrader"] = {"grade_id": TEST, "points": "many"}
    notebook["metadata"] = ["no", "mapping"]
    notebook["cells"].append({"cell_type": "code", "metadata": {"nbgrader": [7]}, "source": [3]})


def foreign_metadata(notebook: Notebook) -> None:
    other = {"grade": True, "solution": False, "grade_id": "hw1", "points": 9, "schema_version": 3}
    notebook["cells"].append(code("1 + 1", nbgrader={**other, "locked": True}))
    notebook["cells"].append(code("2 + 2", nbgrader=other, cell_id="hw1"))


def duplicated_cells(notebook: Notebook) -> None:
    blank = copy.deepcopy(cell_of(notebook, ANSWER))
    nbgrader = blank["metadata"]["nbgrader"]
    assert nbgrader["solution"]
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, TEST)))
    place = notebook["cells"].index(cell_of(notebook, ANSWER))
    blank["source"] = "# a first attempt\nbefore = 1"
    notebook["cells"].insert(place, blank)


def duplicated_ids(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if not name_of(cell):
            cell["id"] = "same"
    notebook["cells"] += [code("3", cell_id="same"), code("4", cell_id="same")]


def deleted_tests(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if name_of(cell) != TEST]


def tests_first(notebook: Notebook) -> None:
    notebook["cells"].sort(key=lambda cell: name_of(cell) != TEST)


def backwards(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def retyped(notebook: Notebook) -> None:
    for name, kind in ((ANSWER, "markdown"), (TEST, "raw")):
        cell = cell_of(notebook, name)
        cell["cell_type"] = kind
        cell.pop("outputs", None)


def edited_tests(notebook: Notebook) -> None:
    cell = cell_of(notebook, TEST)
    cell["source"] = "100"
    cell["metadata"]["nbgrader"]["points"] = 1000


def edited_imports(notebook: Notebook) -> None:
    cell = cell_of(notebook, "imports")
    cell["source"] = "import math as arithmetic\n" + cell["source"]


def deleted_imports(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if name_of(cell) != "imports"]


def split(notebook: Notebook) -> None:
    """As JupyterLab cuts a cell: both halves keep its metadata."""
    cell = cell_of(notebook, ANSWER)
    lines = cell["source"].split("\n")
    middle = next(n for n, line in enumerate(lines) if line.startswith("    X = "))
    rest = copy.deepcopy(cell) | {"source": "\n".join(lines[middle:]), "id": "second-half"}
    cell["source"] = "\n".join(lines[:middle])
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, rest)


def answer_in_another_cell(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    text, cell["source"] = cell["source"], "# see below"
    notebook["cells"].remove(cell)
    notebook["cells"].append(code(text))


def answer_among_other_code(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    notebook["cells"].remove(cell)
    at = notebook["cells"].index(cell_of(notebook, TEST))
    notebook["cells"].insert(at, code("left = 1\n\n" + cell["source"] + "\n\nright = 2\n"))


def cut_into_many(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    lines = cell["source"].split("\n")
    size = len(lines) // 6
    parts = ["\n".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    at = notebook["cells"].index(cell)
    cell["source"] = parts[0]
    notebook["cells"][at + 1 : at + 1] = [code(part) for part in parts[1:]]


def answer_in_the_test_cell(notebook: Notebook) -> None:
    cell, test = cell_of(notebook, ANSWER), cell_of(notebook, TEST)
    test["source"] = cell["source"] + "\n\n" + test["source"]
    cell["source"] = ""


def answer_and_test_exchanged(notebook: Notebook) -> None:
    cell, test = cell_of(notebook, ANSWER), cell_of(notebook, TEST)
    cell["source"], test["source"] = test["source"], cell["source"]


def answer_below_the_imports(notebook: Notebook) -> None:
    """In their locked cell; the cell for the answer is empty."""
    cell, imports = cell_of(notebook, ANSWER), cell_of(notebook, "imports")
    imports["source"] += "\n\n" + cell["source"]
    cell["source"] = ""


def answer_in_text(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    text = f"My answer:\n\n```python\n{cell['source']}\n```\nI hope so."
    cell["source"] = ""
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": text})


def in_fences(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    cell["source"] = f"```python\n{cell['source']}\n```"


def with_prompts(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    cell["source"] = "In [3]: " + cell["source"].replace("\n", "\n   ...: ") + "\nOut[3]: 7"


def with_odd_letters(notebook: Notebook) -> None:
    """As from a word processor: typographic quotes, hard spaces, a mark nobody sees."""
    cell = cell_of(notebook, ANSWER)
    text = cell["source"].replace("    ", "\u00a0\u00a0\u00a0 ").replace("def ", "\u200bdef ")
    cell["source"] = text.replace('"', "\u201c")


def with_a_tab(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    cell["source"] = "\n    ".join(cell["source"].rsplit("\n    ", 1)).replace(
        "\n    return", "\n\treturn"
    )


def lines_without_ends(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].split("\n")


def lists_in_lists(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["source"] = [cell["source"].splitlines(keepends=True)]
    notebook["cells"] = [notebook["cells"][:3], notebook["cells"][3:]]


def one_id_for_all(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["id"], cell["metadata"] = TEST, {}


def tags(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell"]


def attachments(notebook: Notebook) -> None:
    notebook["cells"][0]["attachments"] = {"a.png": {"image/png": "QUJD"}}
    cell_of(notebook, ANSWER)["attachments"] = {"b.png": 7}


def surrogates_and_nul(notebook: Notebook) -> None:
    cell_of(notebook, ANSWER)["source"] += "\n# \ud800 half a letter, \x00 and \x1b"
    notebook["metadata"]["title"] = "\udfff\x00"


def huge_outputs(notebook: Notebook) -> None:
    cell = cell_of(notebook, ANSWER)
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}]


def long_note(notebook: Notebook) -> None:
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "A" * 300_000})


def points_in_every_cell(notebook: Notebook) -> None:
    """As nbgrader's first schema had it."""
    for cell in notebook["cells"]:
        if name_of(cell):
            cell["metadata"]["nbgrader"] |= {"schema_version": 1, "points": "5"}


def answer_far_below(notebook: Notebook) -> None:
    """Its own cell left with a word of Python, and another cell with the id of the next one."""
    cell = cell_of(notebook, ANSWER)
    notebook["cells"].append(code(cell["source"], cell_id="convolutional_block"))
    cell["source"] = "pass"


def id_of_a_heading(notebook: Notebook) -> None:
    """The cell's id given to a cell for text, below it."""
    cell = cell_of(notebook, ANSWER)
    at = notebook["cells"].index(cell)
    cell["id"], notebook["cells"][at + 1]["id"] = "fresh", cell["id"]


def metadata_of_a_heading(notebook: Notebook) -> None:
    """The cell's metadata on a text below it, too."""
    cell = cell_of(notebook, ANSWER)
    below = notebook["cells"][notebook["cells"].index(cell) + 1]
    below["metadata"] = copy.deepcopy(cell["metadata"])


def merged_with_the_text_below(notebook: Notebook) -> None:
    """As JupyterLab merges cells."""
    cell = cell_of(notebook, ANSWER)
    at = notebook["cells"].index(cell)
    cell["source"] += "\n\n" + notebook["cells"].pop(at + 1)["source"]


def turned_into_a_heading(notebook: Notebook) -> None:
    cell_of(notebook, ANSWER)["cell_type"] = "heading"


def text_under_other_keys(notebook: Notebook) -> None:
    for number, cell in enumerate(notebook["cells"]):
        source = cell["source"]
        cell |= {"source": None, "input": source} if number % 2 else {"source": {"0": source}}


def answer_named_as_an_earlier_test(notebook: Notebook) -> None:
    cell = cell_of(notebook, "convolutional_block")
    cell["metadata"]["nbgrader"]["grade_id"] = TEST


def thousands_of_empty_cells(notebook: Notebook) -> None:
    notebook["cells"][9:9] = [code("") for _ in range(3_000)]


# What each is called in the feedback; "" where nothing is to be said.
REPAIRED: dict[Any, str] = {
    stripped: "identity_block was found in another cell than its own",
    schema_versions: "had nbgrader's metadata changed, which was restored",
    no_schema_version: "had nbgrader's metadata changed, which was restored",
    metadata_of_wrong_types: "had nbgrader's metadata changed, which was restored",
    foreign_metadata: "2 cells had nbgrader's metadata of another assignment",
    duplicated_cells: "the cell identity_block was there 2 times; the last answer was judged",
    duplicated_ids: "had the id of another",
    deleted_tests: "the test cell test_identity_block was missing; it was restored",
    tests_first: "the test cell test_identity_block stood above an answer",
    backwards: "the locked cell imports stood below an answer; it was moved above it",
    retyped: "the cell identity_block had been turned into markdown; it was read as code",
    edited_tests: "the test cell test_identity_block had been changed; it was restored",
    edited_imports: "the locked cell imports had been changed; it was restored",
    deleted_imports: "the locked cell imports was missing; it was restored",
    split: "identity_block had been cut into 2 cells; they were joined",
    answer_in_another_cell: "identity_block was found in another cell than its own",
    answer_among_other_code: "identity_block was found in a cell with other code",
    cut_into_many: "identity_block had been cut into 7 cells; they were joined",
    answer_in_the_test_cell: "what the student wrote into it runs above it",
    answer_and_test_exchanged: "what the student wrote into it runs above it",
    answer_below_the_imports: "what the student wrote into it runs below it",
    answer_in_text: "identity_block stood in a cell for text; it was read as code",
    in_fences: "one cell was read without the marks ``` around code",
    with_prompts: "one cell was read without prompts",
    with_odd_letters: "one cell was read without letters that only look like Python's",
    with_a_tab: "one cell was read without tabs mixed with spaces",
    lines_without_ends: "",
    lists_in_lists: "",
    one_id_for_all: "identity_block was found in another cell than its own",
    tags: "had tags, which were left out",
    attachments: "2 cells had pictures attached, which were left out",
    surrogates_and_nul: "control characters were removed from one cell",
    huge_outputs: "",
    points_in_every_cell: "had nbgrader's metadata changed, which was restored",
    answer_far_below: "identity_block was found in another cell than its own",
    turned_into_a_heading: "identity_block had been turned into markdown; it was read as code",
    text_under_other_keys: "",
    thousands_of_empty_cells: "3,000 empty cells were left out",
    long_note: "one cell of more than 200,000 letters left out",
}

# The same for what takes more cells than a small assignment has.
REPAIRED_AMONG_MANY: dict[Any, str] = {
    id_of_a_heading: "",
    merged_with_the_text_below: "one cell was read without the text cells merged into it",
    answer_named_as_an_earlier_test: "convolutional_block was found in another cell than its own",
}


def in_format_3(notebook: Notebook) -> Notebook:
    """The notebook as IPython 1 saved it."""
    cells = []
    for cell in notebook["cells"]:
        old = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        if cell["cell_type"] == "code":
            old |= {"input": cell["source"], "language": "python", "outputs": []}
        else:
            old |= {"source": cell["source"]}
        cells.append(old)
    sheets = [{"cells": cells, "metadata": {}}]
    return {"worksheets": sheets, "metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}


def code(source: str, cell_id: str = "", **metadata: Any) -> dict[str, Any]:
    """A code cell of the student's own."""
    cell: dict[str, Any] = {"cell_type": "code", "metadata": metadata, "source": source}
    cell |= {"outputs": [], "execution_count": None}
    return cell | ({"id": cell_id} if cell_id else {})


def as_bytes(notebook: Notebook) -> bytes:
    """The notebook's file; lone surrogates stand in it as JSON's escapes."""
    return json.dumps(notebook).encode()
