"""Try whether a scheduler can be reached, and say in words why not.

Dask tries again and again where a certificate is refused, and then tells of the time alone.
"""

from __future__ import annotations

import socket
import ssl

from coursekit.cluster.addresses import host_and_port
from coursekit.cluster.security import Member


class Unreachable(OSError):
    """A scheduler cannot be reached; the message says why."""


def reach(address: str, member: Member, seconds: float) -> str:
    """Reach a scheduler; return the address that this machine has towards it.

    Args:
        address: the scheduler's.
        member: as whom.
        seconds: how long to wait for an answer.

    Raises:
        Unreachable: if it cannot be reached, or does not let this member in.

    """
    host, port = host_and_port(address)
    context = member.security().get_connection_args("client")["ssl_context"]
    try:
        with (
            socket.create_connection((host, port), seconds) as plain,
            context.wrap_socket(plain) as line,
        ):
            # A scheduler speaks first, to those whom it lets in.
            if line.recv(1):
                return str(line.getsockname()[0])
        raise Unreachable("it ends the connection")
    except ssl.SSLCertVerificationError:
        why = f"its certificate is of another cluster than {member.file}"
    except ssl.SSLError as error:
        why = "what answers there does not speak TLS 1.3"
        if "ALERT" in (error.reason or "").upper():
            why = f"it does not let in {member.file}"
    except socket.gaierror:
        why = f"no machine is found that is called {host}"
    except TimeoutError:
        why = "no answer"
    except OSError as error:
        why = error.strerror or str(error)
    raise Unreachable(why)
