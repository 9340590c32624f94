"""The scheduler opens one port, and answers nobody there without a certificate of its cluster."""

from __future__ import annotations

import asyncio
import shutil
import signal
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client, Security
from distributed.comm.core import connect

from coursekit.cluster import certificates
from coursekit.cluster.certificates import certificate_of, invite, make_authority
from coursekit.cluster.scheduler import start_scheduler
from coursekit.cluster.security import read_member
from coursekit.course.assignment import SETTINGS
from coursekit.errors import CourseKitError

HOUSE = Path(__file__).resolve().parents[2]
_COMMAND = "import sys; from coursekit.cli import main; sys.exit(main())"


def silent(line: str) -> None:
    """Say nothing."""


def begin(course: Path) -> Path:
    for name in SETTINGS:
        shutil.copy(HOUSE / name, course)
    make_authority(course, ["grader"], silent)
    return course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a cluster and a machine whose certificate has expired."""
    made = begin(tmp_path_factory.mktemp("course"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "_now", lambda: datetime.now(UTC) - timedelta(days=9))
        invite(made, "late", 7, silent)
    return made


def context(file: Path | None) -> ssl.SSLContext:
    """What a program connects with that does not care who is at the other end."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if file:
        made.load_cert_chain(file)
    return made


async def first_bytes(port: int, tls: ssl.SSLContext) -> bytes:
    """What the scheduler says first, to those whom it lets in."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        return await reader.read(8)
    except OSError:
        return b""
    finally:
        if writer:
            writer.transport.abort()


def listening() -> set[tuple[str, int]]:
    """Where this process listens."""
    found = psutil.Process().net_connections("inet")
    return {tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN}


def test_only_members_connect(course: Path, tmp_path: Path) -> None:
    stranger = certificate_of(begin(tmp_path), "coordinator")
    member = read_member(certificate_of(course, "scheduler"))
    coordinator = certificate_of(course, "coordinator")

    # What somebody has set up for another cluster of Dask's changes nothing here.
    theirs = {
        "distributed.comm.require-encryption": False,
        "distributed.comm.tls.max-version": 1.2,
        "distributed.comm.tls.ciphers": "no-such-cipher",
        "distributed.comm.default-scheme": "tcp",
        "distributed.scheduler.http.routes": ["no.such.module"],
        "distributed.scheduler.preload": ["no.such.module"],
    }

    async def try_all() -> None:
        before = listening()
        async with await start_scheduler(member, "127.0.0.1", 0) as scheduler:
            port = int(scheduler.address.rpartition(":")[2])
            assert scheduler.address == f"tls://127.0.0.1:{port}"
            assert listening() - before == {("127.0.0.1", port)}
            assert len(await first_bytes(port, context(coordinator))) == 8
            assert await first_bytes(port, context(None)) == b""
            assert await first_bytes(port, context(stranger)) == b""
            assert await first_bytes(port, context(certificate_of(course, "late"))) == b""
            older = context(coordinator)
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            assert await first_bytes(port, older) == b""
            with pytest.raises(OSError):
                await connect(f"tcp://127.0.0.1:{port}", timeout=1)
            # Nor does a participant talk to a scheduler that is not of its cluster.
            arguments = read_member(stranger).security().get_connection_args("client")
            with pytest.raises(OSError):
                await connect(scheduler.address, timeout=0.2, **arguments)
            # Nor does one that forgot its certificate speak in the clear.
            arguments = Security().get_connection_args("client")
            with pytest.raises(RuntimeError, match="encryption required"):
                await connect(f"tcp://127.0.0.1:{port}", timeout=1, **arguments)
            security = read_member(coordinator).security()
            async with Client(scheduler.address, security=security, asynchronous=True) as client:
                assert (await client.scheduler.identity())["address"] == scheduler.address

    with dask.config.set(theirs):
        asyncio.run(try_all())


def test_where_nothing_can_listen_is_told(course: Path) -> None:
    member = read_member(certificate_of(course, "scheduler"))

    async def try_all() -> None:
        async with await start_scheduler(member, "127.0.0.1", 0) as scheduler:
            port = int(scheduler.address.rpartition(":")[2])
            for host, taken, said in (
                ("127.0.0.1", port, rf"port {port} of 127.0.0.1 is in use .*\n.*--port {port + 1}"),
                ("0.0.0.0", 0, "0.0.0.0 would open the scheduler to every network"),
                ("192.0.2.1", 0, "192.0.2.1 is not a name or address of this machine"),
                ("no-such-host.invalid", 0, "is not a name or address of this machine"),
            ):
                with pytest.raises(CourseKitError, match=said):
                    await start_scheduler(member, host, taken)

    asyncio.run(try_all())


def test_the_command_ends_in_order(course: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "cluster", "scheduler", "--port", "0"],
        cwd=course,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline().startswith("the scheduler serves at tls://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
    finally:
        process.kill()
    assert told == "error: interrupted\nhint: run the command again\n"
    assert process.returncode == 130
