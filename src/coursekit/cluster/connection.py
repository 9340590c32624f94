"""The coordinator's side of Dask: send bytes to a worker, hear its answer, see who is there."""

from __future__ import annotations

import queue
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from distributed import Client, Future

from coursekit.class_grading.engine import MOST_TOGETHER
from coursekit.cluster.dask_settings import CONNECT_SECONDS, set_up_dask
from coursekit.cluster.reaching import reach
from coursekit.cluster.relay import relay, shown_name
from coursekit.cluster.security import Member
from coursekit.cluster.wire import Message, from_bytes, to_bytes
from coursekit.errors import InfrastructureError

# How long a question to the scheduler may take.
_PATIENCE_SECONDS = 60


class ConnectionLost(Exception):
    """The scheduler cannot be reached any more; what was sent is lost."""


@dataclass(frozen=True)
class Answer:
    """What came of a message.

    Attributes:
        key: the message's.
        message: the worker's answer; None if it could not give one.
        problem: why not, in words; "" if the scheduler was lost meanwhile.

    """

    key: str
    message: Message | None
    problem: str = ""


@dataclass(frozen=True)
class Present:
    """A worker that the scheduler knows.

    Attributes:
        address: where it is.
        name: what it is called.
        is_open: whether it has ports on which nobody is asked for a certificate.

    """

    address: str
    name: str
    is_open: bool


class Connection:
    """A connection to a scheduler, from when it is made until it is lost or closed.

    Args:
        address: the scheduler's.
        member: as whom to connect.

    Raises:
        OSError: if the scheduler cannot be reached.
        InfrastructureError: if it has a dashboard.

    """

    def __init__(self, address: str, member: Member) -> None:
        set_up_dask()
        reach(address, member, CONNECT_SECONDS)
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._sent: dict[str, Future[bytes]] = {}
        self._client = Client(
            address,
            security=member.security(),
            timeout=CONNECT_SECONDS,
            set_as_default=False,
            name="coursekit-coordinator",
        )
        try:
            if ports := self._identity()["services"]:
                raise InfrastructureError(
                    f"the scheduler at {address} has a dashboard or another open page (port "
                    f"{', '.join(str(port) for port in ports.values())}), where anybody can look "
                    "and end workers",
                    "start it with: coursekit cluster scheduler",
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the scheduler; what was sent and not answered is forgotten there."""
        # If it is lost, Dask tries by itself to make it again, and raises here whatever that
        # ended in: a ValueError, if the stream closed just before its encryption began.
        with suppress(Exception):
            self._client.close(timeout=CONNECT_SECONDS)

    def workers(self) -> list[Present]:
        """Return who is there now.

        Raises:
            ConnectionLost: if the scheduler cannot be asked.

        """
        return [
            Present(address, shown_name(str(found["name"])), bool(found["services"]))
            for address, found in self._identity()["workers"].items()
        ]

    def send(self, worker: str, message: Message) -> str:
        """Send a message to the worker at an address; return the key of its answer.

        Raises:
            ConnectionLost: if the scheduler is gone.

        """
        key = f"coursekit-{uuid4().hex}"
        self._refuse_if_lost()
        future = self._client.submit(
            relay, to_bytes(message), workers=[worker], allow_other_workers=False, key=key
        )
        self._sent[key] = future
        future.add_done_callback(lambda ended: self._done.put(ended.key))
        return key

    def forget(self, key: str) -> None:
        """Wait no longer for an answer, and let the worker pass over the message if it can."""
        if future := self._sent.pop(key, None):
            with suppress(OSError, TimeoutError):
                future.cancel(force=True)

    def answers(self, seconds: float) -> list[Answer]:
        """Wait for answers, and return those that have come by then, if they are not too many.

        Raises:
            ConnectionLost: if the scheduler is gone.

        """
        keys = []
        with suppress(queue.Empty):
            keys.append(self._done.get(timeout=seconds))
            while len(keys) < MOST_TOGETHER:
                keys.append(self._done.get_nowait())
        self._refuse_if_lost()
        ended = {key: self._sent.pop(key) for key in keys if key in self._sent}
        contents = self._fetched([key for key, one in ended.items() if one.status == "finished"])
        return [_answer(key, future, contents) for key, future in ended.items()]

    def _fetched(self, keys: list[str]) -> dict[str, Any]:
        """What workers keep as the results of messages, if the scheduler can reach them.

        Raises:
            ConnectionLost: if the scheduler is gone.

        """
        while keys:
            found = self._ask("gather", keys=keys)
            if found["status"] == "OK":
                return dict(found["data"])
            keys = [key for key in keys if key not in found["keys"]]
        return {}

    def _identity(self) -> dict[str, Any]:
        return self._ask("identity", n_workers=-1)

    def _ask(self, what: str, **about: Any) -> dict[str, Any]:
        self._refuse_if_lost()
        question = getattr(self._client.scheduler, what)
        try:
            found: dict[str, Any] = self._client.sync(
                question, callback_timeout=_PATIENCE_SECONDS, **about
            )
        except (OSError, TimeoutError) as error:
            raise ConnectionLost(str(error)) from None
        return found

    def _refuse_if_lost(self) -> None:
        if self._client.status != "running":
            raise ConnectionLost(self._client.status)


def _answer(key: str, future: Future[bytes], contents: dict[str, Any]) -> Answer:
    """What an ended message gave."""
    if key in contents:
        try:
            return Answer(key, from_bytes(contents[key]))
        except (ValueError, TypeError) as error:
            return Answer(key, None, f"its answer cannot be read ({error})")
    if future.status == "cancelled":
        return Answer(key, None)
    if future.status == "error":
        raised = future.exception()
        return Answer(key, None, f"{type(raised).__name__}: {raised}")
    why = "the scheduler's machine cannot connect to it, to fetch its answer; see its firewall"
    return Answer(key, None, why)
