"""Whose submission a file becomes that `nbgrader zip_collect` finds, in an archive or beside it.

The command itself, on a course of tiny files: it looks at names only.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_in_process import run_command

CONFIG = Path(__file__).resolve().parents[2] / "nbgrader_config.py"
NAME = "numbers-v1"
# The one in the comment of nbgrader_config.py; test_the_comment_s_regexp sees to it.
REGEXP = r".*/(?P<student_id>[^_/]+_[^_/]+)_\d+_(?P<file_id>[^/]+)"
TIMED = r".*/(?P<student_id>\w+?)_at_(?P<timestamp>[\d-]*)_(?P<file_id>\w+)"
FOLDERS = r".*/(?P<student_id>\w+)/(?P<file_id>\w+)"
MINE = "ada_a_12_mine.zip"
HERS = "ada_a_12_Numbers_v1.ipynb"
BOB = "bob_b_99_Numbers_v1.ipynb"
Files = Mapping[str, "str | bytes | Files"]


def packed(files: Files) -> bytes:
    """An archive; a name that ends in .zip or .gz and holds files is one inside it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, made(name, content))
    return stream.getvalue()


def made(name: str, content: str | bytes | Files) -> str | bytes:
    if isinstance(content, str | bytes):
        return content
    if not name.endswith(".tar.gz"):
        return packed(content)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for inside, text in content.items():
            assert isinstance(text, str)
            entry = tarfile.TarInfo(inside)
            entry.size = len(text)
            if text.startswith("-> "):
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, text[3:], 0
            # Rights that keep us out, too.
            entry.mode = 0
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


def collect(
    folder: Path, files: Files, regexp: str = REGEXP, *flags: str
) -> tuple[dict[str, str], int, str]:
    """Collect; what everybody then has handed in, the exit status and the log."""
    archive = folder / "downloaded" / NAME / "archive"
    for name, content in files.items():
        path = archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = made(name, content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    settings = CONFIG.read_text() + f"\nc.FileNameCollectorPlugin.named_regexp = {regexp!r}\n"
    (folder / "nbgrader_config.py").write_text(settings)
    code, said = run_command(folder, "zip_collect", NAME, *flags)
    extracted = folder / "downloaded" / NAME / "extracted"
    assert all(path.is_symlink() or path.stat().st_mode & 0o600 for path in extracted.rglob("*"))
    submitted = folder / "submitted"
    return (
        {
            str(path.relative_to(submitted)).replace(f"/{NAME}/", ": "): path.read_text()
            for path in sorted(submitted.rglob("*"))
            if path.is_file()
        },
        code,
        said,
    )


def test_the_comment_s_regexp() -> None:
    assert f'r"{REGEXP}"' in CONFIG.read_text()


@pytest.fixture(autouse=True)
def _no_settings_of_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "settings"))


