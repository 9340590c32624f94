"""The attacks: each a few lines that end in an expression, true if the attack succeeds.

`T` tells what is to be reached: a course, a home and sockets that the session
made for the purpose, and the conductor's process. Names that every attack may
use come first, in `PREPARATION`.
"""

from __future__ import annotations

from dataclasses import dataclass

PREPARATION = """
import ctypes, glob, os, signal, socket, stat, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def reads(path):
    with open(path, "rb") as stream:
        return bool(stream.read(16))
def writes(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab") as stream:
        stream.write(b"x")
    return True
def call(number, *values):
    return libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, values)) >= 0
def connects(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(2)
        line.connect(address)
    return True
def memory_of(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if rights[0] == "r" and "[heap]" in line:
                start, end = (int(each, 16) for each in place.split("-"))
                memory.seek(start)
                return bool(memory.read(16))
    return False
"""


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        claim: what it disproves if it succeeds.
        code: Python that ends in an expression, true if it succeeds.
        no_control: why it need not succeed without a sandbox; "" if it must.
        path: the machine's file that it writes to: this file counts, because in a
            sandbox the same path may be a private file.
        harmful: whether it would harm this machine, and is never tried without a sandbox.

    """

    claim: str
    code: str
    no_control: str = ""
    path: str = ""
    harmful: bool = False


_KERNEL = "depends on the kernel's settings"
_ALWAYS = "does not succeed at any level"
_ROOT = "only root can do it without a sandbox"

ATTACKS: dict[str, Attack] = {
    # Reading
    "gradebook": Attack("the gradebook cannot be read", "reads(T['course'] + '/gradebook.db')"),
    "hidden tests": Attack(
        "hidden tests cannot be read", "reads(T['course'] + '/grader_tests/a/hidden.py')"
    ),
    "source": Attack("solutions cannot be read", "reads(T['course'] + '/source/a/a.ipynb')"),
    "submission of another": Attack(
        "others' submissions cannot be read", "reads(T['course'] + '/submitted/bob/a/a.ipynb')"
    ),
    "course folder": Attack("the course cannot be seen", "bool(os.listdir(T['course']))"),
    "kit's own judge": Attack(
        "only the kernel's part of the kit can be seen",
        "import coursekit, pathlib\n"
        "bool(list(pathlib.Path(coursekit.__file__).parent.glob('judge')))",
    ),
    "home": Attack("the instructor's home cannot be read", "reads(T['home'] + '/.netrc')"),
    "temporary files": Attack(
        "the machine's temporary files cannot be seen", "bool(os.listdir(T['temporary']))"
    ),
    "users": Attack("the machine's users cannot be seen", "reads('/etc/passwd')"),
    "other kernels' sockets": Attack(
        "no kernel's sockets can be seen", "bool(glob.glob('/tmp/coursekit-line-*'))"
    ),
    "machine": Attack("the machine's name cannot be seen", "os.uname().nodename == T['machine']"),
    "system": Attack("/sys cannot be seen", "bool(os.listdir('/sys'))"),
    "secret in own environment": Attack(
        "the conductor's environment is not handed on", "'COURSE_SECRET' in os.environ", _ALWAYS
    ),
    "processes": Attack(
        "others' processes cannot be seen",
        "bytes(T['word'], 'ascii') in open(f'/proc/{T[\"pid\"]}/cmdline', 'rb').read()",
    ),
    "environment of the conductor": Attack(
        "the conductor's environment cannot be read",
        "b'COURSE_SECRET' in open(f'/proc/{T[\"pid\"]}/environ', 'rb').read()",
    ),
    "environment of parents": Attack(
        "no visible process holds a secret in its environment",
        "found = b''\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: found += open(path, 'rb').read()\n"
        "    except OSError: pass\n"
        "b'COURSE_SECRET' in found",
    ),
    "memory of the conductor": Attack(
        "the conductor's memory cannot be read", "memory_of(T['pid'])"
    ),
    "memory of the parent": Attack(
        "the process above the kernel cannot be read",
        "reads(f'/proc/{os.getppid()}/maps')",
    ),
    "ptrace": Attack(
        "no process can be traced",
        "done = libc.ptrace(0x4206, T['pid'], 0, 0) == 0\n"
        "done and libc.ptrace(17, T['pid'], 0, 0)\n"
        "done",
        "a tracer must be allowed to by the kernel's settings",
    ),
    "ptrace of a child": Attack(
        "tracing is refused altogether",
        "child = subprocess.Popen(['sleep', '30'])\n"
        "done = libc.ptrace(0x4206, child.pid, 0, 0) == 0\n"
        "child.kill(); child.wait()\n"
        "done",
    ),
    "descriptors of the conductor": Attack(
        "the conductor's open files cannot be opened",
        "bool(os.listdir(f'/proc/{T[\"pid\"]}/fd'))",
    ),
    "root of the first process": Attack(
        "no other process's root leads out",
        "reads('/proc/1/root' + T['course'] + '/gradebook.db')",
        _ROOT,
    ),
    "inherited files": Attack(
        "no open file or folder is inherited",
        "kinds = []\n"
        "for number in range(3, 1024):\n"
        "    try: mode = os.fstat(number).st_mode\n"
        "    except OSError: continue\n"
        "    kinds.append(stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode))\n"
        "any(kinds)",
        _ALWAYS,
    ),
    # Writing
    "change the gradebook": Attack(
        "the gradebook cannot be changed",
        "writes(T['course'] + '/gradebook.db')",
        path="{course}/gradebook.db",
    ),
    "plant a verdict": Attack(
        "no verdict can be forged where verdicts lie",
        "writes(T['course'] + '/autograded/eve/a/a.verdict.json')",
        path="{course}/autograded/eve/a/a.verdict.json",
    ),
    "plant in the environment of Python": Attack(
        "no start-up file can be planted for Python",
        "path = sys.prefix + '/coursekit-attack.txt'\ndone = writes(path)\nos.remove(path)\ndone",
    ),
    "plant an IPython profile": Attack(
        "no IPython start-up file can be planted",
        "writes(T['home'] + '/.ipython/profile_default/startup/00.py')",
        path="{home}/.ipython/profile_default/startup/00.py",
    ),
    "plant Jupyter settings": Attack(
        "no Jupyter settings can be planted",
        "writes(T['home'] + '/.jupyter/jupyter_server_config.py')",
        path="{home}/.jupyter/jupyter_server_config.py",
    ),
    "plant Keras settings": Attack(
        "no Keras settings can be planted",
        "writes(T['home'] + '/.keras/keras.json')",
        path="{home}/.keras/keras.json",
    ),
    "plant Matplotlib settings": Attack(
        "no Matplotlib settings can be planted",
        "writes(T['home'] + '/.config/matplotlib/matplotlibrc')",
        path="{home}/.config/matplotlib/matplotlibrc",
    ),
    "plant for the next kernel": Attack(
        "nothing in /tmp is left for the next", "writes(T['left'])", path="{left}"
    ),
    "plant in shared memory": Attack(
        "nothing in /dev/shm is left for the next",
        "writes(T['left in memory'])",
        path="{left in memory}",
    ),
    "replace the kernel's program": Attack(
        "the kernel's own program cannot be changed",
        "import coursekit.sandbox\n"
        "path = os.path.dirname(coursekit.sandbox.__file__) + '/coursekit-attack.txt'\n"
        "done = writes(path)\n"
        "os.remove(path)\n"
        "done",
    ),
    "a shared folder to race in": Attack(
        "no folder of the machine can be written to, so that none can be raced in with links",
        "rows = [line.split() for line in open('/proc/self/mountinfo')]\n"
        "kinds = {'proc', 'tmpfs', 'devtmpfs'}\n"
        "any(row[5].startswith('rw') and row[row.index('-') + 1] not in kinds for row in rows)",
    ),
    "hard link to the machine's files": Attack(
        "no hard link leads to a file of the machine's",
        "os.link('/usr/bin/env', os.environ['HOME'] + '/link') is None",
        "home and /usr may be different file systems",
    ),
    "raw disk": Attack(
        "no disk can be read past its file system",
        "any(stat.S_ISBLK(os.stat(path).st_mode) for path in glob.glob('/dev/*'))",
        "a container may have no disk",
    ),
    "kernel's settings": Attack(
        "the kernel's settings cannot be changed",
        "os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)) is None",
        _ROOT,
    ),
    "spared when memory runs out": Attack(
        "the kernel cannot spare itself",
        "open('/proc/self/oom_score_adj', 'w').write('-500') > 0",
        _ROOT,
    ),
    # The network
    "loopback": Attack(
        "the machine's own services cannot be reached",
        "connects(socket.AF_INET, ('127.0.0.1', T['port']))",
    ),
    "abstract socket": Attack(
        "abstract sockets cannot be reached", "connects(socket.AF_UNIX, '\\0' + T['abstract'])"
    ),
    "path socket": Attack(
        "sockets in folders cannot be reached", "connects(socket.AF_UNIX, T['socket'])"
    ),
    "outside": Attack(
        "there is no way to the network",
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:\n"
        "    line.connect(('192.0.2.1', 9))\n"
        "True",
        "the machine may have no network",
    ),
    "interfaces": Attack(
        "only a loopback of its own is there",
        "len([name for _, name in socket.if_nameindex() if name != 'lo']) > 0",
        "the machine may have no network",
    ),
    "vsock": Attack(
        "the way to a virtual machine's host is closed",
        "socket.socket(40, socket.SOCK_STREAM).close() is None",
        _KERNEL,
    ),
    "packet socket": Attack(
        "packets cannot be read",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close() is None",
        _ROOT,
    ),
    # Processes and the kernel
    "signal to the conductor": Attack(
        "the conductor cannot be signalled", "os.kill(T['pid'], 0) is None"
    ),
    "become root": Attack("the kernel cannot become root", "os.setuid(0)\nos.getuid() == 0", _ROOT),
    "capabilities": Attack(
        "no capability is left",
        "int(open('/proc/self/status').read().split('CapEff:')[1].split()[0], 16) != 0",
        _ROOT,
    ),
    "gain rights": Attack(
        "no program gives more rights",
        "'NoNewPrivs:\\t0' in open('/proc/self/status').read()",
        "the tests themselves may run without new rights",
    ),
    "new namespaces": Attack(
        "no user namespace can be made",
        "subprocess.run(['unshare', '--user', 'true'], capture_output=True).returncode == 0",
        _KERNEL,
    ),
    "namespaces of the conductor": Attack(
        "the conductor's namespaces cannot be entered",
        "libc.setns(os.open(f'/proc/{T[\"pid\"]}/ns/uts', os.O_RDONLY), 0) == 0",
        _ROOT,
    ),
    "mount": Attack(
        "nothing can be mounted",
        "libc.mount(b'none', os.environ['HOME'].encode(), b'tmpfs', 0, None) == 0\n",
        "would change the tests' own file system",
        harmful=True,
    ),
    "unmount what covers": Attack(
        "what covers other folders cannot be taken away",
        "any(libc.umount2(place, 2) == 0 for place in b'/tmp /student /proc /dev/shm'.split())",
        "would change the machine",
        harmful=True,
    ),
    "chroot": Attack(
        "no other root can be taken", "libc.chroot(b'/usr') == 0", "cannot be undone", harmful=True
    ),
    "key ring": Attack(
        "the key ring cannot be used",
        "libc.syscall(248, b'user', b'coursekit', b'x', 1, ctypes.c_int(-2)) > 0",
        _KERNEL,
    ),
    "io_uring": Attack(
        "io_uring is closed", "call(425, 1, 0) or ctypes.get_errno() == 14", _KERNEL
    ),
    "bpf": Attack("bpf is refused", "call(321, 0, 0, 0) or ctypes.get_errno() == 22", _KERNEL),
    "performance counters": Attack(
        "perf_event_open is refused",
        "call(298, 0, 0, 0, 0, 0) or ctypes.get_errno() == 14",
        _KERNEL,
    ),
    "page faults": Attack("userfaultfd is refused", "call(323, 1)", _KERNEL),
    "another processor mode": Attack(
        "system calls of other kinds are refused", "call(0x40000000 | 39)", _KERNEL
    ),
    "memory of no process": Attack("memfd is refused", "os.memfd_create('x') > 0"),
    "shared memory of System V": Attack(
        "memory that outlives processes is refused", "libc.shmget(0, 4096, 0o1600) >= 0"
    ),
    "shared memory without a file": Attack(
        "no memory stays when a process releases it",
        "import mmap\nmmap.mmap(-1, 4096) is not None",
    ),
    "shared memory of a device": Attack(
        "no device gives such memory either", "open('/dev/zero', 'r+b').close() is None"
    ),
    "memory held by a pipe": Attack(
        "no pipe holds memory that its process has given back",
        "block = ctypes.create_string_buffer(4096)\n"
        "parts = struct.pack('@PN', ctypes.addressof(block), 4096)\n"
        "libc.syscall(278, os.pipe()[1], parts, ctypes.c_ulong(1), 0) == 4096",
    ),
    "asynchronous reading": Attack(
        "a number that the whole machine shares cannot be used up",
        "libc.syscall(206, 1, ctypes.byref(ctypes.c_ulong(0))) == 0",
        _KERNEL,
    ),
    "the kernel's events": Attack(
        "only the kernel's own socket for routes is open",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).close() is None",
    ),
    "a pair of another family": Attack(
        "no socket of another family is made even for a moment",
        "libc.socketpair(2, 1, 0, ctypes.create_string_buffer(8))\nctypes.get_errno() == 95",
    ),
    "spared like any other": Attack(
        "when memory runs out, the kernel is ended before the conductor",
        "open('/proc/self/oom_score_adj').read().strip() != '1000'",
    ),
    "a lease on a file": Attack(
        "no file can be kept from others who want to open it",
        "import fcntl\n"
        "path = os.environ['HOME'] + '/leased'\n"
        "open(path, 'w').close()\n"
        "fcntl.fcntl(os.open(path, os.O_RDONLY), 1024, fcntl.F_WRLCK) == 0",
        "the file system may have none",
    ),
    "a daemon": Attack(
        "no process outlives its kernel",
        "subprocess.Popen(['sh', '-c', f'setsid sleep {T[\"nap\"]} &']).wait() == 0",
        "looked at afterwards",
    ),
}
