from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from permissions import folder_for_all, held_back
from PIL import Image

from resnets_utils.hands import photo as photo_module
from resnets_utils.hands.photo import read_photo
from resnets_utils.hinted_errors import StudentError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def told(path: Any) -> str:
    with pytest.raises(StudentError) as caught:
        read_photo(path)
    return str(caught.value)


def corners(photo: NDArray[np.float32]) -> list[tuple[int, ...]]:
    """The colours just inside the four corners: above left and right, below left and right."""
    values = np.rint(255 * photo).astype(int)
    near, far = 8, photo.shape[0] - 9
    places = [(near, near), (near, far), (far, near), (far, far)]
    return [tuple(values[place].tolist()) for place in places]


def quarters(mode: str = "RGB", side: int = 64) -> Image.Image:
    """A picture whose four quarters are red, green, blue and white."""
    picture = Image.new("RGB", (side, side), WHITE)
    half = side // 2
    picture.paste(RED, (0, 0, half, half))
    picture.paste(GREEN, (half, 0, side, half))
    picture.paste(BLUE, (0, half, half, side))
    return picture.convert(mode)


QUARTERS = [RED, GREEN, BLUE, WHITE]


def test_a_picture_of_the_wanted_size_comes_back_pixel_for_pixel(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.dtype == np.float32
    np.testing.assert_array_equal(photo, values.astype(np.float32) / 255)


@pytest.mark.parametrize("size", [1, 20, 64, 128])
def test_the_size_is_as_wanted(tmp_path: Path, size: int) -> None:
    quarters(side=301).save(tmp_path / "a.png")
    photo = read_photo(str(tmp_path / "a.png"), size=size)
    assert photo.shape == (size, size, 3)
    assert photo.min() >= 0 and photo.max() <= 1


@pytest.mark.parametrize("size", [0, -1, 6.4, True, "64"])
def test_a_size_of_no_pixels_is_told(tmp_path: Path, size: Any) -> None:
    quarters().save(tmp_path / "a.png")
    with pytest.raises(StudentError, match="has to be a whole number of pixels"):
        read_photo(tmp_path / "a.png", size=size)


# How EXIF's eight values lay a picture down, as what has to be done to set it upright.
LAID_DOWN: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", LAID_DOWN)
def test_a_photo_is_turned_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.asarray(quarters())
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.fromarray(np.ascontiguousarray(LAID_DOWN[orientation](upright)))
    path = tmp_path / f"a.{ending}"
    if ending in ("jpg", "webp"):
        lying.save(path, exif=exif, quality=100)
    else:
        lying.save(path, exif=exif)
    found = np.array(corners(read_photo(path)))
    np.testing.assert_allclose(found, QUARTERS, atol=12)
    if ending == "png":
        np.testing.assert_array_equal(np.rint(255 * read_photo(path)), upright)


def test_a_wide_photo_held_upright_is_cut_around_its_centre(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (300, 100), BLUE)
    wide.paste(RED, (100, 0, 150, 100))
    wide.paste(GREEN, (150, 0, 200, 100))
    wide.save(tmp_path / "a.png", exif=exif)
    # Turned clockwise, what was left is above.
    assert corners(read_photo(tmp_path / "a.png")) == [RED, RED, GREEN, GREEN]


@pytest.mark.parametrize("turned", [False, True])
def test_the_largest_square_around_the_centre_is_kept(tmp_path: Path, turned: bool) -> None:
    picture = Image.new("RGB", (700, 200), BLUE)
    picture.paste(quarters(side=200), (250, 0))
    if turned:
        picture = Image.new("RGB", (200, 700), BLUE)
        picture.paste(quarters(side=200), (0, 250))
    picture.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert corners(photo) == QUARTERS
    np.testing.assert_allclose(photo[0, 0], [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(photo[-1, -1], [1, 1, 1], atol=0.02)


def see_through(mode: str) -> Image.Image:
    """Left half of a colour, right half transparent with black underneath."""
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste((90, 90, 90, 255), (0, 0, 32, 64))
    if mode == "P":
        palette = Image.new("P", (64, 64), 0)
        palette.putpalette([0, 0, 0, 90, 90, 90])
        palette.paste(1, (0, 0, 32, 64))
        palette.info["transparency"] = 0
        return palette
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("mode", "ending"), [("RGBA", "png"), ("LA", "png"), ("P", "png"), ("P", "gif")]
)
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    see_through(mode).save(path)
    with Image.open(path) as saved:
        assert saved.mode == mode
    assert corners(read_photo(path)) == [(90, 90, 90), WHITE, (90, 90, 90), WHITE]


def test_half_transparent_is_half_white(tmp_path: Path) -> None:
    Image.new("RGBA", (300, 300), (200, 0, 0, 102)).save(tmp_path / "a.png")
    found = np.rint(255 * read_photo(tmp_path / "a.png")).astype(int)
    # 0.4 of the colour and 0.6 of white
    np.testing.assert_allclose(found, np.broadcast_to([233, 153, 153], (64, 64, 3)), atol=1)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None], 64, axis=0)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    found = np.rint(255 * read_photo(tmp_path / "a.png"))
    np.testing.assert_array_equal(found, np.repeat(ramp[:, :, None], 3, axis=2))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path, ending: str) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None], 64, axis=0)
    path = tmp_path / f"a.{ending}"
    Image.fromarray(ramp).save(path)
    found = 255 * read_photo(path)
    wanted = np.repeat(ramp[:, :, None] / 257, 3, axis=2)
    np.testing.assert_allclose(found, wanted, atol=0.51)


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 2e6])
def test_floating_point_grey_has_the_usual_white(tmp_path: Path, white: float) -> None:
    ramp = np.repeat(np.linspace(0, white, 64, dtype=np.float32)[None], 64, axis=0)
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    found = 255 * read_photo(tmp_path / "a.tif")[0, :, 1]
    np.testing.assert_allclose(found, np.linspace(0, 255, 64), atol=0.51)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_printing_colours_become_screen_colours(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    quarters("CMYK").save(path)
    with Image.open(path) as saved:
        assert saved.mode == "CMYK"
    np.testing.assert_allclose(corners(read_photo(path)), QUARTERS, atol=3)


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_the_first_frame_of_an_animation_counts(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, GREEN, BLUE)]
    path = tmp_path / f"a.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    np.testing.assert_allclose(corners(read_photo(path)), [RED] * 4, atol=3)


