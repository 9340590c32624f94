"""The data set of the exercise: reading its files, one-hot labels, and mini-batches."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from resnets_utils.hands.classes import CLASSES
from resnets_utils.hinted_errors import StudentError
from resnets_utils.short_run import short_run

PICTURE_SHAPE = (64, 64, 3)
# 600 MB of pictures; no class has a larger data set.
MAX_PICTURES = 50_000
SHORT_RUN_TRAIN_EACH, SHORT_RUN_TEST_EACH = 6, 2

REFETCH = (
    "Fetch the file again; or move train_signs.h5 and test_signs.h5 out of the folder and run "
    "this cell again: then both are drawn again."
)
LAYOUT = (
    "Keep the pictures of your own data set as (number of pictures, 64, 64, 3) in uint8, and "
    "one label of 0 to 5 for each. " + REFETCH
)

Pictures = NDArray[np.uint8]
Labels = NDArray[np.int64]


def load_dataset(
    folder: str | Path = "datasets",
) -> tuple[Pictures, Labels, Pictures, Labels, Labels]:
    """Read the pictures and labels of the exercise, drawing them first if there are no files.

    ``train_signs.h5`` holds ``train_set_x``, ``train_set_y`` and
    ``list_classes``; ``test_signs.h5`` holds ``test_set_x``, ``test_set_y`` and
    ``list_classes``. If both files are missing they are drawn and written to
    ``folder``, which takes a while once. An existing file is never changed.

    While nbgrader runs the notebook, only the first 36 training and 12 test
    pictures are returned; if there are no files, that many are drawn, and no
    file is written.

    Args:
        folder: where the files are, relative to the working directory.

    Returns:
        The training pictures, their labels, the test pictures, their labels and
        the classes: (m, 64, 64, 3) uint8 of 0 to 255, (1, m) int64 of 0 to 5,
        the same two for the test set, and (6,) int64.

    Raises:
        StudentError: if one of the files is missing or unreadable, or does not
            hold what it should; it says which, what is wrong and what to do.

    """
    home = Path(folder)
    train, test = home / "train_signs.h5", home / "test_signs.h5"
    there = [path for path in (train, test) if _is_there(path)]
    if len(there) == 1:
        found, missing = (train, test) if there == [train] else (test, train)
        raise StudentError(
            f"{found} is there, but {missing} is missing.",
            f"Put {missing.name} beside {found.name}; or move {found.name} out of the folder and "
            "run this cell again: then both are drawn again.",
        )
    short = short_run()
    if short and not there:
        from resnets_utils.hands.drawing.generator import TEST_SEED, TRAIN_SEED

        X_train, Y_train = _draw(SHORT_RUN_TRAIN_EACH, TRAIN_SEED)
        X_test, Y_test = _draw(SHORT_RUN_TEST_EACH, TEST_SEED)
    else:
        if not there:
            _draw_files(home)
        X_train, Y_train = _read(train, "train", SHORT_RUN_TRAIN_EACH * CLASSES if short else None)
        X_test, Y_test = _read(test, "test", SHORT_RUN_TEST_EACH * CLASSES if short else None)
    if short:
        print(f"This is a short run: {len(X_train)} training and {len(X_test)} test pictures only.")
    classes = np.arange(CLASSES, dtype=np.int64)
    return X_train, Y_train.reshape(1, -1), X_test, Y_test.reshape(1, -1), classes


def convert_to_one_hot(Y: ArrayLike, C: int) -> NDArray[np.float64]:
    """Return a column for each label, with a 1 in the label's row and 0 elsewhere.

    Args:
        Y: (m,) or (1, m) whole numbers from 0 to C - 1.
        C: how many classes there are.

    Returns:
        (C, m) float64; its transpose has a row for each picture.

    Raises:
        StudentError: if ``Y`` has another shape, holds anything but whole
            numbers, or a number outside 0 to C - 1; if ``C`` is not 1 or more.

    """
    _refuse_unless_count("C, the number of classes,", C)
    labels = np.asarray(Y)
    if labels.ndim != 1 and not (labels.ndim == 2 and labels.shape[0] == 1):
        raise StudentError(
            f"convert_to_one_hot got labels of shape {labels.shape}; it takes (m,) or (1, m).",
            "Pass Y_train or Y_test as load_dataset returned them, not converted before.",
        )
    if labels.dtype.kind not in "iu":
        raise StudentError(
            f"convert_to_one_hot got labels of type {labels.dtype}; labels are whole numbers.",
            "Pass Y_train or Y_test as load_dataset returned them.",
        )
    labels = labels.ravel()
    outside = labels[(labels < 0) | (labels >= C)]
    if outside.size:
        raise StudentError(
            f"convert_to_one_hot found the label {outside[0]}, but with C={C} labels run "
            f"from 0 to {C - 1}.",
            "Pass the number of classes as C: 6 for the numbers 0 to 5.",
        )
    one_hot: NDArray[np.float64] = (np.arange(C)[:, None] == labels).astype(np.float64)
    return one_hot


def random_mini_batches(
    X: NDArray[Any], Y: NDArray[Any], mini_batch_size: int = 64, seed: int = 0
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Shuffle pictures together with their labels and cut them into batches.

    Every picture is in exactly one batch. The order depends on ``seed`` only,
    and NumPy's global random state is left as it is.

    Args:
        X: (m, height, width, channels) pictures.
        Y: (m, classes) one-hot labels, a row for each picture.
        mini_batch_size: pictures in a batch; the last one holds what is left.
        seed: a whole number from 0 to 2**32 - 1.

    Returns:
        Pairs of pictures and labels, copies with the types of ``X`` and ``Y``.

    Raises:
        StudentError: if ``X`` or ``Y`` has another number of axes or they differ
            in length, or if the batch size or the seed is out of range.

    """
    _refuse_unless_count("mini_batch_size", mini_batch_size)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise StudentError(f"seed is {seed!r}; it has to be a whole number from 0 to 2**32 - 1.")
    if np.ndim(X) != 4 or np.ndim(Y) != 2:
        raise StudentError(
            f"random_mini_batches got X of shape {np.shape(X)} and Y of shape {np.shape(Y)}; "
            "it takes (m, height, width, channels) and (m, classes).",
        )
    m = len(X)
    if len(Y) != m:
        raise StudentError(
            f"random_mini_batches got {m} pictures but {len(Y)} rows of labels.",
            "Give Y a row for each picture: convert_to_one_hot(...) returns columns, so "
            "transpose them: convert_to_one_hot(Y, 6).T",
        )
    order = np.random.RandomState(seed).permutation(m)
    starts = range(0, m, mini_batch_size)
    batches = [order[start : start + mini_batch_size] for start in starts]
    return [(X[batch], Y[batch]) for batch in batches]


