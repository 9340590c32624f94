"""A student's own photo: reading it as the training pictures are, and showing the model's answer.

Photos come in every format that phones and web sites make. An error describes in a
sentence why a file cannot be read.
"""

from __future__ import annotations

import difflib
import re
import stat
import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from resnets_utils.hands.classes import CLASS_NAMES, CLASSES
from resnets_utils.hinted_errors import StudentError

# Pillow's own limit; decoded, that is up to 720 MB.
MAX_PIXELS = 178_956_970
# What cameras, phones, screenshots and web sites make. Pillow reads more formats; for
# one of them, EPS, it would start another program.
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM", "ICO", "JPEG2000")
# Blocks of pixels are averaged down to this many times the wanted size. The last, finer
# step hides that.
REDUCED = 3
ORIENTATION = 0x0112  # the EXIF tag that says how the camera was held
UNSURE_BELOW = 50  # percent

AS_JPEG = "Export the picture as JPEG or PNG and use that file."
HEIC_HINT = (
    "Export it as JPEG and use that file. On an iPhone, Settings > Camera > Formats > "
    "Most Compatible makes it take JPEGs from then on."
)
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AGAIN = "Copy or download it again, or use another picture."
NOT_THE_PAGE = "Save the picture on the page itself, not the page."
DOCUMENTS = (b"%PDF", b"%!PS")
PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")


def read_photo(path: str | Path, size: int = 64) -> NDArray[np.float32]:
    """Read a photo and make it like the training pictures.

    The photo is turned upright as its EXIF data say, cut to the largest square
    around its centre, and scaled to ``size``. Transparent parts become white, a
    grey photo becomes one of three equal channels, and of an animation the
    first frame counts. A ``~`` at the start of the path is the home folder.

    Args:
        path: a JPEG, PNG or other usual picture file.
        size: height and width to return, in pixels.

    Returns:
        (size, size, 3) float32 of 0 to 1: red, green and blue divided by 255,
        as in training.

    Raises:
        StudentError: if there is no such file or it cannot be read as a picture
            of fewer than 180 million pixels; it says why and what to do.

    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise StudentError(f"size is {size!r}; it has to be a whole number of pixels, 1 or more.")
    file = _existing_file(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures above half the limit, and of odd metadata.
            warnings.simplefilter("ignore")
            small = _opened_small(file, int(size))
    except UnidentifiedImageError:
        raise _unidentified(file) from None
    except Image.DecompressionBombError:
        raise _too_large(file) from None
    except MemoryError:
        raise StudentError(f"{file} does not fit in memory.", "Make it smaller first.") from None
    except StudentError:
        raise
    except Exception as error:
        # Decoders raise any error for damaged bytes.
        raise StudentError(
            f"{file} is incomplete or damaged: not all of it can be read ({error}).",
            AGAIN,
        ) from None
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def predict(model: Any, photo: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probabilities that a model gives the six numbers.

    A left hand shows the numbers as a right one does. So the model reads the photo
    and its mirror image, and the mean of both counts: its mistakes in one are seldom
    its mistakes in the other.

    Args:
        model: a Keras model of (m, height, width, 3) pictures that ends in a
            softmax of 6.
        photo: (height, width, 3) of 0 to 1, as `read_photo` returns it.

    Returns:
        (6,) float64 that add up to 1; position 3 is the number 3.

    Raises:
        StudentError: if the model takes other pictures or gives anything but 6
            probabilities, or if the photo was not divided by 255.

    """
    takes, gives = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not callable(model) or not isinstance(takes, tuple) or not isinstance(gives, tuple):
        raise StudentError(
            f"The model is not a finished Keras model with one input and one output; it is "
            f"of class {type(model).__name__}.",
            "Pass the result of your function that builds the network, with "
            "input_shape=(64, 64, 3) and classes=6. If it is None, add the return.",
        )
    photo = np.asarray(photo)
    fits = len(takes) == 4 and photo.ndim == 3
    if not fits or any(
        want not in (None, have) for want, have in zip(takes[1:], photo.shape, strict=True)
    ):
        raise StudentError(
            f"The model takes pictures of shape {takes[1:]}, but the photo has {photo.shape}.",
            "Build the model with input_shape=(64, 64, 3), and read the photo with "
            "read_photo(path).",
        )
    if gives[1:] != (CLASSES,):
        raise StudentError(
            f"The model's output has shape {gives[1:]}; six numbers need ({CLASSES},).",
            "Build the model with classes=6.",
        )
    if photo.size and photo.max() > 1:
        raise StudentError(
            f"The photo has values up to {photo.max()}; the model was trained on 0 to 1.",
            "Divide it by 255, or read it with read_photo(path), which does.",
        )
    both = np.stack([photo, photo[:, ::-1]]).astype(np.float32)
    answer = model(both, training=False)
    probabilities: NDArray[np.float64] = np.asarray(answer, dtype=np.float64).mean(axis=0)
    if not np.isfinite(probabilities).all():
        raise StudentError(
            "The model's answer is not a number (nan): its weights grew without limit in training.",
            "Build the model and train it again with a smaller learning rate.",
        )
    # Half precision rounds a sum of six by less than a hundredth.
    total = probabilities.sum()
    found = "not to 1" if abs(total - 1) > 0.01 else "but one is below 0"
    if (probabilities < 0).any() or abs(total - 1) > 0.01:
        raise StudentError(
            f"The model's six outputs add up to {total:.3g}, {found}: they are not probabilities.",
            'Give its last layer a softmax: activation="softmax".',
        )
    return probabilities


