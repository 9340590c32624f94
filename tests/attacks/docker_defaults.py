"""What a Docker engine allows a container that is started with its default settings.

From moby: the seccomp profile of github.com/moby/profiles at commit 02e898b (2026), the
capabilities, mounts and hidden paths of Docker 28. Only what concerns 64-bit programs on x86_64
and aarch64 is here.
"""

from __future__ import annotations

import ctypes
import errno
from functools import cache
from typing import Any

from coursekit.sandbox.inside.filters import (
    ALLOW,
    ANY_BIT,
    AT_LEAST,
    FIRST,
    LOAD,
    Instruction,
    on_call,
    one_of,
    refuse,
)
from coursekit.sandbox.inside.system_calls import MACHINE

# With their numbers.
CAPABILITIES = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_FSETID": 4,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_RAW": 13,
    "CAP_SYS_CHROOT": 18,
    "CAP_MKNOD": 27,
    "CAP_AUDIT_WRITE": 29,
    "CAP_SETFCAP": 31,
}
MASKED_PATHS = """
    /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats
    /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats
    /sys/devices/virtual/powercap /sys/firmware
""".split()  # noqa: SIM905 (a list of strings would be a line each)
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
SHARED_MEMORY = 64 << 20

# All others are refused with EPERM; those that are newer than all of these with ENOSYS.
_ALLOWED = """
    accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown
    clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect
    copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
    epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
    exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat
    fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
    fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
    futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid
    getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
    getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
    getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
    io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set
    kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link
    linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat
    madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
    mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
    mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
    name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal
    pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64
    process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
    recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
    restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler
    sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
    set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer
    setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid
    setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
    socketpair splice stat statfs statmount statx symlink symlinkat sync sync_file_range syncfs
    sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
    timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat
    uretprobe utime utimensat utimes vfork vmsplice wait4 waitid write writev
    process_vm_readv process_vm_writev ptrace
    chroot
""".split()  # noqa: SIM905
# Runc kills what makes a call of another architecture.
_ARCHITECTURES = {"x86_64": ["X86_64", "X86", "X32"], "aarch64": ["AARCH64", "ARM"]}
_ALLOWED_BY_MACHINE = {"x86_64": ["arch_prctl", "modify_ldt"], "aarch64": []}
# By their first argument. Sockets: all families below 12, and these; not those of DECnet, Econet,
# ATM's signalling, IrDA, Wanpipe, ISDN, CAIF, the kernel's cryptography and virtual machines.
_FAMILIES_BELOW = 12
_FAMILIES = [*range(13, 19), 21, 22, 24, *range(26, 34), 35, 36, 39, *range(41, 46)]
_PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xFFFFFFFF]
_NEW_NAMESPACES = 0x7E020000
# Newer than libseccomp 2.5.4 (Debian 12), which cannot name them; one number everywhere.
_NEWER_CALLS = {
    "cachestat": 451,
    "fchmodat2": 452,
    "map_shadow_stack": 453,
    "futex_wake": 454,
    "futex_wait": 455,
    "futex_requeue": 456,
    "statmount": 457,
    "listmount": 458,
    "mseal": 462,
    "setxattrat": 463,
    "getxattrat": 464,
    "listxattrat": 465,
    "removexattrat": 466,
} | ({"uretprobe": 335} if MACHINE == "x86_64" else {})
_UNKNOWN = -1
_MOST_SKIPPED = 255


@cache
def _libseccomp() -> ctypes.CDLL:
    return ctypes.CDLL("libseccomp.so.2")


def why_no_numbers() -> str:
    """Why the calls' numbers cannot be found here; "" if they can."""
    if MACHINE not in _ALLOWED_BY_MACHINE:
        return f"Docker's list of system calls is not written down for {MACHINE}"
    try:
        _libseccomp()
    except OSError:
        return "no libseccomp.so.2, which knows the calls' numbers; try: apt install libseccomp2"
    return ""


def _number(name: str) -> int | None:
    """A call's number here; None if this machine has no such call."""
    number = _libseccomp().seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN:
        return _NEWER_CALLS.get(name)
    return number if number >= 0 else None


def instructions() -> list[Instruction]:
    """Docker's seccomp profile, to be installed with `otherwise`."""

    def known(*names: str) -> list[int]:
        return [number for name in names if (number := _number(name)) is not None]

    allowed = known(*_ALLOWED, *_ALLOWED_BY_MACHINE[MACHINE])
    clone, clone3, socket, personality = known("clone", "clone3", "socket", "personality")
    permit = refuse(errno.EPERM)
    pieces = (
        allowed[start : start + _MOST_SKIPPED] for start in range(0, len(allowed), _MOST_SKIPPED)
    )
    return [
        *(each for piece in pieces for each in one_of(piece, ALLOW)),
        *on_call(clone, (LOAD, 0, 0, FIRST), (ANY_BIT, 0, 1, _NEW_NAMESPACES), permit, ALLOW),
        *on_call(clone3, refuse(errno.ENOSYS)),
        *on_call(
            socket,
            (LOAD, 0, 0, FIRST),
            (AT_LEAST, 1, 0, _FAMILIES_BELOW),
            ALLOW,
            *one_of(_FAMILIES, ALLOW),
            permit,
        ),
        *on_call(personality, (LOAD, 0, 0, FIRST), *one_of(_PERSONALITIES, ALLOW), permit),
        # As runc does, so that programs fall back to older calls.
        (AT_LEAST, 0, 1, max(allowed) + 1),
        refuse(errno.ENOSYS),
    ]


OTHERWISE = refuse(errno.EPERM)


def oci_profile() -> dict[str, Any]:
    """The same profile as runc reads it."""

    def on_first(name: str, value: int, comparison: str = "SCMP_CMP_EQ") -> dict[str, Any]:
        argument: dict[str, Any] = {"index": 0, "value": value, "op": comparison}
        if comparison == "SCMP_CMP_MASKED_EQ":
            argument["valueTwo"] = 0
        return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument]}

    missing = {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    names = [*_ALLOWED, *_ALLOWED_BY_MACHINE[MACHINE]]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": [f"SCMP_ARCH_{name}" for name in _ARCHITECTURES[MACHINE]],
        "syscalls": [
            {"names": names, "action": "SCMP_ACT_ALLOW"},
            on_first("socket", _FAMILIES_BELOW, "SCMP_CMP_LT"),
            *(on_first("socket", family) for family in _FAMILIES),
            *(on_first("personality", value) for value in _PERSONALITIES),
            on_first("clone", _NEW_NAMESPACES, "SCMP_CMP_MASKED_EQ"),
            missing,
        ],
    }
