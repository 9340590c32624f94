from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from coursekit.course.assignment_file import (
    AssignmentFile,
    new_assignment_file,
    read_assignment_file,
    updates_cell,
    version_of,
    version_order,
)
from coursekit.errors import AuthoringError
from resnets_utils.notebooks.stamp import KEY, Stamp, digest_cells, digest_texts, read_stamp

DIGEST = "sha256:" + 64 * "0"
STAMP = Stamp("residual-networks-v3", "v3", "v2a", DIGEST, DIGEST, DIGEST, "0.1.0")


def written() -> dict[str, Any]:
    return {KEY: copy.deepcopy(STAMP.as_metadata())}


def test_a_stamp_is_read_as_it_was_written() -> None:
    assert read_stamp(written()) == STAMP


def test_keys_that_are_not_known_are_ignored() -> None:
    metadata = written()
    metadata[KEY]["upgraded_from"] = {"file": "old.ipynb"}
    assert read_stamp(metadata) == STAMP


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another schema": lambda stamp: stamp.update(schema=2),
    "true as a schema": lambda stamp: stamp.update(schema=True),
    "no assignment": lambda stamp: stamp.pop("assignment"),
    "a path": lambda stamp: stamp.update(assignment="../../etc"),
    "a long name": lambda stamp: stamp.update(assignment=1000 * "a"),
    "a name of two lines": lambda stamp: stamp.update(version="v3\n"),
    "a number": lambda stamp: stamp.update(version=3),
    "no previous": lambda stamp: stamp.pop("previous"),
    "a list as previous": lambda stamp: stamp.update(previous=["v2a"]),
    "no digest": lambda stamp: stamp.update(release="sha256:"),
    "no origin": lambda stamp: stamp.pop("generated_from"),
    "text as origin": lambda stamp: stamp.update(generated_from="here"),
    "half an origin": lambda stamp: stamp["generated_from"].pop("source"),
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_malformed_stamp_is_no_stamp(how: str) -> None:
    metadata = written()
    MALFORMED[how](metadata[KEY])
    assert read_stamp(metadata) is None


@pytest.mark.parametrize("metadata", [None, [], "text", {}, {KEY: None}, {KEY: []}])
def test_metadata_without_a_stamp_has_none(metadata: object) -> None:
    assert read_stamp(metadata) is None


def cell(**changes: Any) -> dict[str, Any]:
    nbgrader = {
        "grade": True,
        "grade_id": "test_x",
        "locked": True,
        "points": 3,
        "solution": False,
        "task": False,
        "checksum": "abc",
    }
    return {
        "cell_type": "code",
        "id": "test_x",
        "source": "one\ntwo",
        "metadata": {"nbgrader": nbgrader},
        "outputs": [],
        **changes,
    }


CHANGED = {
    "grade": False,
    "grade_id": "test_y",
    "locked": False,
    "points": 4,
    "solution": True,
    "task": True,
}


def graded(key: str, value: object) -> dict[str, Any]:
    made = cell()
    made["metadata"]["nbgrader"][key] = value
    return made


def test_the_digest_counts_what_students_get() -> None:
    digests = {
        digest_cells(cells)
        for cells in (
            [cell()],
            [cell(), cell()],
            [cell(source="one\nthree")],
            [cell(id="other")],
            [cell(cell_type="markdown")],
            [cell(metadata={})],
            *([graded(key, value)] for key, value in CHANGED.items()),
        )
    }
    assert len(digests) == 6 + len(CHANGED)
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)


def test_the_digest_does_not_count_outputs_checksums_and_how_text_is_stored() -> None:
    other = cell(outputs=["something"], source=["one\n", "two"])
    other["metadata"]["nbgrader"]["checksum"] = "xyz"
    other["metadata"]["collapsed"] = True
    assert digest_cells([other]) == digest_cells([cell()])


def test_texts_do_not_run_together() -> None:
    assert digest_texts(["ab", "c"]) != digest_texts(["a", "bc"])


def test_the_stamp_is_read_without_tensorflow() -> None:
    code = "import sys, resnets_utils.notebooks.stamp; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def folder(tmp_path: Path, text: str) -> Path:
    found = tmp_path / "residual-networks-v3"
    found.mkdir()
    (found / "assignment.toml").write_text(text, encoding="utf-8")
    return found


GOOD = 'version = "v3"\nprevious = "v2a"\nupdates = ["One.", "*Two*."]\n'


def test_the_list_of_updates_is_markdown(tmp_path: Path) -> None:
    version = read_assignment_file(folder(tmp_path, GOOD))
    assert version.as_markdown() == ("This is version v3. Since version v2a:\n\n- One.\n- *Two*.")
    assert "the first" in AssignmentFile("v1", "", ()).as_markdown()


@pytest.mark.parametrize("text", ["nothing", "{updates} {updates}"])
def test_a_missing_or_doubled_placeholder_is_told(text: str) -> None:
    notebook = new_notebook()
    assert updates_cell(notebook, AssignmentFile("v1", "", ())) is None
    notebook.cells = [new_markdown_cell(text, id="updates")]
    with pytest.raises(AuthoringError, match="has no place") as caught:
        updates_cell(notebook, AssignmentFile("v1", "", ()))
    assert "{updates} once in its text" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = ", "cannot be read"),
        (GOOD.replace('"v3"', '"v4"'), "ends in 'v3'"),
        (GOOD.replace('"v3"', "3"), "version is 3"),
        (GOOD.replace('"v2a"', '"the old one"'), "previous is 'the old one'"),
        (GOOD.replace('"One."', "1"), "not a list of lines"),
        (GOOD.replace('"One."', r'"One.\nTwo."'), "not a list of lines"),
        ('version = "v3"\nprevious = "v2a"\n', "not a list of lines"),
        (GOOD + 'title = "x"\n', "has unknown keys: title"),
        (new_assignment_file("v3", "v2a"), "updates is empty, but the version follows v2a"),
    ],
)
def test_a_malformed_version_file_is_answered_in_words(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(AuthoringError, match=said) as caught:
        read_assignment_file(folder(tmp_path, text))
    assert "assignment.toml" in caught.value.message and caught.value.hint


def test_a_missing_version_file_is_answered_in_words(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match=r"assignment\.toml is missing"):
        read_assignment_file(tmp_path)


def test_a_version_ends_a_name() -> None:
    assert version_of("residual-networks-v2a") == "v2a"
    assert version_of("residual-networks") == version_of("ps1") == ""


def test_versions_are_in_the_order_of_their_numbers() -> None:
    names = ["blocks-v1", "blocks-v2", "blocks-v2a", "blocks-v2b", "blocks-v9", "blocks-v10"]
    assert sorted(reversed(names), key=version_order) == names
