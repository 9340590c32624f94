"""The generated hands: the same on every draw, balanced, unlike each other, and hands."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from resnets_utils.hands.drawing import draw_pictures, write_datasets
from resnets_utils.hands.drawing.body import FINGER_PART, Build, View, bones_of, put_before_camera
from resnets_utils.hands.drawing.generator import TEST_EACH, TRAIN_EACH, mixed_labels
from resnets_utils.hands.drawing.poses import RAISED, draw_pose
from resnets_utils.hands.drawing.skeleton import (
    THUMB_BASE,
    THUMB_BONES,
    finger_joints,
    reaching_thumb,
    straight_thumb,
)
from resnets_utils.hands.drawing.surface import EMPTY, RoundCone, blurred, moved, render
from resnets_utils.hands.drawing.variety import STUDIO, WIDE

Folder = Path


@pytest.mark.slow
def test_the_files_have_the_original_keys_shapes_and_balance(datasets: Path) -> None:
    assert sorted(path.name for path in datasets.iterdir()) == ["test_signs.h5", "train_signs.h5"]
    for name, each in (("train", TRAIN_EACH), ("test", TEST_EACH)):
        with h5py.File(datasets / f"{name}_signs.h5") as file:
            assert set(file) == {f"{name}_set_x", f"{name}_set_y", "list_classes"}
            pictures, labels = file[f"{name}_set_x"], file[f"{name}_set_y"]
            assert pictures.shape == (6 * each, 64, 64, 3) and pictures.dtype == np.uint8
            assert labels.shape == (6 * each,) and labels.dtype == np.int64
            assert np.bincount(labels[...]).tolist() == [each] * 6
            assert file["list_classes"][...].tolist() == [0, 1, 2, 3, 4, 5]
            # Mixed, as a run of one number would spoil the batches.
            assert (np.diff(labels[...]) != 0).mean() > 0.7


@pytest.mark.slow
def test_no_picture_stands_twice_in_training_and_test(datasets: Path) -> None:
    digests = []
    for name in ("train", "test"):
        with h5py.File(datasets / f"{name}_signs.h5") as file:
            digests += [hashlib.sha256(p.tobytes()).digest() for p in file[f"{name}_set_x"][...]]
    assert len(set(digests)) == 6 * (TRAIN_EACH + TEST_EACH)


def test_a_picture_depends_on_seed_place_and_label_only() -> None:
    labels = np.array([5, 0, 3], np.int64)
    once, again = draw_pictures(labels, seed=4), draw_pictures(labels, seed=4)
    assert np.array_equal(once, again)
    assert np.array_equal(draw_pictures(labels[:2], seed=4), once[:2])
    assert not np.array_equal(draw_pictures(labels, seed=5)[0], once[0])
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    draw_pictures(labels[:1], seed=4)
    assert np.random.random() == expected, "the notebook's own random numbers must not move"


def test_the_pictures_of_a_person_share_a_wall_and_those_of_others_do_not() -> None:
    pictures = draw_pictures(np.full(2 * STUDIO.people, 5, np.int64), seed=4).astype(int)
    corner = pictures[:, 1, 1]
    first, again = corner[: STUDIO.people], corner[STUDIO.people :]
    same = np.abs(first - again).max(axis=1)
    other = np.abs(first - np.roll(first, 1, axis=0)).max(axis=1)
    # Noise, and at times a shadow or a finger, differ in the pictures of one person.
    assert np.median(same) < 8 < np.median(other)
    wide = draw_pictures(np.full(2, 5, np.int64), seed=4, variety=WIDE)
    assert not np.array_equal(wide[0], pictures[0])


def test_an_interrupted_drawing_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> NDArray[np.uint8]:
        raise KeyboardInterrupt

    monkeypatch.setattr("resnets_utils.hands.drawing.generator.h5py.File.__setitem__", stopped)
    monkeypatch.setattr("resnets_utils.hands.drawing.generator.TRAIN_EACH", 1)
    with pytest.raises(KeyboardInterrupt):
        write_datasets(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_mixed_labels_are_balanced_and_fixed_by_the_seed() -> None:
    assert np.bincount(mixed_labels(7, seed=1)).tolist() == [7] * 6
    assert np.array_equal(mixed_labels(7, seed=1), mixed_labels(7, seed=1))
    assert not np.array_equal(mixed_labels(7, seed=1), mixed_labels(7, seed=2))


@pytest.mark.parametrize("sign", range(6))
def test_exactly_the_right_fingers_are_raised(sign: int) -> None:
    for seed in range(30):
        pose = draw_pose(sign, np.random.default_rng(seed))
        raised = tuple(
            finger
            for finger in range(4)
            # The tip of a raised finger lies a finger's length beyond its knuckle.
            if np.diff(finger_joints(finger, pose.flexion[finger], pose.spread[finger])[[0, 3], 1])
            > 0.6
        )
        assert raised == RAISED[sign], seed
        # The thumb of 3 and 5 points away: its tip is far from all fingers' joints.
        fingers = np.concatenate(
            [finger_joints(f, pose.flexion[f], pose.spread[f]) for f in range(4)]
        )
        tip = pose.thumb[3]
        beside = tip[0] > 0.45
        assert beside == (sign in (3, 5)) or sign == 0, (seed, tip, fingers)


def test_the_ring_closes() -> None:
    for seed in range(40):
        pose = draw_pose(0, np.random.default_rng(seed))
        tips = [finger_joints(f, pose.flexion[f], pose.spread[f]) for f in range(4)]
        gap = min(float(np.linalg.norm(pose.thumb[3] - joint)) for joint in np.concatenate(tips))
        assert gap < 0.36, seed


def test_a_thumb_keeps_its_bones_and_reaches_what_it_can() -> None:
    near = THUMB_BASE + np.array([0.1, 0.6, 0.3])
    far_away = THUMB_BASE + np.array([0.0, 5.0, 0.0])
    for target in (near, far_away):
        joints = reaching_thumb(target, np.array([0.5, 0.5, 0.5]))
        assert np.allclose(np.linalg.norm(np.diff(joints, axis=0), axis=1), THUMB_BONES)
        assert np.allclose(joints[0], THUMB_BASE)
    assert np.allclose(reaching_thumb(near, np.array([0.5, 0.5, 0.5]))[3], near, atol=0.01)
    far = reaching_thumb(far_away, np.array([0.5, 0.5, 0.5]))
    assert np.allclose(far, straight_thumb(np.array([0.0, 1.0, 0.0])), atol=0.05)


def cone(first: list[float], last: list[float], radii: tuple[float, float]) -> RoundCone:
    return RoundCone(np.array(first), np.array(last), *radii, part=3, blend=1e-4)


@pytest.mark.parametrize(
    ("first", "last", "radii", "error"),
    [
        ([0.5, 0.5, 0.1], [0.5, 0.5, 0.1], (0.2, 0.2), 2e-3),  # a ball
        ([0.2, 0.4, 0.0], [0.8, 0.6, 0.0], (0.1, 0.1), 2e-3),
        ([0.2, 0.4, 0.0], [0.7, 0.6, 0.4], (0.15, 0.05), 2e-3),
        ([0.5, 0.5, 0.0], [0.53, 0.5, 0.6], (0.2, 0.18), 2e-3),  # nearly towards the viewer
        (
            [0.5, 0.5, 0.0],
            [0.505, 0.5, 0.6],
            (0.2, 0.18),
            0.2 * 0.15,
        ),  # straight towards the viewer: an approximation
    ],
)
def test_the_closed_form_is_the_swept_ball(
    first: list[float], last: list[float], radii: tuple[float, float], error: float
) -> None:
    side = 48
    surface = render([cone(first, last, radii)], side)
    steps = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(steps, 1 - steps)
    swept = np.full((side, side), float(EMPTY))
    for t in np.linspace(0, 1, 2001):
        centre = np.array(first) + t * (np.array(last) - first)
        radius = radii[0] + t * (radii[1] - radii[0])
        inside = radius**2 - (x - centre[0]) ** 2 - (y - centre[1]) ** 2
        ball = np.where(inside > 0, centre[2] + np.sqrt(np.maximum(inside, 0)), EMPTY)
        swept = np.maximum(swept, ball)
    both = (surface.height > EMPTY) & (swept > EMPTY)
    assert ((surface.height > EMPTY) != (swept > EMPTY)).sum() <= 4  # grazed pixels
    assert both.sum() > 50
    # Where a ball is only grazed, its height rises without bound: leave that rim out.
    gap = np.abs(surface.height - swept)[both]
    assert np.quantile(gap, 0.97) < error


def test_the_nearer_part_hides_the_farther() -> None:
    far = RoundCone(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5, 0.0]), 0.3, 0.3, 1, 1e-4)
    near = RoundCone(np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.5, 0.5]), 0.1, 0.1, 2, 1e-4)
    for order in ([far, near], [near, far]):
        part = render(order, 40).part
        assert part[20, 20] == 2 and part[20, 10] == 1 and part[0, 0] == -1


def test_a_hand_fills_the_frame_as_asked_and_stays_inside() -> None:
    random = np.random.default_rng(0)
    build = Build((1.0, 1.0, 1.0, 1.0), 1.0, 1.0, (0.0, 0.0), None, None)
    for extent in (0.35, 0.95):
        for roll in (-1.0, 0.0, 1.0):
            view = View(0.2, 0.1, roll, True, 5.0, extent, (1.0, 0.0))
            placed = put_before_camera(bones_of(draw_pose(5, random), build), view)
            points = [
                (end[:2], radius)
                for shape in placed.cones
                if shape.part >= FINGER_PART
                for end, radius in (
                    (shape.first, shape.first_radius),
                    (shape.last, shape.last_radius),
                )
            ]
            low = np.min([point - radius for point, radius in points], axis=0)
            high = np.max([point + radius for point, radius in points], axis=0)
            assert (low > -1e-9).all() and (high < 1 + 1e-9).all()
            assert 0.6 * extent < (high - low).max() <= extent + 1e-9


def test_moving_and_blurring() -> None:
    picture = np.zeros((9, 9), np.float32)
    picture[4, 4] = 1
    # Looking two to the right and one up finds the spot two to the left and one down.
    assert moved(picture, 2, 1, 0.0)[5, 2] == 1
    assert moved(picture, 20, 0, -1.0).max() == -1
    smooth = blurred(picture, 1.0)
    assert smooth.sum() == pytest.approx(1.0, abs=1e-5)
    assert smooth[4, 4] == smooth.max() < 0.2
    assert np.allclose(smooth, smooth.T) and np.allclose(smooth, smooth[::-1])