def _refuse_unless_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise StudentError(f"{name} is {value!r}; it has to be a whole number of 1 or more.")


def _is_there(path: Path) -> bool:
    """Return whether something has this name, even a link that leads nowhere."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise StudentError(
            f"{path.parent} is a file, but the data set needs a folder of that name.",
            f"Move {path.parent} away, or name another folder: load_dataset(folder=...).",
        ) from None
    except OSError as error:
        raise StudentError(
            f"The folder {path.parent} cannot be searched: {error.strerror}.",
            "Ask the folder's owner to let you read it, or name another folder: "
            "load_dataset(folder=...).",
        ) from None
    return True


def _draw_files(home: Path) -> None:
    # Imported only where there are no files.
    from resnets_utils.hands.drawing import write_datasets

    try:
        write_datasets(home)
    except OSError as error:
        raise StudentError(
            f"The data set cannot be written to {home}: {error.strerror or error}.",
            "Make room or get permission to write there, or name another folder: "
            "load_dataset(folder=...).",
        ) from None


def _draw(each: int, seed: int) -> tuple[Pictures, Labels]:
    from resnets_utils.hands.drawing import draw_pictures

    labels = np.tile(np.arange(CLASSES, dtype=np.int64), each)
    return draw_pictures(labels, seed), labels


def _read(path: Path, part: str, count: int | None) -> tuple[Pictures, Labels]:
    """Read the first ``count`` pictures and labels of a file, or all; check what they are first."""
    _refuse_unless_file(path)
    try:
        # Home folders on a network often cannot lock files; reading needs no lock there.
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise _unopened(path, error) from None
    with file:
        _refuse_missing_keys(path, file, part)
        pictures = _array(path, file, f"{part}_set_x")
        labels = _array(path, file, f"{part}_set_y")
        _refuse_wrong_pictures(path, pictures, f"{part}_set_x")
        _refuse_wrong_labels(path, labels, f"{part}_set_y", len(pictures))
        _refuse_wrong_classes(path, _array(path, file, "list_classes"))
        y = _from_disk(path, f"{part}_set_y", lambda: labels[:])
        outside = np.flatnonzero((y < 0) | (y >= CLASSES))
        if outside.size:
            at = int(outside[0])
            raise StudentError(
                f"{path} holds the label {y[at]} at position {at} of {part}_set_y; "
                "labels run from 0 to 5.",
                LAYOUT,
            )
        x = _from_disk(path, f"{part}_set_x", lambda: pictures[:count])
    return x, y[:count].astype(np.int64)


def _refuse_unless_file(path: Path) -> None:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise StudentError(f"{path} is a folder, but the data set needs a file of that name.")
        if not stat.S_ISREG(found.st_mode):
            raise StudentError(f"{path} is not an ordinary file.", REFETCH)
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise StudentError(f"{path} is a link that leads nowhere.", REFETCH) from None
    except PermissionError:
        raise StudentError(
            f"You have no permission to read {path}.",
            "Ask the file's owner to let you read it, or use a copy of your own.",
        ) from None
    except OSError as error:
        raise StudentError(f"{path} cannot be read: {error.strerror or error}.", REFETCH) from None
    if not start:
        raise StudentError(f"{path} is empty: it has 0 bytes.", REFETCH)
    if start.startswith(b"version https://git-lfs"):
        raise StudentError(
            f"{path} is only a pointer of Git LFS, a text in the place of the real file.",
            "Run git lfs pull in the repository that it came from. " + REFETCH,
        )


def _unopened(path: Path, error: OSError) -> StudentError:
    reason = str(error)
    if error.errno == errno.EAGAIN:
        return StudentError(
            f"{path} is open for writing in another program or notebook.",
            "Close it there (in a notebook: restart its kernel), then run this cell again.",
        )
    if "truncated file" in reason:
        return StudentError(f"{path} is cut short: its end is missing.", REFETCH)
    if "signature not found" in reason:
        return StudentError(f"{path} is not an HDF5 file, whatever its name says.", REFETCH)
    return StudentError(f"{path} is damaged and cannot be opened as HDF5: {reason}.", REFETCH)


def _refuse_missing_keys(path: Path, file: h5py.File, part: str) -> None:
    keys = _from_disk(path, "the list of its keys", lambda: sorted(file))
    other = {"train": "test", "test": "train"}[part]
    if f"{part}_set_x" not in keys and f"{other}_set_x" in keys:
        raise StudentError(
            f"{path} holds the {other} set: train_signs.h5 and test_signs.h5 seem to be swapped.",
            "Give each file the other's name.",
        )
    for name in (f"{part}_set_x", f"{part}_set_y", "list_classes"):
        if name not in keys:
            there = ", ".join(keys) or "(none)"
            raise StudentError(f"{path} has no key {name}; its keys are: {there}.", LAYOUT)


def _array(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    found = _from_disk(path, name, lambda: file[name])
    if not isinstance(found, h5py.Dataset):
        kind = "a group" if isinstance(found, h5py.Group) else "a type"
        raise StudentError(f"{name} in {path} is {kind}, not an array of numbers.", LAYOUT)
    # A damaged description shows only when it is asked for.
    _from_disk(path, name, lambda: (found.shape, found.dtype))
    return found


def _refuse_wrong_pictures(path: Path, pictures: h5py.Dataset, name: str) -> None:
    shape: tuple[int, ...] = pictures.shape or ()
    if shape[1:] != PICTURE_SHAPE:
        raise StudentError(
            f"{name} in {path} has shape {shape}; pictures are (number of pictures, 64, 64, 3).",
            LAYOUT,
        )
    if shape[0] == 0:
        raise StudentError(f"{path} holds no pictures: {name} has shape {shape}.", LAYOUT)
    if shape[0] > MAX_PICTURES:
        raise StudentError(
            f"{path} claims to hold {shape[0]:,} pictures, more than fit in memory safely.",
            f"Keep at most {MAX_PICTURES:,} pictures in a file. " + REFETCH,
        )
    if pictures.dtype != np.uint8:
        raise StudentError(
            f"{name} in {path} is of type {pictures.dtype}; pictures must be uint8, whole numbers "
            "from 0 to 255.",
            "Multiply pictures of 0 to 1 by 255, round them, and store them .astype(uint8).",
        )


def _refuse_wrong_labels(path: Path, labels: h5py.Dataset, name: str, pictures: int) -> None:
    if labels.dtype.kind not in "iu":
        raise StudentError(
            f"{name} in {path} is of type {labels.dtype}; labels must be whole numbers (int64).",
            LAYOUT,
        )
    if labels.shape is None or len(labels.shape) != 1:
        raise StudentError(
            f"{name} in {path} has shape {labels.shape}; labels are (number of pictures,).",
            LAYOUT,
        )
    if len(labels) != pictures:
        raise StudentError(
            f"{path} holds {pictures} pictures but {len(labels)} labels; each picture needs one.",
            LAYOUT,
        )


def _refuse_wrong_classes(path: Path, classes: h5py.Dataset) -> None:
    fits = classes.shape == (CLASSES,) and classes.dtype.kind in "iu"
    if not fits or list(_from_disk(path, "list_classes", lambda: classes[:])) != [*range(CLASSES)]:
        raise StudentError(
            f"list_classes in {path} is not the whole numbers 0, 1, 2, 3, 4, 5.", LAYOUT
        )


def _from_disk(path: Path, what: str, read: Callable[[], Any]) -> Any:
    """Return what ``read`` reads from an open file; damage is described in a sentence."""
    try:
        return read()
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        # h5py raises any of these for damaged bytes, with HDF5's own reason.
        raise StudentError(
            f"{path} is damaged: {what} cannot be read ({error}).", REFETCH
        ) from None
