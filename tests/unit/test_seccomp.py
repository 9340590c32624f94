"""Every call of the list is refused, tried by its number on a process with all of root's rights."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit.sandbox.inside import filters, seccomp
from coursekit.sandbox.inside.system_calls import MACHINE

# What the sandbox's safety rests on: a call that leaves the code's list is missed here.
REFUSED = """
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise unshare setns
    mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick
    mount_setattr open_by_handle_at bpf perf_event_open userfaultfd add_key request_key keyctl
    io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret shmget msgget
    semget mq_open vmsplice splice tee sendfile inotify_init inotify_init1
    landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp flock io_setup
    fanotify_init syslog kexec_load init_module finit_module delete_module kexec_file_load
    reboot quotactl quotactl_fd swapon acct open_tree_attr lookup_dcookie modify_ldt iopl ioperm
    sched_setaffinity
""".split()  # noqa: SIM905 (a list of strings would be a line each)
# By their arguments: a new user namespace, a thread with files of its own, typing into a
# terminal, a lease, a lock, a larger pipe, larger buffers and filters of sockets, a filter of
# system calls, and files of its own for a thread.
BY_ARGUMENTS: list[tuple[str, *tuple[int, ...]]] = [
    ("clone", 0x10000000 | 17),
    ("clone", 0x10000 | 0x800 | 0x100),
    ("ioctl", 0, 0x5412),
    ("ioctl", 0, 0x541C),
    *(("fcntl", 0, command) for command in (6, 7, 37, 38, 1024, 1026, 1031)),
    *(("setsockopt", 0, 1, option) for option in (7, 8, 26, 32, 33, 50, 51, 52, 73)),
    ("prctl", 22),
    ("close_range", 900, 901, 2),
]
# A filter cannot read its arguments: it is as if this system had no such call.
MISSING: list[tuple[str, *tuple[int, ...]]] = [("clone3", 0, 0)]
TRY = """
import ctypes, json, os, sys
from coursekit.sandbox.inside import seccomp
from coursekit.sandbox.inside.system_calls import PR_SET_NO_NEW_PRIVS, prctl
libc = ctypes.CDLL(None, use_errno=True)
prctl(PR_SET_NO_NEW_PRIVS, 1)
seccomp.refuse_calls()
found = []
for number, *values in json.loads(sys.argv[1]):
    six = [*values, 0, 0, 0, 0, 0, 0][:6]
    here = os.getpid()
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, six))
    if os.getpid() != here:
        os._exit(0)
    found.append(ctypes.get_errno() if result < 0 else 0)
print(json.dumps(found))
"""


def numbers() -> dict[str, int]:
    """The numbers that the system's own header gives its calls."""
    for path in ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"):
        if Path(path).exists() and MACHINE == "x86_64":
            found = re.findall(r"#define __NR_(\w+) (\d+)", Path(path).read_text())
            # Headers that are older than the call do not name it.
            return {"open_tree_attr": 467} | {name: int(number) for name, number in found}
    column = list(filters.ARCHITECTURES).index(MACHINE)
    known = {name: each[column] for name, each in seccomp._REFUSED.items() if each[column] >= 0}
    pairs = [
        (name, getattr(seccomp, f"_{name.upper()}", None)) for name, *_ in (*BY_ARGUMENTS, *MISSING)
    ]
    return known | {name: each[column] for name, each in pairs if each}


@pytest.mark.skipif(not seccomp.available(), reason="this machine has no list of system calls")
def test_every_call_of_the_list_is_refused() -> None:
    known = numbers()
    calls = [*((name,) for name in REFUSED if name in known), *BY_ARGUMENTS, *MISSING]
    assert len(calls) > len(REFUSED)
    given = json.dumps([[known[name], *values] for name, *values in calls])
    done = subprocess.run([sys.executable, "-c", TRY, given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = [errno.ENOSYS if call in MISSING else errno.EPERM for call in calls]
    assert list(zip(calls, found, strict=True)) == list(zip(calls, wanted, strict=True))
