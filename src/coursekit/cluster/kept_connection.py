"""A coordinator's connection to a scheduler, made again whenever it was lost."""

from __future__ import annotations

import time

from coursekit.cluster.connection import Connection, ConnectionLost
from coursekit.cluster.security import Member
from coursekit.errors import InfrastructureError

_PAUSE_SECONDS = 1.0


class KeptConnection:
    """A connection, as long as it lasts, and the next one.

    Args:
        address: the scheduler's address.
        member: as whom to connect.

    """

    def __init__(self, address: str, member: Member) -> None:
        self.address = address
        self._member = member
        self._connection: Connection | None = None

    @property
    def live(self) -> Connection:
        """The connection.

        Raises:
            ConnectionLost: if it was lost.

        """
        if self._connection is None:
            raise ConnectionLost
        return self._connection

    def connect(self) -> None:
        """Reach the scheduler.

        Raises:
            InfrastructureError: if it cannot be reached.

        """
        try:
            self._connection = Connection(self.address, self._member)
        except (OSError, ValueError, ConnectionLost) as error:
            # A ValueError: the stream closed just before its encryption began.
            what = str(error).splitlines()[0] if str(error) else "no answer"
            raise InfrastructureError(
                f"the scheduler at {self.address} cannot be reached: {what}",
                "see that it runs there, with: coursekit cluster scheduler; and that its "
                f"certificate and {self._member.file} are of the same coursekit cluster init",
            ) from None

    def connect_again(self, seconds: float) -> None:
        """Connect, if the connection was lost.

        Args:
            seconds: for how long it is tried.

        Raises:
            InfrastructureError: if the scheduler is not there all that time.

        """
        deadline = time.monotonic() + seconds
        while self._connection is None:
            try:
                self.connect()
            except InfrastructureError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """Let go of the scheduler. Workers wait for the next run."""
        if self._connection:
            self._connection.close()
            self._connection = None
