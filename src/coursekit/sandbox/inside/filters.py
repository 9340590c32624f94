"""Filters on system calls, as instructions that seccomp runs at every call.

A jump counts the instructions that it skips, so the parts of a filter can be put together
in any order.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable

from coursekit.sandbox.inside.system_calls import MACHINE, prctl

# how the kernel names each architecture whose numbers are known
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PR_SET_SECCOMP = 22
# operations: what was loaded last is compared with the instruction's value
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND = 0x20, 0x15, 0x35, 0x45, 0x54
# what can be loaded: places in struct seccomp_data; of an argument, its lower half
NUMBER, ARCHITECTURE, FIRST, SECOND, THIRD, FOURTH = 0, 4, 16, 24, 32, 40

# operation, instructions to skip where the comparison holds, and where not, value
Instruction = tuple[int, int, int, int]

_RETURN = 0x06
ALLOW: Instruction = (_RETURN, 0, 0, 0x7FFF0000)
_KILL: Instruction = (_RETURN, 0, 0, 0x80000000)
_X32 = 0x40000000
_FILTER = 2


def refuse(number: int) -> Instruction:
    """Let the call fail with an error number."""
    return _RETURN, 0, 0, 0x00050000 | number


def on_call(number: int, *then: Instruction) -> list[Instruction]:
    """Run instructions for one system call; the last of them must end the filter."""
    return [(EQUAL, 0, len(then), number), *then]


def one_of(values: Iterable[int], *then: Instruction) -> list[Instruction]:
    """Run instructions where what was loaded is one of ``values``; else go on behind them."""
    values = tuple(values)
    last = len(values) - 1
    return [
        *(
            (EQUAL, last - place, len(then) if place == last else 0, value)
            for place, value in enumerate(values)
        ),
        *then,
    ]


def install(parts: Iterable[Instruction], otherwise: Instruction) -> None:
    """Filter the system calls of this thread and its children, for good.

    Needs no_new_privs, or root's rights.

    Args:
        parts: instructions; the number of the call is loaded where they begin.
        otherwise: what they end with.

    Raises:
        OSError: if the kernel refuses.

    """
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[MACHINE]),
        _KILL,
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, _X32),
        refuse(errno.ENOSYS),
        *parts,
        otherwise,
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
    held = ctypes.create_string_buffer(
        struct.pack("@HP", len(program), ctypes.addressof(code)),
    )
    prctl(PR_SET_SECCOMP, _FILTER, ctypes.addressof(held))
