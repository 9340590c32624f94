"""A PostgreSQL server of the tests' own: Debian's programs, on a Unix socket alone."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

# Where Debian keeps the programs, a folder for each version.
_VERSIONS = Path("/usr/lib/postgresql")
_READY = b"database system is ready to accept connections"
# Whom the server asks for a password.
USER, PASSWORD = "ada", "100%41 @/?:#"
_ACCESS = f"local all {USER} scram-sha-256\nlocal all all trust\n"
_SETTINGS = {
    "listen_addresses": "",
    # What a test has written need not outlive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "lc_messages": "C",
    "deadlock_timeout": "10ms",
    "max_connections": "30",
}


def programs() -> Path | None:
    """Return the folder of the newest server's programs; None if this machine has none."""
    found = [path.parent for path in _VERSIONS.glob("*/bin/initdb")]
    named = shutil.which("initdb")
    newest = max(found, key=lambda path: float(path.parent.name), default=None)
    return newest or (Path(named).parent if named else None)


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        folder: where its socket is.

    """

    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def connect(self, database: str = "postgres", **more: Any) -> psycopg.Connection[Any]:
        """Open a connection in which each statement counts at once."""
        return psycopg.connect(
            host=str(self.folder), user="owner", dbname=database, autocommit=True, **more
        )

    def database(self, template: str = "template1") -> str:
        """Make a database, as a copy of another one; return its name."""
        name = f"course{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def address(self, database: str, user: str = "owner", password: str = "") -> str:
        """Return a database's address, as nbgrader_config.py names it."""
        known = f"{user}:{quote(password, safe='')}" if password else user
        return f"postgresql://{known}@/{database}?host={quote(str(self.folder), safe='')}"


@contextlib.contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """Start a server with data of its own; end it, and remove them."""
    # Not below pytest's folder: there the path of a socket would be too long.
    folder = Path(tempfile.mkdtemp(prefix="coursekit-postgresql-", dir="/tmp"))
    try:
        user = _user()
        if user:
            shutil.chown(folder, user["user"], user["group"])
        run: dict[str, Any] = {**user, "cwd": folder}
        start: list[str | Path] = [
            programs / "initdb",
            "--pgdata=data",
            "--username=owner",
            "--auth=trust",
        ]
        start += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, **run)
        (folder / "data" / "pg_hba.conf").write_text(_ACCESS)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command: list[str | Path] = [programs / "postgres", "-D", "data", "-k", folder]
        if shutil.which("setpriv"):
            # However the tests end, it ends with them.
            command = ["setpriv", "--pdeathsig=QUIT", *command]
        with subprocess.Popen([*command, *settings], stderr=subprocess.PIPE, **run) as process:
            assert process.stderr is not None
            try:
                said = []
                for line in process.stderr:
                    said.append(line)
                    if _READY in line:
                        break
                else:
                    raise AssertionError(b"".join(said).decode())
                threading.Thread(target=process.stderr.read, daemon=True).start()
                server = Server(folder)
                with server.connect() as connection:
                    quoted = PASSWORD.replace("'", "''")
                    connection.execute(f"CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{quoted}'")
                yield server
            finally:
                # At once, whoever is connected and whatever is not on the disk.
                process.send_signal(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> dict[str, Any]:
    """The user that the server runs as: it refuses to run as root."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    found = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
