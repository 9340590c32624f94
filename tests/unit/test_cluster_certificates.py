"""A cluster's certificates: what is written, who can read it, and which files are refused."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coursekit.cli import main
from coursekit.cluster import certificates
from coursekit.cluster.addresses import read_address
from coursekit.cluster.certificates import certificate_of, invite, make_authority
from coursekit.cluster.security import read_member
from coursekit.course.assignment import SETTINGS
from coursekit.errors import CourseKitError

HOUSE = Path(__file__).resolve().parents[2]


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for name in SETTINGS:
        shutil.copy(HOUSE / name, tmp_path)
    return tmp_path


def at(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Let certificates be made so many days from now."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    monkeypatch.setattr(certificates, "_now", lambda: moment)


def test_a_cluster_begins_and_a_machine_is_invited(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(course), "cluster", "init", "--host", "fd00::7", "grader"]) == 0
    assert main(["--course", str(course), "cluster", "invite", "lab-3", "--days", "2"]) == 0
    said = capsys.readouterr().out
    assert "make worker JOIN=tls://[fd00::7]:8786 CERT=lab-3.pem" in said
    assert "coursekit cluster worker tls://[fd00::7]:8786 --certificate lab-3.pem" in said
    until = datetime.now(UTC) + timedelta(days=2)
    assert f"{until:%Y-%m-%d}" in said
    folder = course / "cluster"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    names = ("authority", "coordinator", "scheduler", "lab-3")
    assert modes == {f"{name}.pem": 0o600 for name in names}
    for name in names[1:]:
        member = read_member(folder / f"{name}.pem")
        assert member.name == name
        assert member.security().require_encryption
    # What one machine gets is not what signs.
    assert (folder / "lab-3.pem").read_text().count("PRIVATE KEY") == 2
    authority = (folder / "authority.pem").read_text()
    assert (
        authority[authority.index("-----BEGIN PRIVATE") :] not in (folder / "lab-3.pem").read_text()
    )


def test_an_authority_is_never_replaced(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_authority(course, ["grader"], silent)
    before = {file: file.read_bytes() for file in (course / "cluster").iterdir()}
    assert main(["--course", str(course), "cluster", "init"]) == 1
    told = capsys.readouterr().err
    assert "is there already" in told
    assert "hint: invite one more machine, with: coursekit cluster invite NAME" in told
    assert {file: file.read_bytes() for file in (course / "cluster").iterdir()} == before


@pytest.mark.parametrize("name", ["authority", "scheduler", "coordinator", "../x", ".x", "", "ä"])
def test_a_machine_cannot_take_any_name(course: Path, name: str) -> None:
    make_authority(course, ["grader"], silent)
    before = {file: file.read_bytes() for file in (course / "cluster").iterdir()}
    with pytest.raises(CourseKitError, match="cannot be the name of a machine"):
        invite(course, name, 7, silent)
    assert {file: file.read_bytes() for file in (course / "cluster").iterdir()} == before


def test_nobody_is_invited_without_a_cluster(course: Path) -> None:
    with pytest.raises(CourseKitError, match="coursekit cluster init"):
        invite(course, "lab-3", 7, silent)
    with pytest.raises(CourseKitError, match="grader_example"):
        make_authority(course, ["grader_example"], silent)
    assert not (course / "cluster").exists()


def test_no_certificate_outlives_its_authority(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, -364)
    make_authority(course, ["grader"], silent)
    monkeypatch.undo()
    said: list[str] = []
    invite(course, "lab-3", 7, said.append)
    assert f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}" in said[0]
    at(monkeypatch, 2)
    with pytest.raises(CourseKitError, match=r"expired on .*\n.*coursekit cluster init"):
        invite(course, "lab-4", 7, silent)


def test_other_times_are_told(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_authority(course, ["grader"], silent)
    at(monkeypatch, -9)
    invite(course, "late", 7, silent)
    at(monkeypatch, 3)
    invite(course, "early", 7, silent)
    for name, said in (
        ("late", r"late.pem expired on \d{4}-.* UTC\n.*coursekit cluster invite late$"),
        ("early", r"early.pem is not valid before \d{4}-.*clock says"),
    ):
        with pytest.raises(CourseKitError, match=said):
            read_member(certificate_of(course, name))


def test_files_of_others_are_refused(
    course: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make_authority(course, ["grader"], silent)
    own = certificate_of(course, "coordinator").read_text()
    other = tmp_path_factory.mktemp("other")
    for name in SETTINGS:
        shutil.copy(HOUSE / name, other)
    make_authority(other, ["grader"], silent)
    theirs = certificate_of(other, "coordinator").read_text()

    def parts(text: str) -> list[str]:
        return [f"-----BEGIN {part}" for part in text.split("-----BEGIN ")[1:]]

    wrong = {
        "empty": "",
        "no PEM": "secret",
        "the authority itself": certificate_of(course, "authority").read_text(),
        "no key": "".join(parts(own)[:2]),
        "another key": "".join(parts(own)[:2] + parts(theirs)[2:]),
        "another authority": parts(own)[0] + parts(theirs)[1] + parts(own)[2],
        "damaged": own.replace("M", "N"),
        "too long": own + "\n" * 100_000,
    }
    file = course / "member.pem"
    file.touch(0o600)
    file.write_text(own)
    read_member(file)
    for name, content in wrong.items():
        file.write_text(content)
        with pytest.raises(CourseKitError) as caught:
            read_member(file)
        assert "is not a certificate file of a cluster" in caught.value.message, name
    file.unlink()
    with pytest.raises(CourseKitError, match="there is no certificate file"):
        read_member(file)


def test_a_key_that_others_can_read_is_refused(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_authority(course, ["grader"], silent)
    file = certificate_of(course, "coordinator")
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(CourseKitError, match=rf"its mode is {mode:o}.*\n.*chmod 600"):
            read_member(file)
    file.chmod(0o600)
    # Every kernel reads the virtual environment, which may be the course folder.
    monkeypatch.setattr(sys, "prefix", str(course))
    with pytest.raises(CourseKitError, match=f"is in {course}.*, which students' code can read"):
        read_member(file)


def test_addresses() -> None:
    for text in ("tls://grader.example.org:8786", "tls://10.0.0.7:1", "tls://[fd00::7]:8786"):
        assert read_address(text) == text
        assert read_address(f"{text}/") == text
    for text, said in {
        "tcp://grader:8786": "not tcp://",
        "ws://grader:8786": "not ws://",
        "grader:8786": "is not the address",
        "tls://grader": "is not the address",
        "tls://": "is not the address",
        "tls://grader:0": "is not the address",
        "tls://grader:70000": "is not the address",
        "tls://10.0.0.256:8786": "is not the address",
        "tls://fd00::7:8786": "is not the address",
        "tls://me@grader:8786": "is not the address",
        "tls://grader:8786\n": "is not the address",
        "": "is not the address",
    }.items():
        with pytest.raises(CourseKitError, match=said) as caught:
            read_address(text)
        assert "tls://HOST:8786" in caught.value.hint


def test_without_the_extra_a_cluster_says_what_to_install(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("coursekit.cluster")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["--course", str(course), "cluster", "init"]) == 1
    told = capsys.readouterr().err
    assert "not installed here: distributed\n" in told
    assert "hint: install it, with: pip install 'residual-networks-course-kit[cluster]'" in told
    assert not (course / "cluster").exists()


def test_other_commands_import_nothing_of_it() -> None:
    program = (
        "import sys; from coursekit.cli import main; main(['grade', 'residual-networks-v3', "
        "'--dry-run']); print({'dask', 'distributed', 'coursekit.cluster'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True
    )
    assert ended.stdout.splitlines()[-1] == "set()", ended.stderr
