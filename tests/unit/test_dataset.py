from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from permissions import folder_for_all, held_back

from resnets_utils.hands import drawing
from resnets_utils.hands.classes import CLASS_NAMES
from resnets_utils.hands.dataset import (
    MAX_PICTURES,
    load_dataset,
)
from resnets_utils.hinted_errors import StudentError

TRAIN, TEST = "train_signs.h5", "test_signs.h5"


@pytest.fixture(autouse=True)
def a_person_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def contents(part: str, m: int) -> dict[str, Any]:
    """What a good file holds."""
    random = np.random.default_rng(m)
    return {
        f"{part}_set_x": random.integers(0, 256, (m, 64, 64, 3), dtype=np.uint8),
        f"{part}_set_y": np.arange(m, dtype=np.int64) % 6,
        "list_classes": np.arange(6, dtype=np.int64),
    }


def write(path: Path, values: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        for name, value in values.items():
            file[name] = value


def write_both(folder: Path, train: int = 40, test: int = 14) -> None:
    write(folder / TRAIN, contents("train", train))
    write(folder / TEST, contents("test", test))


def told(folder: Path) -> str:
    with pytest.raises(StudentError) as caught:
        load_dataset(folder)
    return str(caught.value)


def test_files_come_back_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").mkdir()
    write_both(tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    X_train, Y_train, X_test, Y_test, classes = load_dataset()
    train, test = contents("train", 40), contents("test", 14)
    assert [array.dtype for array in (X_train, Y_train, X_test, Y_test, classes)] == [
        *(np.uint8, np.int64, np.uint8, np.int64, np.int64)
    ]
    np.testing.assert_array_equal(X_train, train["train_set_x"])
    np.testing.assert_array_equal(Y_train, train["train_set_y"][None])
    np.testing.assert_array_equal(X_test, test["test_set_x"])
    np.testing.assert_array_equal(Y_test, test["test_set_y"][None])
    assert classes.tolist() == [0, 1, 2, 3, 4, 5]


def test_small_whole_numbers_do_as_labels(tmp_path: Path) -> None:
    write_both(tmp_path)
    labels = np.full(40, 5, dtype=np.uint8)
    write(tmp_path / TRAIN, {**contents("train", 40), "train_set_y": labels})
    Y_train = load_dataset(tmp_path)[1]
    assert Y_train.dtype == np.int64 and Y_train.tolist() == [[5] * 40]


def test_a_short_run_keeps_the_first_pictures_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_both(tmp_path)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    X_train, Y_train, X_test, Y_test, _ = load_dataset(tmp_path)
    assert (X_train.shape, Y_train.shape) == ((36, 64, 64, 3), (1, 36))
    assert (X_test.shape, Y_test.shape) == ((12, 64, 64, 3), (1, 12))
    np.testing.assert_array_equal(X_train, contents("train", 40)["train_set_x"][:36])
    output = capsys.readouterr().out
    assert output == "This is a short run: 36 training and 12 test pictures only.\n"


def test_a_whole_run_says_nothing_of_a_short_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_both(tmp_path)
    load_dataset(tmp_path)
    assert capsys.readouterr().out == ""


def test_a_short_run_without_files_draws_a_few_and_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    folder = tmp_path / "datasets"
    X_train, Y_train, X_test, Y_test, classes = load_dataset(folder)
    assert X_train.shape == (36, 64, 64, 3) and X_train.dtype == np.uint8
    assert X_test.shape == (12, 64, 64, 3) and X_test.dtype == np.uint8
    assert Y_train.tolist() == [[0, 1, 2, 3, 4, 5] * 6]
    assert Y_test.tolist() == [[0, 1, 2, 3, 4, 5] * 2]
    assert not (X_train[:12] == X_test).all(axis=(1, 2, 3)).any()
    assert len(classes) == 6 and not folder.exists()
    assert "36 training and 12 test pictures" in capsys.readouterr().out


@pytest.mark.slow
def test_both_missing_are_drawn_once(datasets: Path) -> None:
    # The first call, which found none of them, was the fixture's.
    written = {path.name: path.stat().st_mtime_ns for path in datasets.iterdir()}
    assert set(written) == {TRAIN, TEST}
    X_train, Y_train, X_test, Y_test, _ = load_dataset(datasets)
    assert (X_train.shape, Y_train.shape) == ((1080, 64, 64, 3), (1, 1080))
    assert (X_test.shape, Y_test.shape) == ((120, 64, 64, 3), (1, 120))
    assert np.bincount(Y_train[0]).tolist() == [180] * 6
    assert {path.name: path.stat().st_mtime_ns for path in datasets.iterdir()} == written


@pytest.mark.parametrize(("missing", "found"), [(TRAIN, TEST), (TEST, TRAIN)])
@pytest.mark.parametrize("execution", ["", "autograde"])
def test_one_missing_file_is_named_and_the_other_left_alone(
    tmp_path: Path, missing: str, found: str, execution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    write_both(tmp_path)
    (tmp_path / missing).unlink()
    before = (tmp_path / found).read_bytes()
    sentence = told(tmp_path)
    assert f"{tmp_path / found} is there, but {tmp_path / missing} is missing." in sentence
    assert f"Put {missing} beside {found}; or move {found} out" in sentence
    assert (tmp_path / found).read_bytes() == before
    assert not (tmp_path / missing).exists()


Spoil = Callable[[Path], None]


def bytes_instead(new: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        path.write_bytes(new)

    return spoil


def holding(**values: Any) -> Spoil:
    return lambda path: write(path, {**contents("train", 40), **values})


def without(*names: str) -> Spoil:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            for name in names:
                del file[name]

    return spoil


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing-of-that-name")


def a_group(path: Path) -> None:
    without("train_set_x")(path)
    with h5py.File(path, "r+") as file:
        file.create_group("train_set_x")


def an_inner_link_to_nothing(path: Path) -> None:
    without("train_set_y")(path)
    with h5py.File(path, "r+") as file:
        file["train_set_y"] = h5py.SoftLink("/gone")


def no_shape(path: Path) -> None:
    holding(train_set_x=h5py.Empty("u1"))(path)


def a_gigantic_shape(path: Path) -> None:
    without("train_set_x")(path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("train_set_x", (10**12, 64, 64, 3), "u1", chunks=(1, 64, 64, 3))


def a_damaged_chunk(path: Path) -> None:
    without("train_set_x")(path)
    with h5py.File(path, "r+") as file:
        values = contents("train", 40)["train_set_x"]
        made = file.create_dataset("train_set_x", data=values, compression="gzip", chunks=True)
        chunk = made.id.get_chunk_info(0)
        start, length = chunk.byte_offset, chunk.size
    content = bytearray(path.read_bytes())
    content[start : start + length] = bytes(byte ^ 0x5A for byte in content[start : start + length])
    path.write_bytes(content)


def a_damaged_beginning(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:96] + bytes(byte ^ 0x5A for byte in content[96:600]) + content[600:])


def swapped(path: Path) -> None:
    other = path.with_name(TEST)
    train, test = path.read_bytes(), other.read_bytes()
    path.write_bytes(test)
    other.write_bytes(train)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "another format": (bytes_instead(b"PK\x03\x04" + bytes(500)), "is not an HDF5 file"),
    "0 bytes": (bytes_instead(b""), "is empty: it has 0 bytes"),
    "cut short": (cut_short, "is cut short: its end is missing"),
    "damaged at its beginning": (a_damaged_beginning, "is damaged and cannot be opened as HDF5"),
    "a folder": (a_folder, "is a folder, but the data set needs a file of that name"),
    "a pipe": (a_pipe, "is not an ordinary file"),
    "a dead link": (a_link_to_nothing, "is a link that leads nowhere"),
    "a Git LFS pointer": (
        bytes_instead(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "only a pointer of Git LFS",
    ),
    "no pictures' key": (
        without("train_set_x"),
        "has no key train_set_x; its keys are: list_classes, train_set_y.",
    ),
    "no labels' key": (without("train_set_y"), "has no key train_set_y; its keys are: "),
    "no classes": (without("list_classes"), "has no key list_classes; its keys are: "),
    "no keys": (
        without("train_set_x", "train_set_y", "list_classes"),
        "its keys are: (none)",
    ),
    "the channels first": (
        holding(train_set_x=np.zeros((40, 3, 64, 64), np.uint8)),
        "train_set_x in {path} has shape (40, 3, 64, 64); pictures are",
    ),
    "flattened": (
        holding(train_set_x=np.zeros((40, 12288), np.uint8)),
        "has shape (40, 12288); pictures are",
    ),
    "no shape": (no_shape, "has shape (); pictures are"),
    "pictures of 0 to 1": (
        holding(train_set_x=np.zeros((40, 64, 64, 3), np.float32)),
        "is of type float32; pictures must be uint8, whole numbers from 0 to 255",
    ),
    "a label missing": (
        holding(train_set_y=np.zeros(39, np.int64)),
        "holds 40 pictures but 39 labels",
    ),
    "labels in a row": (
        holding(train_set_y=np.zeros((1, 40), np.int64)),
        "train_set_y in {path} has shape (1, 40); labels are",
    ),
    "label 6": (
        holding(train_set_y=np.arange(40) % 7),
        "holds the label 6 at position 6 of train_set_y; labels run from 0 to 5",
    ),
    "label -1": (
        holding(train_set_y=np.full(40, -1)),
        "holds the label -1 at position 0 of train_set_y",
    ),
    "labels with fractions": (
        holding(train_set_y=np.zeros(40)),
        "train_set_y in {path} is of type float64; labels must be whole numbers",
    ),
    "labels as text": (
        holding(train_set_y=["five"] * 40),
        "train_set_y in {path} is of type object; labels must be whole numbers",
    ),
    "no pictures": (
        holding(train_set_x=np.zeros((0, 64, 64, 3), np.uint8), train_set_y=np.zeros(0, np.int64)),
        "holds no pictures: train_set_x has shape (0, 64, 64, 3)",
    ),
    "ten classes": (holding(list_classes=np.arange(10)), "list_classes in {path} is not the whole"),
    "classes from 1": (
        holding(list_classes=np.arange(1, 7)),
        "list_classes in {path} is not the whole numbers 0, 1, 2, 3, 4, 5.",
    ),
    "a group": (a_group, "train_set_x in {path} is a group, not an array of numbers"),
    "a type": (holding(train_set_y=np.dtype("f8")), "train_set_y in {path} is a type, not an"),
    "a dead link inside": (an_inner_link_to_nothing, "is damaged: train_set_y cannot be read"),
    "swapped": (swapped, "holds the test set: train_signs.h5 and test_signs.h5 seem to be swapped"),
    "a damaged chunk": (a_damaged_chunk, "is damaged: train_set_x cannot be read"),
    "a gigantic shape": (a_gigantic_shape, "claims to hold 1,000,000,000,000 pictures"),
}


@pytest.mark.parametrize(("spoil", "fragment"), SPOILT.values(), ids=SPOILT)
def test_a_malformed_file_is_told_in_a_sentence(
    spoil: Spoil, fragment: str, tmp_path: Path
) -> None:
    write_both(tmp_path)
    spoil(tmp_path / TRAIN)
    sentence = told(tmp_path)
    assert str(tmp_path / TRAIN) in sentence
    assert fragment.format(path=tmp_path / TRAIN) in sentence


def test_the_test_file_is_checked_under_its_own_name(tmp_path: Path) -> None:
    write_both(tmp_path)
    values = {**contents("test", 14), "test_set_y": np.full(14, 9)}
    write(tmp_path / TEST, values)
    assert f"{tmp_path / TEST} holds the label 9 at position 0 of test_set_y" in told(tmp_path)


def test_as_many_pictures_as_are_allowed_are_read_past_the_shape(tmp_path: Path) -> None:
    write_both(tmp_path)
    path = tmp_path / TRAIN
    without("train_set_x")(path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("train_set_x", (MAX_PICTURES, 64, 64, 3), "u1", chunks=True)
    assert f"holds {MAX_PICTURES} pictures but 40 labels" in told(tmp_path)


def test_a_file_open_for_writing_in_another_program_is_told(tmp_path: Path) -> None:
    write_both(tmp_path)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import h5py, sys\n"
            "file = h5py.File(sys.argv[1], 'r+')\n"
            "print('open', flush=True)\n"
            "sys.stdin.read()\n",
            str(tmp_path / TRAIN),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        assert "is open for writing in another program or notebook" in told(tmp_path)


def test_a_file_without_permission_is_told() -> None:
    with folder_for_all() as folder:
        write_both(folder)
        (folder / TRAIN).chmod(0)
        with held_back():
            sentence = told(folder)
    assert f"You have no permission to read {folder / TRAIN}." in sentence


def test_a_folder_without_permission_is_told_and_not_drawn_into() -> None:
    with folder_for_all() as folder:
        closed = folder / "datasets"
        closed.mkdir(mode=0)
        with held_back():
            sentence = told(closed)
        assert f"The folder {closed} cannot be searched: Permission denied." in sentence
        closed.chmod(0o755)
        assert list(closed.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told() -> None:
    with folder_for_all() as folder:
        folder.chmod(0o555)
        with held_back():
            sentence = told(folder / "datasets")
    assert f"cannot be written to {folder / 'datasets'}: Permission denied." in sentence


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "datasets").write_text("")
    assert f"{tmp_path / 'datasets'} is a file, but" in told(tmp_path / "datasets")


def test_every_class_has_a_name_that_begins_with_its_number() -> None:
    assert [name[0] for name in CLASS_NAMES] == list("012345")
    assert drawing.draw_pictures(np.arange(len(CLASS_NAMES)), seed=3).shape[0] == 6