def show_prediction(model: Any, path: str | Path) -> None:
    """Show a photo beside the probabilities that a model gives the six numbers.

    The photo is shown as `read_photo` makes it and the model sees it: (64, 64, 3)
    float32 of 0 to 1. The prediction is also printed as a sentence.

    Args:
        model: a trained Keras model of (m, 64, 64, 3) pictures and 6 classes.
        path: a JPEG, PNG or other usual picture file.

    Raises:
        StudentError: if the photo cannot be read, or the model takes other
            pictures or gives anything but 6 probabilities.

    """
    photo = read_photo(path)
    probabilities = predict(model, photo)
    percents = [_percent(probability) for probability in probabilities]
    best = int(probabilities.argmax())
    gesture = CLASS_NAMES[best].partition(": ")[2]
    if round(100 * probabilities[best]) < UNSURE_BELOW:
        title = f"unsure: perhaps {best}, {percents[best]}"
        said = f"unsure: perhaps {best} ({gesture}), but only {percents[best]} sure"
    else:
        title = f"looks like {best}, {percents[best]} sure"
        said = f"looks like {best} ({gesture}), {percents[best]} sure"
    _draw(photo, probabilities, percents, title)
    print(f"{Path(path).name}: {said}.")


def _draw(
    photo: NDArray[np.float32], probabilities: NDArray[np.float64], percents: list[str], title: str
) -> None:
    # A notebook in a dark theme may have set white text, or no background.
    with plt.style.context("default"):
        figure = plt.figure(figsize=(9, 3.4), layout="constrained", facecolor="white")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.6))
        left.imshow(photo, interpolation="nearest", vmin=0, vmax=1)
        left.set_axis_off()
        left.set_title("the photo as the model sees it")
        bars = right.barh(CLASS_NAMES, 100 * probabilities, color="#3b6ea5")
        right.bar_label(bars, percents, padding=4)
        right.invert_yaxis()  # 0 on top
        right.set_xlim(0, 118)  # room for "100 %" beyond the longest bar
        right.set_xticks(range(0, 101, 25))
        right.set_xlabel("probability in percent")
        right.set_title(title, fontweight="bold")
        right.spines[["top", "right"]].set_visible(False)
        plt.show()


def _percent(probability: float) -> str:
    """Return a whole percentage that claims neither certainty nor impossibility."""
    if 0.995 <= probability < 1:
        return "over 99 %"
    if 0 < probability < 0.005:
        return "under 1 %"
    return f"{round(100 * probability)} %"


