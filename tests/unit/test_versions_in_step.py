"""What two versions of the notebook share stays word for word the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from coursekit.course.assignment import Assignment, read_notebook

COURSE = Path(__file__).resolve().parents[2]
V2A, V3 = (Assignment(COURSE, f"residual-networks-{version}") for version in ("v2a", "v3"))
# Cells that speak of names, initializers or modes; every other one is shared.
OF_ITS_OWN = {
    "setup-heading",
    "imports",
    "identity-block",
    "identity_block",
    "identity-block-checks",
    "test_identity_block",
    "convolutional-block",
    "convolutional_block",
    "convolutional-block-checks",
    "test_convolutional_block",
    "resnet50",
    "ResNet50",
    "test_ResNet50",
    "pretrained-heading",
    "pretrained",
    "references",
}


def cells(assignment: Assignment) -> dict[str, tuple[str, str]]:
    notebook = read_notebook(assignment.source)
    return {cell.id: (cell.cell_type, cell.source) for cell in notebook.cells}


def test_shared_cells_are_the_same_in_the_same_order() -> None:
    old, new = cells(V2A), cells(V3)
    assert list(old) == list(new)
    assert {name for name in old if old[name] != new[name]} == OF_ITS_OWN


@pytest.mark.parametrize(
    "picture", sorted(path.name for path in (V2A.source.parent / "images").iterdir())
)
def test_pictures_are_the_same(picture: str) -> None:
    one, other = (found.source.parent / "images" / picture for found in (V2A, V3))
    assert one.read_bytes() == other.read_bytes()


def test_points_are_the_same_so_that_a_version_can_stand_in_for_another() -> None:
    points = [
        {
            cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
            for cell in read_notebook(assignment.source).cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        }
        for assignment in (V2A, V3)
    ]
    assert points[0] == points[1] and sum(points[0].values()) == 100
