"""A student's own files in the kernel's private folder: never in the place of something else.

The folder is the first in which the kernel's Python looks for modules. A file there that has
the name of a module would be taken for that module, before the notebook's first cell and
while the kernel answers the judge. That gives a student nothing that a cell cannot do, but
an old copy of a library would spoil an honest answer.
"""

from __future__ import annotations

import errno
import functools
import os
import site
import sys
import sysconfig
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from coursekit.processes.plain_files import shown, stands_in_the_way

# A disk without room is the machine's failure, and no fault of a name.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
# Python and pytest run these by their names alone, wherever they lie.
_RUN_BY_NAME = {"conftest", "sitecustomize", "usercustomize"}
# What TensorFlow, Keras and IPython look for, and use if it is there.
_LOOKED_FOR = {
    *("appnope", "cupy", "curio", "dask", "debugpy", "h5py", "ipywidgets", "jax", "jaxlib"),
    *("openvino", "pandas", "pil", "pydot", "pydotplus", "pygraphviz", "scipy", "tensorboard"),
    *("torch", "torchvision", "trio", "uvloop", "ipython_config", "ipython_kernel_config"),
}


def put_own_files(files: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """Write a student's own files into the folder that the notebook runs in.

    Args:
        files: their contents by their paths.
        folder: the folder, with the release's files in it.

    Returns:
        Why a file was left out, by its path.

    """
    given = {_key(path.name): path for path in folder.iterdir()}
    packages = {name for name, path in given.items() if any(path.glob("*.py"))}
    left_out = {}
    for name, content in files.items():
        inside = PurePosixPath(name)
        try:
            why = _why_not(inside, folder, set(given), packages)
            if not why:
                target = folder / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in _FULL:
                raise
            why = "its name cannot be written here"
        if why:
            left_out[shown(name)] = why
    return left_out


def _why_not(inside: PurePosixPath, folder: Path, given: set[str], packages: set[str]) -> str:
    if inside.is_absolute() or ".." in inside.parts or "\0" in str(inside):
        return "its path leads out of the folder"
    first = _key(inside.parts[0])
    target = folder / inside
    if first in packages or target.exists() or stands_in_the_way(Path(inside), folder):
        return "the exercise has a file of that name"
    if len(inside.parts) > 1 and first in _LOOKED_FOR - modules_of_python():
        # A folder alone is a package to Python, and an empty one.
        return "it lies in a folder that has the name of a package"
    if inside.suffix.lower() != ".py":
        return ""
    if _key(inside.stem) in _RUN_BY_NAME or inside.parts[0].startswith("__"):
        return "a file of this name has a meaning of its own"
    if first in given:
        return "the exercise has a file of that name"
    if first in modules_of_python() or first in _LOOKED_FOR:
        return "it has the name of a module of Python or of an installed package"
    return ""


@functools.cache
def modules_of_python() -> frozenset[str]:
    """Return the names of the modules that a kernel can import without a student's files."""
    names = {*sys.stdlib_module_names, *sys.builtin_module_names, "coursekit", "resnets_utils"}
    places = {*site.getsitepackages(), *map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))}
    for place in places:
        with suppress(OSError):
            names.update(os.listdir(place))
    return frozenset(_key(name) for name in names)


def _key(name: str) -> str:
    """A file's name as an import statement would meet it, on any file system."""
    return unicodedata.normalize("NFKC", name.split(".")[0]).casefold()
