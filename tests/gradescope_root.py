"""Gradescope's folder /autograder, as it lies in the container that grades a submission.

Not imitated: what ``setup.sh`` installs. Its packages are those of these tests; the kit is the
wheel that the zip brings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

RESTRICTIONS = Path(__file__).parent / "attacks" / "docker_restrictions.py"
PYTHON = '#!/bin/sh\nPYTHONPATH=/opt/coursekit/packages exec {} "$@"\n'


def unpack(autograder: Path, root: Path) -> list[str]:
    """Unpack an autograder as Gradescope does; return the names in the zip."""
    kit = root / "opt" / "coursekit"
    for folder in (root / "source", root / "submission", root / "results", kit / "bin"):
        folder.mkdir(parents=True)
    (root / "submission_metadata.json").write_text('{"users": [], "previous_submissions": []}')
    with zipfile.ZipFile(autograder) as archive:
        archive.extractall(root / "source")
        names = archive.namelist()
    [wheel] = (root / "source" / "kit").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(kit / "packages")
    (kit / "bin" / "python").write_text(PYTHON.format(sys.executable))
    (root / "run_autograder").write_bytes((root / "source" / "run_autograder").read_bytes())
    for shown in (root, kit / "bin" / "python", root / "run_autograder"):
        shown.chmod(0o755)
    return names


def run_autograder(root: Path) -> subprocess.CompletedProcess[str]:
    """Run it as root with a container's restrictions, in a root where the folder is /autograder."""
    words = ["bwrap", "--proc", "/proc", "--dev-bind", "/dev", "/dev"]
    for path in sorted(Path("/").iterdir()):
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir() and path.name not in ("proc", "dev", "autograder", "opt"):
            words += ["--dev-bind", str(path), str(path)]
    words += ["--bind", str(root / "opt"), "/opt"]
    words += ["--bind", str(root), "/autograder", "--chdir", "/autograder"]
    words += ["--cap-add", "ALL", "--", sys.executable, str(RESTRICTIONS), "--"]
    return subprocess.run(
        [*words, "/autograder/run_autograder"],
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
