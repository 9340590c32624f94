from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resnets_utils.hands.dataset import convert_to_one_hot, random_mini_batches
from resnets_utils.hinted_errors import StudentError


@pytest.mark.parametrize("Y", [np.array([0, 2, 1]), np.array([[0, 2, 1]]), [0, 2, 1]])
def test_one_hot_columns(Y: Any) -> None:
    one_hot = convert_to_one_hot(Y, 3)
    assert one_hot.dtype == np.float64
    assert one_hot.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("Y", "C", "fragment"),
    [
        (np.array([0, 6]), 6, "found the label 6, but with C=6 labels run from 0 to 5"),
        (np.array([-1]), 6, "found the label -1"),
        (np.array([0.0]), 6, "labels of type float64"),
        (np.array([True]), 6, "labels of type bool"),
        (np.zeros((6, 4), int), 6, "labels of shape (6, 4)"),
        (np.array(3), 6, "labels of shape ()"),
        (np.array([0]), 0, "C, the number of classes, is 0"),
        (np.array([0]), 6.0, "C, the number of classes, is 6.0"),
    ],
)
def test_labels_that_have_no_one_hot_are_told(Y: Any, C: Any, fragment: str) -> None:
    with pytest.raises(StudentError) as caught:
        convert_to_one_hot(Y, C)
    assert fragment in str(caught.value)


def numbered(m: int) -> tuple[Any, Any]:
    """Pictures and labels that carry their own position."""
    positions = np.arange(m, dtype=np.float32)
    return np.tile(positions[:, None, None, None], (1, 2, 2, 3)), np.tile(positions[:, None], 6)


def test_every_picture_is_in_one_batch_beside_its_label() -> None:
    batches = random_mini_batches(*numbered(150), mini_batch_size=64, seed=4)
    assert [(len(X), len(Y)) for X, Y in batches] == [(64, 64), (64, 64), (22, 22)]
    for X, Y in batches:
        np.testing.assert_array_equal(X[:, 0, 0, 0], Y[:, 0])
    found = np.concatenate([Y[:, 0] for _, Y in batches])
    assert sorted(found) == list(range(150))


def test_the_order_is_that_of_numpys_seeded_permutation() -> None:
    np.random.seed(0)
    wanted = np.random.permutation(10)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    batches = random_mini_batches(*numbered(10), mini_batch_size=5)
    assert np.concatenate([Y[:, 0] for _, Y in batches]).tolist() == wanted.tolist()
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_a_last_batch_that_is_full_is_followed_by_none() -> None:
    assert [len(X) for X, _ in random_mini_batches(*numbered(8), mini_batch_size=4)] == [4, 4]


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"mini_batch_size": 0}, "mini_batch_size is 0"),
        ({"mini_batch_size": 2.5}, "mini_batch_size is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"Y": np.zeros((6, 8))}, "got 8 pictures but 6 rows of labels"),
        ({"Y": np.zeros(8)}, "Y of shape (8,)"),
        ({"X": np.zeros((8, 12))}, "X of shape (8, 12)"),
    ],
)
def test_what_cannot_be_cut_into_batches_is_told(change: dict[str, Any], fragment: str) -> None:
    X, Y = numbered(8)
    with pytest.raises(StudentError) as caught:
        random_mini_batches(**{"X": X, "Y": Y, **change})
    assert fragment in str(caught.value)
