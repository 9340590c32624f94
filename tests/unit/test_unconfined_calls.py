"""Calls that namespaces would make harmless are refused, or do nothing, one by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit.sandbox.inside import seccomp

pytestmark = pytest.mark.skipif(
    not seccomp.available(), reason="this machine has no list of system calls"
)

# Each line ends in what came of it: an error's name, or a value.
TRY = """
import ctypes, errno, fcntl, json, os, resource, socket, struct, sys, termios
from coursekit.sandbox.inside import seccomp
from coursekit.sandbox.inside.system_calls import PR_SET_NO_NEW_PRIVS, prctl
from coursekit.sandbox.inside.unconfined_calls import refuse_further_calls
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
open("file", "w").close()
listening = socket.socket(socket.AF_UNIX)
waiting = socket.socket(socket.AF_UNIX)
above = os.getppid()
prctl(PR_SET_NO_NEW_PRIVS, 1)
refuse_further_calls()
seccomp.refuse_calls()
mode = lambda: oct(os.stat("file").st_mode & 0o777)
def pair(kind):
    return [each.close() for each in socket.socketpair(socket.AF_UNIX, kind)] and "made"
def called(name, *values):
    if getattr(libc, name)(*values) < 0:
        raise OSError(ctypes.get_errno(), name)
    return "done"
def group():
    os.setpgid(0, 0) if os.getpgid(0) != os.getpid() else None
    child = os.fork()
    if not child:
        os.setsid(); os.setpgid(0, 0)
        os._exit(os.getpgid(0) == os.getpid() or os.getsid(0) == os.getpid())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
found = {}
for name, attempt in {
    "chmod": lambda: os.chmod("file", 0o600) or mode(),
    "fchmod": lambda: os.fchmod(os.open("file", os.O_RDONLY), 0o600) or mode(),
    "chown": lambda: os.chown("file", 12345, 12345) or os.stat("file").st_uid == os.getuid(),
    "utime": lambda: os.utime("file", (1, 1)) or os.stat("file").st_mtime > 1,
    "umask": lambda: os.umask(0o777) * 0 or os.mkdir("open") or oct(os.stat("open").st_mode),
    "a folder that cannot be listed": lambda: os.mkdir("closed", 0o300),
    "the same from a folder": lambda: os.mkdir("closed", 0o300, dir_fd=os.open(".", os.O_RDONLY)),
    "leaving the group": group,
    "setpriority": lambda: os.setpriority(0, 0, 5) or os.getpriority(0, 0),
    "setxattr": lambda: os.setxattr("file", "user.a", b"b"),
    "removexattr": lambda: os.removexattr("file", "user.a"),
    "socket": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "connect": lambda: waiting.connect("nowhere"),
    "bind": lambda: listening.bind("here"),
    "listen": lambda: listening.listen(),
    "a pair of streams": lambda: pair(socket.SOCK_STREAM),
    "a pair of datagrams": lambda: pair(socket.SOCK_DGRAM),
    "a pair of packets": lambda: pair(socket.SOCK_SEQPACKET),
    "own limits": lambda: resource.prlimit(0, resource.RLIMIT_CORE) and "seen",
    "limits of another": lambda: resource.prlimit(above, resource.RLIMIT_CORE),
    "end with the guardian": lambda: called("prctl", 1, 0, 0, 0, 0),
    "owner of news": lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, above),
    "signal of news": lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETSIG, 9),
    "what can be read": lambda: struct.unpack("i", fcntl.ioctl(os.pipe()[0], termios.FIONREAD,
                                                              bytes(4)))[0],
    "flags of a file": lambda: fcntl.ioctl(os.open("file", os.O_RDONLY), 0x80086601, bytes(8)),
    "shmat": lambda: called("shmat", 0, None, 0),
    "shmctl": lambda: called("shmctl", 0, 0, None),
    "semop": lambda: called("semop", 0, None, 0),
    "semctl": lambda: called("semctl", 0, 0, 0),
    "msgsnd": lambda: called("msgsnd", 0, b"", 0, 0),
    "msgrcv": lambda: called("msgrcv", 0, None, 0, 0, 0),
    "msgctl": lambda: called("msgctl", 0, 0, None),
    "mq_unlink": lambda: called("mq_unlink", b"/coursekit"),
    "another list of calls": lambda: called("prctl", 22, 2, 0, 0, 0),
}.items():
    try:
        found[name] = attempt()
    except OSError as error:
        found[name] = errno.errorcode[error.errno]
print(json.dumps(found))
"""
WANTED = {
    "chmod": "0o644",
    "fchmod": "0o644",
    "chown": True,
    "utime": True,
    "umask": "0o40755",
    "a folder that cannot be listed": "EPERM",
    "the same from a folder": "EPERM",
    "leaving the group": 0,
    "setpriority": 0,
    "setxattr": "EPERM",
    "removexattr": "EPERM",
    "socket": "EAFNOSUPPORT",
    "netlink": "ENOTSUP",
    "connect": "EPERM",
    "bind": "EPERM",
    "listen": "EPERM",
    "a pair of streams": "made",
    "a pair of datagrams": "EPROTONOSUPPORT",
    "a pair of packets": "EPROTONOSUPPORT",
    "own limits": "seen",
    "limits of another": "EPERM",
    "end with the guardian": "EPERM",
    "owner of news": "EPERM",
    "signal of news": "EPERM",
    "what can be read": 0,
    "flags of a file": "ENOTTY",
    **dict.fromkeys(("shmat", "shmctl", "semop", "semctl", "msgsnd", "msgrcv", "msgctl"), "EPERM"),
    "mq_unlink": "EACCES",  # the C library's word for it
    "another list of calls": "EPERM",
}


def test_every_call_is_refused_or_idle(tmp_path: Path) -> None:
    words = [sys.executable, "-c", TRY, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, umask=0o022)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == WANTED
