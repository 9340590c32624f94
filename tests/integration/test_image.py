"""The image of the Containerfile: built, and a course made and graded in it.

It takes ten minutes, and the network, so only where asked for:

    python -m pytest tests/integration/test_image.py --image-base debootstrap

The base is an image's name, or "debootstrap": a Debian that is made here, where no registry of
images can be reached. Needs root, buildah, podman and runc.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COURSE = Path(__file__).resolve().parents[2]
CERTIFICATES = "/etc/ssl/certs"
OWNER = 4242


class Engine:
    """Builds and runs images in a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._store = ["--root", f"{folder}/images", "--runroot", f"{folder}/running"]

    def build(self, *words: str) -> str:
        """What buildah prints; it shares its store with podman."""
        return _output("buildah", *self._store, *words)

    def run(self, *words: str) -> str:
        """What a container prints, with Podman's default restrictions and no network."""
        return _output(
            *("podman", *self._store, "--runtime", "runc", "--cgroup-manager", "cgroupfs"),
            *("run", "--rm", "--network", "none"),
            # Podman's defaults are more than a machine may allow.
            *("--ulimit", "nofile=8192:8192", "--ulimit", "nproc=8192:8192"),
            *words,
        )


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, cwd=COURSE)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that has built the image."""
    base = request.config.getoption("--image-base")
    if not base:
        pytest.skip("building the image takes ten minutes; try: --image-base debootstrap")
    missing = [each for each in ("buildah", "podman", "runc") if not shutil.which(each)]
    if missing or os.getuid():
        pytest.skip(f"building the image needs root, and: {' '.join(missing)}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        folder = Path(made)
        found = Engine(folder)
        try:
            if base == "debootstrap":
                base = _made_base(found, folder / "base")
            found.build(
                *("bud", "--isolation", "chroot", "--network", "host"),
                *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro", "--build-arg", f"BASE={base}"),
                *("--file", "Containerfile", "--tag", "coursekit", "."),
            )
            yield found
        finally:
            found.build("rmi", "--all", "--force")
            subprocess.run(["umount", folder / "images" / "overlay"], capture_output=True)


def _made_base(engine: Engine, folder: Path) -> str:
    """Make an image of Debian with Python and pip; return its name."""
    packages = "python3,python3-pip,ca-certificates"
    _output("debootstrap", "--variant=minbase", f"--include={packages}", "trixie", str(folder))
    container = engine.build("from", "scratch").strip()
    engine.build("add", "--quiet", container, str(folder), "/")
    engine.build("commit", "--quiet", "--rm", container, "localhost/base")
    shutil.rmtree(folder)
    return "localhost/base"


def test_a_course_is_made_and_graded_in_the_image(engine: Engine, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    course = tmp_path / "course"
    course.mkdir()
    os.chown(course, OWNER, OWNER)
    mine = ["--volume", f"{course}:/course", "--user", f"{OWNER}:{OWNER}", "localhost/coursekit"]
    strict = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    strict += ["--security-opt", "no-new-privileges"]

    assert "grading uses landlock" in engine.run("localhost/coursekit")
    engine.run(*mine, "init", ".")
    engine.run(*strict, *mine, "demo")

    verdicts = [
        json.loads(path.read_text())
        for path in course.glob("build/demo/autograded/*/*/*.verdict.json")
    ]
    assert len(verdicts) == 10
    assert {each["isolation"] for each in verdicts} == {"landlock (your user)"}
    assert {path.lstat().st_uid for path in course.rglob("*")} == {OWNER}


def test_the_image_is_small_and_has_no_compiler(engine: Engine) -> None:
    (found,) = json.loads(engine.build("images", "--json", "localhost/coursekit"))
    assert float(found["size"].split()[0]) < 2.8 and found["size"].endswith("GB")
    looked = "command -v cc gcc g++ make ld; id -u; test -w /opt/coursekit || echo locked"
    said = engine.run("--entrypoint", "sh", "localhost/coursekit", "-c", looked)
    assert said.split() == ["10001", "locked"]
