"""The notebook's pictures: the same each time, as committed, and true to the exercise."""

from __future__ import annotations

import io
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from coursekit.course.assignment import Assignment
from studio.__main__ import main
from studio.pictures import DRAWINGS, draw_all, draw_pictures, gradients, signs_sheet
from studio.pictures.network import STAGES

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [*DRAWINGS, gradients.NAME]


@pytest.fixture(scope="module")
def committed(assignment: Assignment) -> Path:
    return assignment.source.parent / "images"


@pytest.fixture(scope="module")
def drawn(committed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    shutil.copy(committed / "gradient-norms.json", folder)
    assert [path.stem for path in draw_pictures(folder)] == NAMES
    return folder


def root_of(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_bytes())


def words_of(path: Path) -> list[str]:
    return ["".join(text.itertext()).strip() for text in root_of(path).iter(f"{SVG}text")]


def test_drawing_again_gives_the_same_bytes(drawn: Path) -> None:
    before = {name: (drawn / f"{name}.svg").read_bytes() for name in NAMES}
    draw_pictures(drawn)
    assert {name: (drawn / f"{name}.svg").read_bytes() for name in NAMES} == before


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_picture_is_what_the_code_draws(
    name: str, drawn: Path, committed: Path
) -> None:
    assert (committed / f"{name}.svg").read_bytes() == (drawn / f"{name}.svg").read_bytes()


def test_without_measured_figures_only_the_other_pictures_are_drawn(tmp_path: Path) -> None:
    assert [path.stem for path in draw_pictures(tmp_path / "new")] == list(DRAWINGS)


@pytest.mark.parametrize("name", NAMES)
def test_screen_readers_hear_what_a_picture_shows(name: str, drawn: Path) -> None:
    root = root_of(drawn / f"{name}.svg")
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    told = {
        element.get("id"): element
        for element in root
        if element.tag in (SVG + "title", SVG + "desc")
    }
    assert (root.get("aria-labelledby") or "").split() == list(told)
    assert all(len(element.text or "") > 20 for element in told.values()) and len(told) == 2


@pytest.mark.parametrize("name", NAMES)
def test_letters_stay_readable_and_inside_the_card(name: str, drawn: Path) -> None:
    root = root_of(drawn / f"{name}.svg")
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    assert width == 760
    for text in root.iter(f"{SVG}text"):
        style = f"font-size: {text.get('font-size')}px {text.get('style')}"
        sizes = [float(size) for size in re.findall(r"([\d.]+)px", style)]
        assert sizes and min(sizes) >= 13
        assert 0 < float(text.attrib["x"]) < width and 0 < float(text.attrib["y"]) < height


def test_resnet50_names_every_shape_and_block(drawn: Path) -> None:
    words = words_of(drawn / "resnet50.svg")
    for shape in (
        "64 × 64 × 3",
        "70 × 70 × 3",
        "32 × 32 × 64",
        "15 × 15 × 64",
        "15 × 15 × 256",
        "8 × 8 × 512",
        "4 × 4 × 1024",
        "2 × 2 × 2048",
        "1 × 1 × 2048",
        "2048",
        "6",
    ):
        assert words.count(shape) == 1, shape
    assert words.count("CONV") == 4 and words.count("ID") == 2 + 3 + 5 + 2
    for text in ("stage 1", "Stage 2", "Stage 3", "Stage 4", "Stage 5", "softmax", "flatten"):
        assert text in words, text


def test_resnet50_is_the_network_of_the_exercise(committed: Path) -> None:
    """The notebook's own table of stages is what the picture shows."""
    notebook = json.loads(next(committed.parent.glob("*.ipynb")).read_text(encoding="utf-8"))
    table = next(
        text
        for text in ("".join(cell["source"]) for cell in notebook["cells"])
        if "| stage |" in text
    )
    for stage in STAGES:
        row = re.search(rf"^\| {stage.number} .*$", table, re.MULTILINE)
        assert row is not None
        assert f"{stage.shape[2]}]" in row[0]
        assert f'"{stage.letters[-1]}"' in row[0]


@pytest.mark.parametrize(
    ("name", "convolutions", "relus", "others"),
    [
        ("skip-connection", 4, 4, {"F(x)": 2, "x": 3, "F(x) + x": 1, "ReLU(F(x) + x)": 1}),
        ("identity-block-two", 2, 2, {"shortcut: x as it is": 1, "batch": 2}),
        ("identity-block-three", 3, 3, {"1 × 1": 2, "f × f": 1, "batch": 3}),
        ("convolutional-block", 4, 3, {"1 × 1": 3, "f × f": 1, "batch": 4, "stride s": 2}),
    ],
)
def test_blocks_show_their_layers(
    name: str, convolutions: int, relus: int, others: dict[str, int], drawn: Path
) -> None:
    words = words_of(drawn / f"{name}.svg")
    assert words.count("Conv") + words.count("convolution") == convolutions
    assert words.count("ReLU") == relus
    assert {text: words.count(text) for text in others} == others


def test_the_measured_gradients_say_what_the_notebook_says(committed: Path) -> None:
    measured = json.loads((committed / "gradient-norms.json").read_text(encoding="utf-8"))
    norms = {(run["network"], run["batch_normalisation"]): run["norms"] for run in measured["runs"]}
    assert {len(some) for some in norms.values()} == {gradients.CONVOLUTIONS}
    assert measured["set_up"]["steps"] == gradients.STEPS and measured["seed"] == gradients.SEED
    fading, level = norms["plain", False], norms["residual", False]
    assert fading[0] < 1e-6 * fading[-1], "without batch normalisation a plain network's fade"
    growing = norms["plain", True]
    assert growing[0] > 100 * growing[-1], "with it they grow towards the picture"
    for residual in (level, norms["residual", True]):
        assert max(residual) < 20 * min(residual), "a residual network's stay within a factor of 20"


def test_a_curve_follows_its_figures(committed: Path) -> None:
    measured = json.loads((committed / "gradient-norms.json").read_text(encoding="utf-8"))
    before = gradients.draw_gradients(measured)
    measured["runs"][0]["norms"][10] *= 3
    assert gradients.draw_gradients(measured) != before
    words = re.findall(r">(plain|residual)</text>", before.decode())
    assert sorted(words) == ["plain", "plain", "residual", "residual"]


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(6, dtype=np.int64)[::-1], 7)
    pictures = np.zeros((len(labels), 64, 64, 3), np.uint8)
    pictures[..., 0] = (40 * labels)[:, None, None]
    pictures[..., 1] = np.arange(len(labels))[:, None, None]
    return pictures, labels


