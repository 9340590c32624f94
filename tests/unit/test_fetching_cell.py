"""The cell that fetches a notebook's files: run as on Colab, in a folder with only the notebook.

It runs in a Python without any packages, against a server on this machine.
"""

from __future__ import annotations

import http.server
import io
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from coursekit.publishing.fetching_cell import fetching_cell
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.published_cells import is_published_cell

RECORD = b'{"of": "this release"}'
RELEASE = {
    "tiny-v1/Tiny_v1.ipynb": b"a blank notebook",
    "tiny-v1/expected.json": RECORD,
    "tiny-v1/images/hand.png": b"a hand",
    "tiny-v1/resnets_utils/__init__.py": b"from resnets_utils.deeper.words import WORD",
    "tiny-v1/resnets_utils/deeper/words.py": b"WORD = 'this release'",
}
# As a kernel does: the folder is on the path, and what was imported before stays imported.
RUN = """import sys
sys.path.insert(0, "")
exec(compile(open(0).read(), "cell", "exec"))
try:
    import resnets_utils
    print(resnets_utils.WORD, sorted(name for name in sys.modules if name == "zipfile"))
except ModuleNotFoundError:
    print("no library")
"""


def packed(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server's address, and what it serves by path."""
    pages: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            # A longer content than what is sent is a connection that was cut.
            cut = self.path.startswith("/cut")
            self.send_header("Content-Length", str(len(content) + cut))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", pages
        server.shutdown()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(cell: str, folder: Path) -> list[str]:
    """Run the cell, then an import, in a folder; return the lines that it says."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN],
        input=cell,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def _cell(address: str, content: bytes) -> str:
    return fetching_cell(address, content, sha256(content).hexdigest(), sha256(RECORD).hexdigest())


def test_where_only_the_notebook_is_its_files_come_and_yours_stay(
    served: tuple[str, dict[str, bytes]], tmp_path: Path
) -> None:
    address, pages = served
    pages["/tiny.zip"] = packed(RELEASE)
    cell = _cell(f"{address}/tiny.zip", pages["/tiny.zip"])
    assert is_published_cell(Cell("code", cell))
    own = {"mine.ipynb": b"with answers", "images/hand.png": b"my hand"}
    # What is left of an older release is no file of yours.
    for name, content in {**own, "expected.json": b"older"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    fetching, fetched, library = run(cell, tmp_path)
    assert fetching == f"Fetching 0.0 MB from {address}/tiny.zip"
    assert "are now beside it" in fetched and library == "this release ['zipfile']"
    whole = {name.removeprefix("tiny-v1/"): content for name, content in RELEASE.items()}
    del whole["Tiny_v1.ipynb"]
    assert contents(tmp_path) == whole | own
    # The second time, and wherever the files are, nothing is fetched nor even imported.
    pages.clear()
    assert run(cell, tmp_path) == [
        "The notebook's files are here: nothing was fetched.",
        "this release []",
    ]
    (tmp_path / "expected.json").write_bytes(b"of another notebook")
    error, hint, library = run(cell, tmp_path)
    assert "belongs to another notebook or release" in error and library == "this release []"
    assert hint.startswith("hint: put this notebook into a folder of its own")
    assert not [path for path in tmp_path.iterdir() if path.name[0] == "."]


def _in_the_way(folder: Path) -> None:
    (folder / "images").write_bytes(b"no folder")


@pytest.mark.parametrize(
    ("path", "files", "prepare", "error"),
    [
        ("/changed.zip", RELEASE, None, "its SHA-256 differs); nothing was kept"),
        ("/longer.zip", RELEASE, None, "its SHA-256 differs); nothing was kept"),
        ("/missing.zip", RELEASE, None, "did not come from there (HTTP Error 404"),
        ("/cut.zip", RELEASE, None, "did not come from there (it broke off after"),
        ("", RELEASE, None, "did not come from there (<urlopen error"),
        ("/x.zip", {**RELEASE, "tiny-v1/../../x": b"x"}, None, "'tiny-v1/../../x' would leave"),
        ("/x.zip", {**RELEASE, "/x": b"x"}, None, "'/x' would leave this folder"),
        ("/x.zip", {**RELEASE, "tiny-v1\\..\\x": b"x"}, None, "would leave this folder"),
        ("/x.zip", {**RELEASE, "other/x": b"x"}, None, "could not be unpacked here"),
        ("/x.zip", RELEASE, _in_the_way, "could not be unpacked here"),
    ],
)
def test_what_goes_wrong_is_told_and_no_half_library_is_left(
    path: str,
    files: dict[str, bytes],
    prepare: Callable[[Path], None] | None,
    error: str,
    served: tuple[str, dict[str, bytes]],
    tmp_path: Path,
) -> None:
    address, pages = served
    content = packed(files)
    pages.clear()
    pages["/x.zip"] = content
    pages["/cut.zip"] = content[:-1]
    pages["/changed.zip"] = content[:-1] + b"?"
    pages["/longer.zip"] = content + b"?"
    folder = tmp_path / "folder"
    folder.mkdir()
    if prepare:
        prepare(folder)
    before = contents(tmp_path)
    # Nobody listens on port 9, of the discard service.
    where = f"{address}{path}" if path else "http://127.0.0.1:9/x.zip"
    fetching, told, hint, library = run(_cell(where, content), folder)
    assert fetching.startswith("Fetching ")
    assert told.startswith("error: ") and error in told and hint.startswith("hint: ")
    assert library == "no library"
    assert {name for name in contents(tmp_path) if "resnets_utils" in name} == set()
    if prepare is None:
        assert contents(tmp_path) == before