ADA = {"ada_a: Numbers_v1.ipynb": "A"}
BOTH = ADA | {"bob_b: Numbers_v1.ipynb": "B"}
ORDINARY: dict[str, tuple[Files, str]] = {
    "files": ({HERS: "A", BOB: "B"}, REGEXP),
    "one archive of all": ({"all.zip": {HERS: "A", BOB: "B"}}, REGEXP),
    "archives in it": ({"all.zip": {MINE: {"Numbers_v1.ipynb": "A"}, BOB: "B"}}, REGEXP),
    "one archive each": (
        {MINE: {HERS: "A"}, "bob_b_99_.tar.gz": {"x/Numbers_v1.ipynb": "B"}},
        REGEXP,
    ),
    "an archive and one more file": ({"all.zip": {HERS: "A"}, BOB: "B"}, REGEXP),
    "folders": (
        {"all.zip": {"ada_a/Numbers_v1.ipynb": "A", "bob_b/Numbers_v1.ipynb": "B"}},
        FOLDERS,
    ),
    "copies that macOS adds": (
        {MINE: {"Numbers_v1.ipynb": "A", f"__MACOSX/x_{HERS}": "!", f".x/{HERS}": "!"}, BOB: "B"},
        REGEXP,
    ),
    "the same file twice": (
        {MINE: {"a/Numbers_v1.ipynb": "A", "b/Numbers_v1.ipynb": "A"}, BOB: "B"},
        REGEXP,
    ),
    "a newer one": (
        {
            "ada_a_at_2026-01-02_Numbers_v1.ipynb": "A",
            "ada_a_at_2026-01-01_Numbers_v1.ipynb": "!",
            "bob_b_at_2026-01-01_Numbers_v1.zip": {"Numbers_v1.ipynb": "B"},
        },
        TIMED,
    ),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_what_platforms_hand_out_is_collected(tmp_path: Path, case: str) -> None:
    # The path to the course looks like a student's file.
    place = tmp_path / "kim_k_7_course"
    place.mkdir()
    submitted, code, said = collect(place, *ORDINARY[case])
    assert code == 0, said
    times = {name for name in submitted if name.endswith("timestamp.txt")}
    assert {name: text for name, text in submitted.items() if name not in times} == BOTH, said
    assert bool(times) == (case == "a newer one")


CRAFTED: dict[str, Files] = {
    "another's name": {BOB: "A"},
    "in a folder": {f"x/{BOB}": "A"},
    "in a folder of another's name": {"bob_b_99_x/Numbers_v1.ipynb": "A"},
    "in an archive of another's name": {"bob_b_99_x.zip": {"Numbers_v1.ipynb": "A"}},
    "in a tar of another's name": {"bob_b_99_x.tar.gz": {BOB: "A"}},
    "in folders like the course's": {f"downloaded/{NAME}/extracted/{BOB}": "A"},
    "three deep": {"x.zip": {"y.zip": {BOB: "A"}}},
    "a copy deeper inside": {"Numbers_v1.ipynb": "A", f"old/{BOB}": "!"},
    "a damaged archive beside it": {"Numbers_v1.ipynb": "A", "bob_b_99_x.zip": b"PK", "x.gz": b""},
    "a link to another's": {"in.tar.gz": {"Numbers_v1.ipynb": "A", BOB: f"-> ../../../{BOB}"}},
}


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("case", CRAFTED)
def test_the_outermost_name_tells_the_student(tmp_path: Path, case: str, around: bool) -> None:
    files: Files = {MINE: CRAFTED[case], BOB: "B"}
    submitted, code, said = collect(tmp_path, {"all.zip": files} if around else files)
    assert (submitted, code) == (BOTH, 0), said


def test_another_s_name_is_told(tmp_path: Path) -> None:
    submitted, code, said = collect(tmp_path, {MINE: {BOB: "A"}})
    assert (submitted, code) == (ADA, 0), said
    assert "names bob_b, and was handed in by ada_a, whose it is" in said


REFUSED: dict[str, tuple[Files, str, str]] = {
    "archives that tell nobody": (
        {"all.zip": {"mine.zip": {HERS: "!"}, BOB: "B"}},
        REGEXP,
        "mine tells no student",
    ),
    "no name": ({"mine.ipynb": "!", BOB: "B"}, REGEXP, "its name tells no student"),
    "no student's name": (
        {"x.._1_x.ipynb": "!", "xbob_b_1_Numbers_v1.ipynb": "B"},
        r".*/x(?P<student_id>.+?)_\d+_(?P<file_id>[^/]+)",
        "'..' can be no student's name",
    ),
    "two of one name": (
        {MINE: {"a/x.ipynb": "!", "b/x.ipynb": "?", "y.ipynb": "!"}, BOB: "B"},
        REGEXP,
        "not collected from ada_a (it is unclear which",
    ),
    "no time": (
        {
            "ada_a_at_99-99-99_Numbers_v1.ipynb": "!",
            "ada_a_at__Numbers_v1.ipynb": "?",
            "bob_b_at__Numbers_v1.ipynb": "B",
        },
        TIMED,
        "not collected from ada_a (it is unclear which",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_costs_nobody_else(tmp_path: Path, case: str) -> None:
    files, regexp, reason = REFUSED[case]
    submitted, code, said = collect(tmp_path, files, regexp)
    assert {name.partition("_")[0]: text for name, text in submitted.items()} == {"bob": "B"}, said
    assert reason in said and code == ("not collected from" in reason), said


def test_who_tells_nobody_takes_nobody_s_place(tmp_path: Path) -> None:
    """An archive whose name tells nobody may be the download, or one that a student named."""
    submitted, code, said = collect(tmp_path, {"-.zip": {BOB: "!"}, HERS: "A", BOB: "B"})
    assert (submitted, code) == (BOTH, 0), said


def test_nothing_to_collect_is_no_success(tmp_path: Path) -> None:
    submitted, code, said = collect(tmp_path, {"mine.zip": {"x.ipynb": "!", "y.txt": "!"}})
    assert (submitted, code) == ({}, 1) and "nothing was collected" in said


def test_a_broken_pattern_is_told(tmp_path: Path) -> None:
    submitted, code, said = collect(tmp_path, {BOB: "B"}, "(?P<student_id>")
    assert (submitted, code) == ({}, 1) and "is no regular expression" in said


def test_links_and_earlier_submissions(tmp_path: Path) -> None:
    """A link is not followed; what was handed in before stays, unless it is forced."""
    files: Files = {HERS: "A", BOB: "B"}
    submitted, code, _ = collect(tmp_path, files)
    assert (submitted, code) == (BOTH, 0)
    (tmp_path / "submitted" / "bob_b" / NAME / "Numbers_v1.ipynb").unlink()
    extracted = tmp_path / "downloaded" / NAME / "extracted"
    for path in extracted.iterdir():
        path.unlink()
    (tmp_path / "secret").write_text("!")
    # Another extractor than nbgrader's may leave links.
    settings = f"""from pathlib import Path
from nbgrader.plugins import ExtractorPlugin

class Links(ExtractorPlugin):
    def extract(self, archive_path, extracted_path):
        super().extract(archive_path, extracted_path)
        Path(extracted_path, "eve_e_1_x.ipynb").symlink_to({str(tmp_path / "secret")!r})
"""
    (tmp_path / "links.py").write_text(settings)
    submitted, code, said = collect(tmp_path, files, REGEXP, "--extractor=links.Links")
    assert (submitted, code) == (BOTH, 1), said
    assert "not collected from ada_a (there is an earlier submission)" in said
    assert "eve_e_1_x.ipynb: it is a link" in said
    submitted, code, said = collect(tmp_path, {HERS: "new"}, REGEXP, "--force")
    assert (submitted, code) == (BOTH | {"ada_a: Numbers_v1.ipynb": "new"}, 0), said