def test_the_sheet_shows_five_pictures_a_class_in_rows(
    pictures: tuple[np.ndarray, np.ndarray],
) -> None:
    sheet = signs_sheet(*pictures)
    assert sheet == signs_sheet(*pictures)
    pixels = np.round(255 * matplotlib.image.imread(io.BytesIO(sheet))).astype(int)
    shown = {tuple(colour) for colour in pixels[..., :3].reshape(-1, 3)}
    for label in range(6):
        places = [7 * (5 - label) + column for column in range(7)]
        assert [(40 * label, place, 0) in shown for place in places] == [True] * 5 + [False] * 2
    tops = [
        np.argwhere((pixels[..., :3] == (40 * n, 7 * (5 - n), 0)).all(-1))[0] for n in range(1, 6)
    ]
    assert all(np.diff([top[0] for top in tops]) > 0) and len({top[1] for top in tops}) == 1


def test_a_sheet_of_ill_fitting_pictures_is_refused(
    pictures: tuple[np.ndarray, np.ndarray],
) -> None:
    drawings, labels = pictures
    for wrong, numbers in (
        (drawings[:3], labels),
        (drawings[:, :32], labels),
        (drawings[:0], labels[:0]),
    ):
        with pytest.raises(ValueError, match="a sheet takes pictures of shape"):
            signs_sheet(wrong, numbers)


def test_an_assignment_gets_only_the_pictures_that_its_notebook_shows(tmp_path: Path) -> None:
    texts = {
        "one-v1": "![](images/skip-connection.svg) and ![](images/signs.png)",
        "other-v1": "no picture, only the words skip-connection and gradient-norms",
        "third-v1": "![](images/gradient-norms.svg)",
    }
    for name, text in texts.items():
        folder = tmp_path / "source" / name
        folder.mkdir(parents=True)
        notebook = new_notebook(cells=[new_markdown_cell(text)])
        (folder / "Notebook.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    written = draw_all(tmp_path)
    first = tmp_path / "source" / "one-v1" / "images"
    assert written == [first / "skip-connection.svg", first / "signs.png"]
    assert sorted(first.iterdir()) == sorted(written)
    assert not (tmp_path / "source" / "other-v1" / "images").exists()
    # Nothing was measured yet that could be drawn.
    assert list((tmp_path / "source" / "third-v1" / "images").iterdir()) == []


def test_screenshots_need_a_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["screenshots"]) == 1
    said = capsys.readouterr().err.split()
    assert " ".join(said).startswith("error: there is no class in ")
    assert said[-2:] == ["coursekit", "demo"]
