"""Landlock: a process gives up rights to files, and to processes outside, permanently."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from coursekit.sandbox.inside.system_calls import syscall

# The numbers are the same on every architecture.
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_TRUNCATE = 1 << 14
_CONTROL_DEVICE = 1 << 15
# The number of rights to files. Version 9 has the use of sockets in folders.
_ALL_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16, 7: 16, 8: 16, 9: 17}
_NETWORK_SINCE = 4
_BIND_TCP = 1 << 0
_CONNECT_TCP = 1 << 1
_SCOPED_SINCE = 6
_SCOPE_ABSTRACT_SOCKETS = 1 << 0
_SCOPE_SIGNALS = 1 << 1
_READING = _EXECUTE | _READ_FILE | _READ_DIR
# Devices can be read and written, not made or controlled.
_DEVICE = _READ_FILE | _WRITE_FILE
# The rights that a file can have which is not a folder.
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _CONTROL_DEVICE
# As on a machine whose kernel has an older Landlock, for tests.
AT_MOST = "COURSEKIT_LANDLOCK"


def version() -> int:
    """Return the kernel's version of Landlock; 0 if it has none."""
    try:
        found = syscall(
            _CREATE_RULESET,
            None,
            ctypes.c_size_t(0),
            ctypes.c_uint32(_CREATE_RULESET_VERSION),
        )
    except OSError:
        return 0
    return min(found, int(os.environ.get(AT_MOST, found)))


def restrict(
    readable: Iterable[str],
    writable: Iterable[str],
    devices: Iterable[str],
    listable: Iterable[str] = (),
) -> None:
    """Let this thread and its children use some folders and devices, and nothing else.

    Where the kernel supports it, they can use no TCP, and signals and abstract sockets
    reach no process outside. Without Landlock, nothing happens.

    Args:
        readable: the folders and files that may be read and executed.
        writable: the folders that may be changed.
        devices: devices that may be read and written.
        listable: folders whose names may be seen, and those of the folders below.

    Raises:
        OSError: if the kernel refuses.

    """
    found = version()
    if not found:
        return
    every = (1 << _ALL_BY_VERSION[min(found, max(_ALL_BY_VERSION))]) - 1
    network = _BIND_TCP | _CONNECT_TCP if found >= _NETWORK_SINCE else 0
    scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if found >= _SCOPED_SINCE else 0
    attributes = struct.pack("=QQQ", every, network, scoped)
    size = 24 if found >= _SCOPED_SINCE else 16 if found >= _NETWORK_SINCE else 8
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for paths, rights in (
            (listable, _READ_DIR),
            (readable, _READING),
            (writable, every),
            (devices, _DEVICE),
        ):
            for path in paths:
                _allow(ruleset, path, rights)
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(found).st_mode):
            rights &= _OF_A_FILE
        syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            struct.pack("=Qi", rights, found),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(found)
