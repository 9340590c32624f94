"""Landlock: a process gives up rights to files, and to processes outside, permanently."""

from __future__ import annotations

import ctypes
import os
import struct

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
_ALL_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # the number of rights to files
_SCOPED_SINCE = 6
_SCOPE_ABSTRACT_SOCKETS = 1 << 0
_SCOPE_SIGNALS = 1 << 1
_READING = _EXECUTE | _READ_FILE | _READ_DIR
# Devices can be read and written, not made or controlled.
_DEVICE = _READ_FILE | _WRITE_FILE


def version() -> int:
    """Return the kernel's version of Landlock; 0 if it has none."""
    try:
        return syscall(
            _CREATE_RULESET,
            None,
            ctypes.c_size_t(0),
            ctypes.c_uint32(_CREATE_RULESET_VERSION),
        )
    except OSError:
        return 0


def restrict(writable: list[str], devices: list[str]) -> None:
    """Let this thread and its children read everywhere, and write only in a few folders.

    Where the kernel supports it, signals and abstract sockets then reach no process
    outside. Without Landlock, nothing happens.

    Args:
        writable: the folders that may be changed.
        devices: devices that may be read and written.

    Raises:
        OSError: if the kernel refuses.

    """
    found = version()
    if not found:
        return
    every = (1 << _ALL_BY_VERSION[min(found, max(_ALL_BY_VERSION))]) - 1
    scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if found >= _SCOPED_SINCE else 0
    attributes = struct.pack("=QQQ", every, 0, scoped)
    size = 24 if found >= _SCOPED_SINCE else 16 if found >= 4 else 8
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, rights in (
            ("/", _READING),
            *((path, every) for path in writable),
            *((path, _DEVICE) for path in devices),
        ):
            _allow(ruleset, path, rights)
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            struct.pack("=Qi", rights, folder),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(folder)
