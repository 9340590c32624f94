"""Seccomp: refuse system calls that no student's notebook needs.

A deny-list inside a sandbox: it removes ways to attack the kernel, and what
namespaces and limits do not cover (vsock, memory without a mapping, locks, protocols
whose drivers the kernel would load first).
"""

from __future__ import annotations

import errno

from coursekit.sandbox.inside.filters import (
    ALLOW,
    ANY_BIT,
    ARCHITECTURES,
    EQUAL,
    FIRST,
    FOURTH,
    LOAD,
    PR_SET_SECCOMP,
    SECOND,
    THIRD,
    Instruction,
    install,
    on_call,
    one_of,
    refuse,
)
from coursekit.sandbox.inside.system_calls import MACHINE

# numbers on x86_64 and on aarch64, as in `ARCHITECTURES`
_REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Memory that belongs to no process, so that no limit counts it.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "vmsplice": (278, 75),
    # A socket or pipe then keeps whole pages, and counts single bytes of them.
    "splice": (275, 76),
    "tee": (276, 77),
    "sendfile": (40, 71),
    # Each of a directory's watchers keeps a copy of every event.
    "inotify_init": (253, -1),
    "inotify_init1": (294, 26),
    # Rules and filters, as many as one likes. Ours are in force already.
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "seccomp": (317, 277),
    # It works on the machine's own files, which the sandbox shows.
    "flock": (73, 32),
    # Submissions that are graded side by side have cores of their own.
    "sched_setaffinity": (203, 122),
    # Shared by the whole machine, up to a limit that one process can reach.
    "io_setup": (206, 0),
    "fanotify_init": (300, 262),
    "syslog": (103, 116),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "acct": (163, 89),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, -1),
    "iopl": (172, -1),
    "ioperm": (173, -1),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_CLOSE_RANGE = (436, 436)
_SOCKET = (41, 198)
_SOCKETPAIR = (53, 199)
_SETSOCKOPT = (54, 208)
_MMAP = (9, 222)
_IOCTL = (16, 29)
_FCNTL = (72, 25)
_PRCTL = (157, 167)
_NEW_NAMESPACES = 0x7E020000
_THREAD, _SAME_FILES = 0x10000, 0x400
_UNSHARE_FILES = 2
_SHARED, _ANONYMOUS = 0x01, 0x20
_UNIX = 1
# By family. TCP and UDP have no use without a network, and could hold much memory.
_PROTOCOLS = {
    _UNIX: (0, 1),
    16: (0,),  # netlink for routes, which libraries ask for
}
_SOL_SOCKET = 1
# The sizes of a socket's buffers, with and without force, and its filters.
_SOCKET_MEMORY = (7, 8, 32, 33, 26, 50, 51, 52, 73)
# A lease keeps others from opening a file of ours, each time for 45 s; since Linux 6.19 there
# are such for folders. Locks, which work on
# the machine's own files too, are of no limited number; nor are notes on folders. A pipe can
# be made to hold 16 times as much.
_KEPT_FROM_FILES = (1024, 1040, 6, 7, 37, 38, 1026, 1031)
# A process can ask for a table of any size, which no account shows (PR_FUTEX_HASH).
_FUTEX_TABLE = 78
_FAKE_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into a terminal


def available() -> bool:
    """Return whether this machine's system calls are known here."""
    return MACHINE in ARCHITECTURES


def refuse_calls() -> None:
    """Refuse the calls for this thread and its children; needs no_new_privs.

    On an architecture whose numbers are unknown, nothing happens.

    Raises:
        OSError: if the kernel refuses.

    """
    if available():
        install(_parts(list(ARCHITECTURES).index(MACHINE)), ALLOW)


def _parts(column: int) -> list[Instruction]:
    def on_family(family: int, protocols: tuple[int, ...]) -> list[Instruction]:
        by_protocol = [*one_of(protocols, ALLOW), refuse(errno.EPROTONOSUPPORT)]
        return one_of([family], (LOAD, 0, 0, THIRD), *by_protocol)

    def refusing(argument: int, values: tuple[int, ...]) -> list[Instruction]:
        return [(LOAD, 0, 0, argument), *one_of(values, refuse(errno.EPERM)), ALLOW]

    return [
        # A filter cannot read its arguments; the C library then uses clone.
        *on_call(_CLONE3[column], refuse(errno.ENOSYS)),
        *on_call(
            _CLONE[column],
            (LOAD, 0, 0, FIRST),
            (ANY_BIT, 0, 1, _NEW_NAMESPACES),
            refuse(errno.EPERM),
            # A thread with open files of its own: no account shows them.
            (ANY_BIT, 0, 2, _THREAD),
            (ANY_BIT, 1, 0, _SAME_FILES),
            refuse(errno.EPERM),
            ALLOW,
        ),
        *on_call(
            _CLOSE_RANGE[column],
            (LOAD, 0, 0, THIRD),
            (ANY_BIT, 0, 1, _UNSHARE_FILES),
            refuse(errno.EPERM),
            ALLOW,
        ),
        *on_call(
            _SOCKET[column],
            (LOAD, 0, 0, FIRST),
            *(each for pair in _PROTOCOLS.items() for each in on_family(*pair)),
            refuse(errno.EAFNOSUPPORT),
        ),
        *on_call(
            _SOCKETPAIR[column],
            (LOAD, 0, 0, FIRST),
            *one_of([_UNIX], ALLOW),
            refuse(errno.EAFNOSUPPORT),
        ),
        # Shared memory without a file stays when a process releases its pages, and no
        # account shows it. On the private disk it is counted.
        *on_call(
            _MMAP[column],
            (LOAD, 0, 0, FOURTH),
            (ANY_BIT, 0, 2, _ANONYMOUS),
            (ANY_BIT, 0, 1, _SHARED),
            refuse(errno.EPERM),
            ALLOW,
        ),
        *on_call(
            _SETSOCKOPT[column],
            (LOAD, 0, 0, SECOND),
            (EQUAL, 1, 0, _SOL_SOCKET),
            ALLOW,
            *refusing(THIRD, _SOCKET_MEMORY),
        ),
        *on_call(_IOCTL[column], *refusing(SECOND, _FAKE_INPUT)),
        *on_call(_FCNTL[column], *refusing(SECOND, _KEPT_FROM_FILES)),
        *on_call(_PRCTL[column], *refusing(FIRST, (PR_SET_SECCOMP, _FUTEX_TABLE))),
        *one_of(
            (numbers[column] for numbers in _REFUSED.values() if numbers[column] >= 0),
            refuse(errno.EPERM),
        ),
    ]