def test_fine_detail_is_averaged_not_skipped(tmp_path: Path) -> None:
    checkered = (np.indices((1024, 1024)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checkered).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_photo(tmp_path / "a.png"), 0.5, atol=0.01)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_large_photo_keeps_its_parts_in_place(tmp_path: Path, ending: str) -> None:
    quarters(side=3001).save(tmp_path / f"a.{ending}")
    photo = read_photo(tmp_path / f"a.{ending}")
    np.testing.assert_allclose(corners(photo), QUARTERS, atol=3)
    # The borders run through the middle, between the 32nd and the 33rd pixel.
    np.testing.assert_allclose(photo[8, 30], [1, 0, 0], atol=0.03)
    np.testing.assert_allclose(photo[8, 33], [0, 1, 0], atol=0.03)


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG's beginning with these measures and next to no pixels behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


@pytest.mark.parametrize("side", [13_378, 60_000])
def test_a_picture_of_too_many_pixels_is_told(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(png_that_claims(side, side))
    assert "has more than 178 million pixels, too many to read safely" in told(tmp_path / "a.png")
    # The limit also holds where Pillow's own is switched off.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert "has more than 178 million pixels" in told(tmp_path / "a.png")


def test_a_picture_just_below_the_limit_is_tried_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_that_claims(10_000, 10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "can be read (image file is truncated" in told(tmp_path / "a.png")


def saved(ending: str) -> bytes:
    """The bytes of a picture with much in it."""
    values = np.random.default_rng(1).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    kept = io.BytesIO()
    Image.fromarray(values).save(kept, {"jpg": "JPEG", "png": "PNG"}[ending])
    return kept.getvalue()


UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.jpg", b"", "is empty: it has 0 bytes"),
    "text": ("a.jpg", b"my hand, from the left\n", "is not a picture in a format known here"),
    "half a JPEG": ("a.jpg", saved("jpg")[:3000], "not all of it can be read"),
    "half a PNG": ("a.png", saved("png")[:3000], "not all of it can be read"),
    "a PNG's beginning": (
        "a.png",
        saved("png")[:12],
        "begins like a picture and breaks off",
    ),
    "HEIC": (
        "a.heic",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "is a HEIC photo, which cannot be read here.\nhint: Export it as JPEG and use that file. "
        "On an iPhone, Settings > Camera > Formats > Most Compatible",
    ),
    "HEIF": ("a.jpg", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200), "is a HEIC photo"),
    "AVIF": ("a.avif", b"\0\0\0\x1cftypavif\0\0\0\0", "is an AVIF picture"),
    "a film": ("a.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(99), "is a film, not a picture"),
    "SVG": (
        "a.svg",
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        "is an SVG drawing, not made of pixels",
    ),
    "PDF": ("a.pdf", b"%PDF-1.7\n" + bytes(99), "is a PDF or PostScript document"),
    "PostScript": ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PDF or PostScript document"),
    "a web page": ("a.jpg", b"<!DOCTYPE html>\n<html></html>", "is a web page, not a picture"),
}


@pytest.mark.parametrize(("name", "content", "fragment"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_picture_is_told(
    tmp_path: Path, name: str, content: bytes, fragment: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    sentence = told(path)
    assert sentence.startswith(f"error: {path} ")
    assert fragment in sentence


@pytest.mark.parametrize(
    ("asked", "fragment"),
    [
        ("my_hand.png", "hint: Did you mean my_hnad.png"),
        ("IMG_0001.JPG", "hint: Did you mean img_0001.jpg?"),
        ("zzz", "hint: Put it there, or give its full path; the notebook's folder is "),
        ("photos/my_hand.png", "there is no folder {folder}/photos either"),
        ("my_hnad.png/a.png", "there is no folder {folder}/my_hnad.png either"),
    ],
)
def test_a_missing_file_is_told_with_names_near_it(
    tmp_path: Path, asked: str, fragment: str
) -> None:
    for name in ("my_hnad.png", "img_0001.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    sentence = told(tmp_path / asked)
    assert sentence.startswith("error: There is no file ")
    assert fragment.format(folder=tmp_path) in sentence


@pytest.mark.parametrize(
    ("path", "fragment"),
    [
        ("https://example.org/hand.jpg", "https://example.org/hand.jpg is an address, not"),
        ("FILE:///home/me/hand.jpg", "is an address, not the path of a file"),
        ("", "A photo's path was expected, not ''"),
        (None, "A photo's path was expected, not None"),
        (np.zeros((64, 64, 3)), "A photo's path was expected, not array("),
        ("a\0b.jpg", "'a\\x00b.jpg' cannot be read: "),
        ("a" * 5000, "cannot be read: "),
        ("~nobody-of-that-name/hand.jpg", "cannot be read: "),
    ],
)
def test_what_is_no_path_is_told(path: Any, fragment: str) -> None:
    assert fragment in told(path)


def test_a_folder_is_told(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder, not a picture" in told(tmp_path)


def test_a_pipe_is_told_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert f"{tmp_path / 'a.jpg'} is not an ordinary file" in told(tmp_path / "a.jpg")


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarters().save(tmp_path / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert corners(read_photo("~/a.png")) == QUARTERS


def test_a_picture_without_permission_is_told() -> None:
    Image.init()  # Pillow loads this when it is first used, which a user may not be allowed to read
    with folder_for_all() as folder:
        path = folder / "a.png"
        quarters().save(path)
        path.chmod(0)
        with held_back():
            assert f"You have no permission to read {path}." in told(path)


def test_a_missing_file_in_a_folder_that_cannot_be_listed_is_told() -> None:
    with folder_for_all() as folder:
        folder.chmod(0o711)
        with held_back():
            assert "There is no file b.png in the folder" in told(folder / "b.png")


def test_every_format_named_is_one_that_pillow_knows() -> None:
    Image.init()
    # MPO, a camera's several JPEGs in one, is opened as JPEG; AVIF is not built in everywhere.
    assert set(photo_module.FORMATS) - {"AVIF"} <= set(Image.OPEN) | {"MPO"}
