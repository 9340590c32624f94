"""Why nbgrader failed, as its log tells: the kit's own words, whole, before all else."""

from __future__ import annotations

from pathlib import Path

from coursekit.nbgrader_run import LOG, submission_error

_FAILED = "[AutogradeApp | ERROR] There was an error processing assignment: /c/submitted"
_TRACEBACK = "Traceback (most recent call last):"


def log(folder: Path, *lines: str) -> Path:
    (folder / LOG).write_text("\n".join(lines) + "\n")
    return folder


def test_a_submission_s_error_is_told_whole_with_its_hint(tmp_path: Path) -> None:
    log(
        tmp_path,
        f"{_FAILED}/ann/a-v1",
        "[AutogradeApp | ERROR] coursekit.errors.InfrastructureError: ValueError: first",
        "second, line 2 of the hidden tests of test_f",
        "hint: correct it",
        "[AutogradeApp | WARNING] more",
        f"{_FAILED}/bob/a-v1",
        _TRACEBACK,
        "coursekit.errors.BeyondRepair: it holds no notebook",
        "[AutogradeApp | WARNING] hint: of something else",
        f"{_FAILED}/cy/a-v1",
        _TRACEBACK,
        "ValueError: not the kit's",
    )
    assert submission_error(tmp_path, "ann", "a-v1") == (
        "ValueError: first\nsecond, line 2 of the hidden tests of test_f\nhint: correct it"
    )
    assert submission_error(tmp_path, "bob", "a-v1") == "it holds no notebook"
    assert submission_error(tmp_path, "cy", "a-v1") == ""
    assert submission_error(tmp_path, "dan", "a-v1") == ""
