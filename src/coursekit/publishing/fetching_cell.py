"""The cell that fetches a notebook's files where only the notebook is, as on Colab.

The text of `fetch_files` stands in students' notebooks: it needs Python alone, from 3.10 on, and
is written to be read there.
"""

from __future__ import annotations

import inspect
import json

from resnets_utils.notebooks.published_cells import FETCHING, FIRST_LINE


def fetch_files(address: str, size: int, sha256: str, record: str) -> None:
    """Fetch this notebook's files and unpack them beside it. It installs nothing."""
    import importlib.util
    from hashlib import sha256 as digest
    from pathlib import Path

    # Everywhere but on Colab, the files usually are beside the notebook.
    library, known = Path("resnets_utils"), Path("expected.json")
    if importlib.util.find_spec("resnets_utils"):
        if known.exists() and digest(known.read_bytes()).hexdigest() != record:
            print("error: the folder resnets_utils here belongs to another notebook or release")
            print("hint: put this notebook into a folder of its own, then run this cell again")
        else:
            print("The notebook's files are here: nothing was fetched.")
        return

    import http.client
    import io
    import tempfile
    import urllib.request
    import zipfile

    print(f"Fetching {size / 1e6:.1f} MB from {address}", flush=True)
    try:
        with urllib.request.urlopen(address, timeout=60) as reply:
            content = reply.read(size + 1)
        if len(content) < size:
            raise ConnectionError(f"it broke off after {len(content):,} of {size:,} bytes")
    except (OSError, http.client.HTTPException) as error:
        print(f"error: the files did not come from there ({error})")
        print("hint: see that you are online, wait a minute, then run this cell again")
        return
    # What came must be, bit for bit, what the instructor published with this notebook.
    if digest(content).hexdigest() != sha256:
        print("error: what came is not what was published (its SHA-256 differs); nothing was kept")
        print("hint: run this cell again; if that changes nothing, tell your instructor")
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.startswith("/") or ".." in name.split("/") or "\\" in name:
                    print(f"error: the file {name!r} would leave this folder; nothing was kept")
                    print("hint: tell your instructor")
                    return
            with tempfile.TemporaryDirectory(dir=".", prefix=".fetched-") as unpacked:
                archive.extractall(unpacked)
                (folder,) = Path(unpacked).iterdir()
                for path in sorted(folder.rglob("*")):
                    here = path.relative_to(folder)
                    if path.is_dir() or library in here.parents or path.suffix == ".ipynb":
                        continue
                    # A file of your own, such as a photo, stays.
                    if here == known or not here.exists():
                        here.parent.mkdir(parents=True, exist_ok=True)
                        path.replace(here)
                # Last: where this folder is, everything is.
                (folder / library).replace(library)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"error: the files could not be unpacked here ({error})")
        print("hint: make room in this folder, or use another one, then run this cell again")
        return
    importlib.invalidate_caches()
    print("The notebook's files are now beside it: resnets_utils, expected.json and the pictures.")


def fetching_cell(address: str, content: bytes, sha256: str, record: str) -> str:
    """Return the text of the cell.

    Args:
        address: where the packed release will be.
        content: the packed release.
        sha256: its digest.
        record: the digest of the checks' record in it.

    """
    values = [
        json.dumps(address),
        f"size={len(content)}",
        f"sha256={json.dumps(sha256)}",
        f"record={json.dumps(record)}",
    ]
    call = [f"{FETCHING}(", *(f"    {value}," for value in values), ")"]
    return "\n".join([FIRST_LINE, inspect.getsource(fetch_files), "", *call])
