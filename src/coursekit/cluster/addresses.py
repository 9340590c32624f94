"""Where a scheduler is: an address such as ``tls://grader.example.org:8786``, and no other kind."""

from __future__ import annotations

import ipaddress
import re

from coursekit.errors import CourseKitError

PORT = 8786
_HINT = f"write it as tls://HOST:{PORT}; the scheduler says which one it is when it starts"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
# The host is a name, an IPv4 address, or an IPv6 address in brackets.
_ADDRESS = re.compile(
    r"tls://(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]/@:]+)):(?P<port>\d+)/?"
)


def address_of(host: str, port: int) -> str:
    """Return the address of a scheduler."""
    return f"tls://[{host}]:{port}" if ":" in host else f"tls://{host}:{port}"


def read_address(text: str) -> str:
    """Return the address that somebody wrote, in its usual form.

    Raises:
        CourseKitError: if it is not ``tls://HOST:PORT``: nothing else is encrypted, and tells
            who is at the other end.

    """
    scheme, separator, _ = text.partition("://")
    if separator and scheme != "tls":
        raise CourseKitError(f"{text}: a cluster is reached by tls:// only, not {scheme}://", _HINT)
    found = _ADDRESS.fullmatch(text)
    if not separator or found is None:
        raise CourseKitError(f"{text!r} is not the address of a scheduler", _HINT)
    host, port = found["six"] or found["host"], int(found["port"])
    if not is_host(host) or not 1 <= port <= 65535:
        raise CourseKitError(f"{text!r} is not the address of a scheduler", _HINT)
    return address_of(host, port)


def host_and_port(address: str) -> tuple[str, int]:
    """Return what an address in its usual form is made of; an IPv6 address without brackets."""
    host, _, port = address.removeprefix("tls://").rpartition(":")
    return host.strip("[]"), int(port)


def is_host(text: str) -> bool:
    """Whether a text is the name of a machine, or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # A text such as 10.0.0.256 is not a name either.
        return _NAME.fullmatch(text) is not None and not text.rpartition(".")[2].isdecimal()
    return "%" not in text