def _existing_file(path: str | Path) -> Path:
    """Return the path of a file with something in it that may be read."""
    if not isinstance(path, str | Path) or not str(path).strip():
        raise StudentError(
            f"A photo's path was expected, not {path!r}.",
            'Give the file\'s name in quotes, such as "my_hand.jpg".',
        )
    if re.match(r"(https?|ftp|file|data):", str(path), re.IGNORECASE):
        raise StudentError(
            f"{path} is an address, not the path of a file.",
            "Download the picture, put it beside the notebook, and give its file name.",
        )
    file = Path(path)
    try:
        file = file.expanduser()
        found = file.stat()
        if stat.S_ISDIR(found.st_mode):
            raise StudentError(
                f"{file} is a folder, not a picture.", "Name one of the pictures in it."
            )
        if not stat.S_ISREG(found.st_mode):
            raise StudentError(f"{file} is not an ordinary file.", "Name a picture file.")
        with file.open("rb") as opened:
            start = opened.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(file) from None
    except PermissionError:
        raise StudentError(
            f"You have no permission to read {file}.",
            "Copy the picture into the notebook's folder and use the copy.",
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        # A path may also be too long, hold a zero byte, or name an unknown user.
        raise StudentError(
            f"{str(file)!r} cannot be read: {error}.", "Check the path for mistakes."
        ) from None
    if not start:
        raise StudentError(
            f"{file} is empty: it has 0 bytes.", "Copy or download it again, to the end."
        )
    return file


def _missing(file: Path) -> StudentError:
    folder = file.parent
    if not folder.is_dir():
        return StudentError(
            f"There is no file {file}: there is no folder {folder} either.",
            f"Paths are relative to the notebook's folder, which is {Path.cwd()}.",
        )
    try:
        there = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        there = []  # a folder may allow reading its files but not listing them
    # Wrong case is the most common mistake, so case does not count.
    names = {name.casefold(): name for name in there}
    near = difflib.get_close_matches(file.name.casefold(), names, n=3, cutoff=0.6)
    hint = (
        f"Did you mean {' or '.join(names[name] for name in near)}?"
        if near
        else f"Put it there, or give its full path; the notebook's folder is {Path.cwd()}."
    )
    return StudentError(f"There is no file {file.name} in the folder {folder.resolve()}.", hint)


def _unidentified(file: Path) -> StudentError:
    with file.open("rb") as opened:
        start = opened.read(2048)
    film, brand, text = start[4:8] == b"ftyp", start[8:12], start.lower()
    avif = b"avif" in start[8:64] or brand == b"avis"
    cut_off = start.startswith(PICTURE_STARTS) or brand == b"WEBP"
    kinds = (
        (film and avif, "an AVIF picture, which cannot be read here", AS_JPEG),
        (film and brand in HEIC_BRANDS, "a HEIC photo, which cannot be read here", HEIC_HINT),
        (film, "a film, not a picture", AS_JPEG),
        (b"<svg" in text, "an SVG drawing, not made of pixels", AS_JPEG),
        (start.startswith(DOCUMENTS), "a PDF or PostScript document, not a picture", AS_JPEG),
        (b"<html" in text or b"<!doctype" in text, "a web page, not a picture", NOT_THE_PAGE),
        (cut_off, "incomplete or damaged: it begins like a picture and breaks off", AGAIN),
        (True, "not a picture in a format known here", AS_JPEG),
    )
    what, hint = next((what, hint) for fits, what, hint in kinds if fits)
    return StudentError(f"{file} is {what}.", hint)


def _too_large(file: Path) -> StudentError:
    return StudentError(
        f"{file} has more than {MAX_PIXELS // 10**6} million pixels, too many to read safely.",
        "Make it smaller first; the model sees 64 x 64 pixels.",
    )


def _opened_small(file: Path, size: int) -> Image.Image:
    """Return the photo as upright RGB of ``size``, decoding no more of it than is needed."""
    Image.init()
    with Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(file)
        # JPEG can be decoded directly to a half, a quarter or an eighth.
        image.draft(None, (REDUCED * size, REDUCED * size))
        image.load()
        small = _small_square(image, size)
        # Some formats know this only after loading, and some turn the picture then.
        turned = image.getexif().get(ORIENTATION, 1)
    small.getexif()[ORIENTATION] = turned
    return ImageOps.exif_transpose(small)


def _small_square(image: Image.Image, size: int) -> Image.Image:
    """Cut the largest square around the centre and scale it to ``size`` in RGB.

    Colours are converted strip by strip, so that a picture of a hundred million
    pixels is in memory only once.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    factor = max(1, side // (REDUCED * size))
    full = _full_scale(image)
    reduced = Image.new("RGB", (-(-side // factor),) * 2)
    rows = factor * max(1, 2**20 // (side * factor))
    for row in range(0, side, rows):
        box = (left, top + row, left + side, top + min(row + rows, side))
        strip = _on_white(image.crop(box), full)
        reduced.paste(strip.reduce(factor), (0, row // factor))
    covered = side / factor
    return reduced.resize((size, size), Image.Resampling.LANCZOS, box=(0, 0, covered, covered))


def _full_scale(image: Image.Image) -> float:
    """Return the value of white, where a pixel is a single number of more than 8 bits."""
    if image.mode.startswith("I;16"):
        return 65535
    if image.mode not in ("I", "F"):
        return 255
    # These modes do not say what white is: take the smallest usual value that no pixel exceeds.
    values: Any = image.getextrema()
    brightest = float(values[1])
    usual = [white for white in (1, 255, 65535) if brightest <= white]
    return usual[0] if usual else brightest


def _on_white(image: Image.Image, full: float) -> Image.Image:
    """Return the picture in RGB, transparency laid on white, ``full`` made 255."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64) / full)
        grey = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
