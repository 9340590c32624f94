"""Many notebooks at once: each in its student's place, and one bad one stops nobody."""

from __future__ import annotations

import io
from pathlib import Path

import nbformat
import pytest
import upgrade_notebooks as earlier
from rich.console import Console
from test_upgrade_answers import INITIALIZER, NAMED, release_of

from coursekit.errors import CourseKitError
from coursekit.upgrading import upgrade_all

V2A, V3 = NAMED.name, INITIALIZER.name


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with both releases, and nobody's work."""
    for assignment in (NAMED, INITIALIZER):
        source = tmp_path / "course" / "source" / assignment.name
        release = tmp_path / "course" / "release" / assignment.name
        for folder in (source, release):
            folder.mkdir(parents=True)
        (source / assignment.source.name).write_bytes(assignment.source.read_bytes())
        release_of(assignment, release)
    return tmp_path / "course"


def run(
    course: Path, *sources: Path, to: str | None = None, student: str | None = None
) -> tuple[int, str]:
    said = io.StringIO()
    status = upgrade_all(course, list(sources), to, student, Console(file=said, width=200))
    return status, said.getvalue()


def written(course: Path) -> set[str]:
    submitted = course / "submitted"
    return {str(path.relative_to(submitted)) for path in submitted.rglob("*") if path.is_file()}


def test_a_folder_of_notebooks_goes_to_each_family_s_release(course: Path, tmp_path: Path) -> None:
    folder = tmp_path / "handed in"
    (folder / "cy" / "deep" / ".ipynb_checkpoints").mkdir(parents=True)
    one, other = earlier.named_samples()[4], earlier.initializer_samples()[0]
    (folder / "Ann Lee (2).ipynb").write_bytes(one.content)
    (folder / "bob.ipynb").write_bytes(b"{broken")
    (folder / "cy" / "deep" / "work.ipynb").write_bytes(other.content)
    (folder / "cy" / "deep" / ".ipynb_checkpoints" / "work.ipynb").write_bytes(other.content)
    status, said = run(course, folder)
    assert status == 1
    assert written(course) == {
        f"Ann_Lee_2/{V2A}/Residual_Networks_v2a.ipynb",
        f"cy/{V3}/Residual_Networks_v3.ipynb",
    }
    assert "bob.ipynb is damaged" in said and "! not written" in said
    assert "~ carried with changes" in said and "no default for the pool" in said
    assert "Traceback" not in said
    for path in written(course):
        nbformat.validate(nbformat.read(course / "submitted" / path, as_version=4))


def test_a_submission_that_is_there_stays(course: Path, tmp_path: Path) -> None:
    old = tmp_path / "dee.ipynb"
    old.write_bytes(earlier.named_samples()[0].content)
    assert run(course, old)[0] == 0
    (path,) = written(course)
    before = (course / "submitted" / path).read_bytes()
    status, said = run(course, old)
    assert status == 1 and "is already there" in said
    assert (course / "submitted" / path).read_bytes() == before


def test_a_version_and_a_student_can_be_named(course: Path, tmp_path: Path) -> None:
    old = tmp_path / "x.ipynb"
    old.write_bytes(earlier.named_samples()[0].content)
    status, said = run(course, old, to=V3, student="eve")
    assert status == 0 and written(course) == {f"eve/{V3}/Residual_Networks_v3.ipynb"}
    assert "~ carried with changes" in said


@pytest.mark.parametrize(
    ("to", "student", "words"),
    [
        ("residual-networks-v9", None, "no release of residual-networks-v9"),
        (None, "../eve", "cannot be a student's folder"),
        (None, "", "cannot be a student's folder"),
    ],
)
def test_impossible_wishes_are_told(
    to: str | None, student: str | None, words: str, course: Path, tmp_path: Path
) -> None:
    old = tmp_path / "x.ipynb"
    old.write_bytes(earlier.named_samples()[0].content)
    with pytest.raises(CourseKitError, match=words):
        run(course, old, to=to, student=student)
    with pytest.raises(CourseKitError, match="there is no notebook"):
        (tmp_path / "nothing").mkdir()
        run(course, tmp_path / "nothing")
    assert not (course / "submitted").exists()


def test_names_that_lead_elsewhere_are_made_safe(course: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "..ipynb").write_bytes(earlier.named_samples()[0].content)
    (folder / "[bold]x.ipynb").write_bytes(b"")
    status, said = run(course, folder)
    assert status == 1 and "[bold]x.ipynb is empty" in said
    assert all(path.startswith(("student/", "ipynb/")) for path in written(course))
