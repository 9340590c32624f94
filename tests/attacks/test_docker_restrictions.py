"""Both ways to be restricted as Docker does it refuse, and allow, what Docker does."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker_container
import docker_restrictions
import pytest
from docker_defaults import CAPABILITIES, MASKED_PATHS, SHARED_MEMORY
from users import ORDINARY, is_root

# Why it is not there, by the program that is run.
WHERE = {
    "restrictions": lambda user: docker_restrictions.why_not(user=user),
    "container": lambda user: docker_container.why_not(),
}
EPERM, ENOSYS = errno.EPERM, errno.ENOSYS
# A call that makes a process, or changes this one, is made with arguments that the kernel would
# refuse by EFAULT or EINVAL if the filter let them pass. Names that this machine lacks: none.
REFUSED: list[tuple[str, list[int], int]] = [
    ("unshare", [0x10000000], EPERM),
    ("setns", [0, 0], EPERM),
    ("mount", [0, 0, 0, 0, 0], EPERM),
    ("clone", [0x10000000 | 17], EPERM),
    ("clone3", [0, 0], ENOSYS),
    ("keyctl", [0], EPERM),
    ("add_key", [0], EPERM),
    ("userfaultfd", [0], EPERM),
    ("io_uring_setup", [1, 0], EPERM),
    ("bpf", [0], EPERM),
    ("perf_event_open", [0], EPERM),
    ("pivot_root", [0, 0], EPERM),
    ("open_by_handle_at", [0], EPERM),
    ("kcmp", [0], EPERM),
    ("pidfd_getfd", [0], EPERM),
    ("socket", [38, 5, 0], EPERM),
    ("socket", [40, 1, 0], EPERM),
    ("personality", [0x40000], EPERM),
]
ALLOWED: list[tuple[str, list[int | str]]] = [
    ("ptrace", [0, 0, 0, 0]),  # PTRACE_TRACEME
    ("memfd_create", ["x", 0]),
    ("landlock_create_ruleset", [0, 0, 1]),  # asks for the version
    ("socket", [1, 1, 0]),
    ("socket", [2, 1, 0]),
    ("personality", [0xFFFFFFFF]),
    ("shmget", [0, 4096, 0o600]),
    ("pidfd_open", [1, 0]),
]
TRY = """
import ctypes, json, os, sys
libc, known = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
found = []
for name, values in json.loads(sys.argv[1]):
    number = known.seccomp_syscall_resolve_name(name.encode())
    six = [each.encode() if isinstance(each, str) else ctypes.c_ulong(each) for each in values]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *six, *[ctypes.c_ulong(0)] * (6 - len(six)))
    found.append(ctypes.get_errno() if result < 0 else 0)
ctypes.set_errno(0)
unknown = libc.syscall(ctypes.c_long(999)), ctypes.get_errno()
with open("/proc/self/status") as stream:
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in stream)}
shm = os.statvfs("/dev/shm")
print(json.dumps({
    "calls": found, "unknown": unknown, "status": status, "user": os.getuid(),
    "shm": shm.f_blocks * shm.f_frsize,
    "shown": [path for path in json.loads(sys.argv[2])
              if os.path.isfile(path) and os.access(path, os.R_OK) and open(path, "rb").read(1)],
    "writable": [path for path in ("/proc/sys/kernel/domainname", "/sys/kernel/profiling")
                 if os.access(path, os.W_OK)],
}))
"""


@pytest.mark.parametrize("who", ["root", "user"])
@pytest.mark.parametrize("where", ["restrictions", "container"])
def test_refused_and_allowed_is_what_docker_does(where: str, who: str) -> None:
    user = who == "user"
    if why := WHERE[where](user):
        pytest.skip(why)
    calls: list[tuple[str, Any]] = [*((name, values) for name, values, _ in REFUSED), *ALLOWED]
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name(f"docker_{where}.py")),
            *(["--user"] if user else []),
            "--",
            sys.executable,
            "-c",
            TRY,
            json.dumps(calls),
            json.dumps(MASKED_PATHS),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    wanted = [*(number for *_, number in REFUSED), *([0] * len(ALLOWED))]
    assert list(zip(calls, found["calls"], strict=True)) == list(zip(calls, wanted, strict=True))
    assert found["unknown"] == [-1, ENOSYS]
    status = found["status"]
    assert status["Seccomp"] == "2"
    if not is_root():
        return
    kept = sum(1 << number for number in CAPABILITIES.values())
    assert kept == 0xA80425FB
    assert found["user"] == (ORDINARY if user else 0)
    assert int(status["CapBnd"], 16) == kept
    for kind in ("CapPrm", "CapEff"):
        assert int(status[kind], 16) == (0 if user else kept)
    for kind in ("CapInh", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert status["NoNewPrivs"] == "0"
    assert found["shm"] == SHARED_MEMORY
    assert found["shown"] == []
    assert found["writable"] == []
