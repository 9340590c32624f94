"""Seccomp without namespaces: further calls, which namespaces would make harmless.

Landlock does not restrict them, and without namespaces they reach what is outside: other
processes of the same user, files by their names, sockets.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from coursekit.sandbox.inside.filters import (
    ALLOW,
    AND,
    ARCHITECTURES,
    EQUAL,
    FIRST,
    LOAD,
    SECOND,
    THIRD,
    Instruction,
    install,
    on_call,
    one_of,
    refuse,
)
from coursekit.sandbox.inside.system_calls import MACHINE, PR_SET_PDEATHSIG

# Numbers on x86_64 and on aarch64. Libraries make these calls and would stop at an error:
# they answer "done", and nothing is done.
_IDLE = {
    # of files that belong to the same user, or that can only be read
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
    # A folder that its owner cannot list would hide what is in it.
    "umask": (95, 166),
    # The guardian ends the kernel's group of processes, which nobody may leave.
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # of processes of the same user
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    # libzmq gives up where it is refused
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
# Programs that copy files do without them on file systems that lack them.
_LACKING = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
}
_REFUSED = {
    "file_setattr": (469, 469),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    # Open files on their way in a socket: no account shows them, and while a user has many on
    # their way, none of this user's processes can send one.
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # what others made by System V's or POSIX's names
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_unlink": (241, 181),
    # of processes by their numbers
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "process_mrelease": (448, 448),
}
_SOCKET = (41, 198)
_SOCKETPAIR = (53, 199)
_PRLIMIT = (302, 261)
_MKDIR = (83, -1)
_MKDIRAT = (258, 34)
_IOCTL = (16, 29)
_FCNTL = (72, 25)
_PRCTL = (157, 167)
_NETLINK = 16
_KIND, _STREAM = 0xF, 1
_OWNERS_RIGHTS = 0o700
# Who hears of a file's news, by the number of a process: F_SETOWN, F_SETSIG, F_SETOWN_EX.
_TELLING = (8, 10, 15)
# What asks about a terminal, or how much can be read, or changes an open file alone:
# TCGETS (with its second form), TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
_HARMLESS_CONTROL = (0x5401, 0x802C542A, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)


def refuse_further_calls() -> None:
    """Refuse the calls for this thread and its children; needs no_new_privs.

    To be done before `seccomp.refuse_calls`, which lets nobody add a filter.

    Raises:
        OSError: if the kernel refuses.
        KeyError: if the architecture's numbers are unknown.

    """
    column = list(ARCHITECTURES).index(MACHINE)
    install(_parts(column), ALLOW)


def _parts(column: int) -> Iterator[Instruction]:
    def known(calls: dict[str, tuple[int, int]]) -> list[int]:
        return [numbers[column] for numbers in calls.values() if numbers[column] >= 0]

    yield from one_of(known(_IDLE), refuse(0))
    yield from one_of(known(_LACKING), refuse(errno.EOPNOTSUPP))
    yield from one_of(known(_REFUSED), refuse(errno.EPERM))
    # The kernel listens on sockets that it has got; nobody needs to make one. libzmq looks for
    # interfaces by netlink, and takes no other error.
    yield from on_call(
        _SOCKET[column],
        (LOAD, 0, 0, FIRST),
        *one_of([_NETLINK], refuse(errno.EOPNOTSUPP)),
        refuse(errno.EAFNOSUPPORT),
    )
    # A pair that is no stream sends to any socket by its name.
    yield from on_call(
        _SOCKETPAIR[column],
        (LOAD, 0, 0, SECOND),
        (AND, 0, 0, _KIND),
        *one_of([_STREAM], ALLOW),
        refuse(errno.EPROTONOSUPPORT),
    )
    yield from on_call(
        _PRLIMIT[column], (LOAD, 0, 0, FIRST), *one_of([0], ALLOW), refuse(errno.EPERM)
    )
    for numbers, mode in ((_MKDIR, SECOND), (_MKDIRAT, THIRD)):
        if numbers[column] >= 0:
            yield from on_call(
                numbers[column],
                (LOAD, 0, 0, mode),
                (AND, 0, 0, _OWNERS_RIGHTS),
                (EQUAL, 1, 0, _OWNERS_RIGHTS),
                refuse(errno.EPERM),
                ALLOW,
            )
    yield from on_call(
        _IOCTL[column],
        (LOAD, 0, 0, SECOND),
        *one_of(_HARMLESS_CONTROL, ALLOW),
        refuse(errno.ENOTTY),
    )
    # A kernel ends with its guardian.
    yield from on_call(
        _PRCTL[column], (LOAD, 0, 0, FIRST), *one_of([PR_SET_PDEATHSIG], refuse(errno.EPERM)), ALLOW
    )
    yield from on_call(
        _FCNTL[column], (LOAD, 0, 0, SECOND), *one_of(_TELLING, refuse(errno.EPERM)), ALLOW
    )
