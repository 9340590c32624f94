"""A notebook goes to a release of its own family of assignments, and never to another's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import upgrade_notebooks as earlier
from test_upgrade_answers import INITIALIZER, NAMED, release_of
from test_upgrade_bulk import run, written

from coursekit.course.assignment import Assignment
from resnets_utils.notebooks.stamp import KEY, Stamp
from resnets_utils.upgrade import upgrade_file

OTHER = "another-course-v9"
ONE_BLOCK = earlier.as_file(
    [earlier.code(earlier.NAMED_IMPORTS), earlier.code(earlier.NAMED["identity_block"])]
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two families: the exercise in two versions, and one block in a newer one."""
    course = tmp_path / "course"
    for name, taken in ((NAMED.name, NAMED), (INITIALIZER.name, INITIALIZER), (OTHER, NAMED)):
        assignment = Assignment(course, name)
        source = course / "source" / name / taken.source.name
        source.parent.mkdir(parents=True)
        notebook = nbformat.read(taken.source, as_version=4)
        if name == OTHER:
            wanted = {"imports", "identity_block", "test_identity_block"}
            notebook.cells = [cell for cell in notebook.cells if cell.id in wanted]
        source.write_text(nbformat.writes(notebook), encoding="utf-8")
        assignment.release.parent.mkdir(parents=True)
        release_of(assignment, assignment.release.parent)
    return course


@pytest.mark.parametrize(
    ("sample", "assignment"),
    [(earlier.named_samples()[0], NAMED), (earlier.initializer_samples()[0], INITIALIZER)],
    ids=["named", "initializer"],
)
def test_another_family_s_newer_version_is_not_taken(
    sample: earlier.Sample, assignment: Assignment, course: Path, tmp_path: Path
) -> None:
    (tmp_path / "ann.ipynb").write_bytes(sample.content)
    assert run(course, tmp_path / "ann.ipynb")[0] == 0
    assert written(course) == {f"ann/{assignment.name}/{assignment.source.name}"}


@pytest.mark.parametrize(
    "content",
    [ONE_BLOCK, earlier.as_file([earlier.code("x = 1")])],
    ids=["functions of both", "functions of neither"],
)
def test_a_notebook_that_does_not_tell_its_family_asks_for_to(
    content: bytes, course: Path, tmp_path: Path
) -> None:
    (tmp_path / "bob.ipynb").write_bytes(content)
    status, said = run(course, tmp_path / "bob.ipynb")
    assert status == 1 and written(course) == set()
    assert "does not tell whether it is of" in said
    assert "residual-networks" in said and "another-course" in said and "--to" in said


def test_with_to_it_goes_there(course: Path, tmp_path: Path) -> None:
    (tmp_path / "bob.ipynb").write_bytes(ONE_BLOCK)
    assert run(course, tmp_path / "bob.ipynb", to=OTHER)[0] == 0
    assert written(course) == {f"bob/{OTHER}/{NAMED.source.name}"}


def test_a_stamp_tells_the_family_whatever_its_version(course: Path, tmp_path: Path) -> None:
    digest = f"sha256:{64 * '0'}"
    stamp = Stamp("another-course-v1", "v1", "", digest, digest, digest, "0.1.0")
    notebook = json.loads(ONE_BLOCK)
    notebook["metadata"][KEY] = stamp.as_metadata()
    (tmp_path / "cy.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert run(course, tmp_path / "cy.ipynb")[0] == 0
    assert written(course) == {f"cy/{OTHER}/{NAMED.source.name}"}


def test_among_fitting_versions_the_newest_is_taken(course: Path, tmp_path: Path) -> None:
    for folder in (course / "source" / NAMED.name, course / "release" / NAMED.name):
        shutil.copytree(folder, folder.with_name("residual-networks-v10"))
        folder.rename(folder.with_name("residual-networks-v9"))
    (tmp_path / "dee.ipynb").write_bytes(earlier.named_samples()[0].content)
    assert run(course, tmp_path / "dee.ipynb")[0] == 0
    assert written(course) == {f"dee/residual-networks-v10/{NAMED.source.name}"}


def test_calls_are_updated_by_the_places_of_a_blank_definition(tmp_path: Path) -> None:
    blank = earlier.blank(earlier.NAMED)
    network = earlier.NAMED["ResNet50"].replace(
        "3, [64, 64, 256], stage=2, block='b'", "3, [64, 64, 256], 2, 'b'"
    )
    old = tmp_path / "old.ipynb"
    cells = earlier.edition(earlier.NAMED_IMPORTS, {**blank, "ResNet50": network})
    old.write_bytes(earlier.as_file(cells))
    (tmp_path / "release").mkdir()
    release = release_of(INITIALIZER, tmp_path / "release")
    upgrade_file(old, release, tmp_path / "new.ipynb")
    text = (tmp_path / "new.ipynb").read_text(encoding="utf-8")
    assert "identity_block(X, 3, [64, 64, 256])" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("stage=2, block='b'", "~ ResNet50: carried with changes"),
        ("2, block='b'", "passes identity_block positional arguments of unknown meaning"),
    ],
)
def test_without_a_definition_only_what_calls_name_is_taken_out(
    arguments: str, said: str, tmp_path: Path
) -> None:
    network = earlier.NAMED["ResNet50"].replace("stage=2, block='b'", arguments)
    old = tmp_path / "old.ipynb"
    old.write_bytes(earlier.as_file([earlier.code(earlier.NAMED_IMPORTS), earlier.code(network)]))
    (tmp_path / "release").mkdir()
    release = release_of(INITIALIZER, tmp_path / "release")
    assert said in upgrade_file(old, release, tmp_path / "new.ipynb").as_text()
