"""``python -m resnets_utils.upgrade`` in a terminal of any encoding, with names of any letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import upgrade_notebooks as earlier

from coursekit.course.assignment import Assignment

RELEASE = Assignment(Path(__file__).resolve().parents[2], "residual-networks-v2a").release
CONTENT = earlier.named_samples()[0].content
ASCII = {"PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"}
STRICT = {**ASCII, "PYTHONIOENCODING": "ascii:strict"}
# What Python falls back to where nobody set a locale and UTF-8 is switched off.
PLAIN_C = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
UTF_8 = {"PYTHONIOENCODING": "utf-8"}
ODD = "Übung 4 [final] (März) – “neu”"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "resnets_utils.upgrade", *arguments],
        env=os.environ | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("environment", "sign"), [(ASCII, "ok"), (STRICT, "ok"), (PLAIN_C, "ok"), (UTF_8, "✓")]
)
def test_the_report_can_be_printed_on_any_terminal(
    environment: dict[str, str], sign: str, tmp_path: Path
) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    old, new = folder / f"{ODD}.ipynb", folder / "new.ipynb"
    old.write_bytes(CONTENT)
    done = run(str(old), "--release", str(RELEASE), "--output", str(new), **environment)
    said = (done.stdout + done.stderr).decode("utf-8" if sign == "✓" else "ascii")
    assert done.returncode == 0, said
    assert "Traceback" not in said
    assert f"\n{sign} ResNet50: carried (from cell" in said
    assert (ODD if sign == "✓" else "bung 4 [final] (M") in said
    assert nbformat.read(new, as_version=4).cells[1].id == "upgrade-report"


def test_an_error_about_an_odd_name_can_be_printed_on_any_terminal(tmp_path: Path) -> None:
    done = run(str(tmp_path / f"{ODD}.ipynb"), "--release", str(RELEASE), **ASCII)
    assert done.returncode == 1
    said = done.stderr.decode("ascii")
    assert said.startswith("error: ") and "does not exist\nhint: " in said
