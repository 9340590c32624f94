"""The one function that Dask runs for us: it hands bytes to the service of its worker."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from distributed import Worker, get_worker

from coursekit.cluster.service import Service
from coursekit.cluster.without_http import WithoutHttp
from coursekit.course.student_names import escaped

_MARK = "#"
_MOST_LETTERS = 100


class GradingWorker(WithoutHttp, Worker):
    """A Dask worker at whose side a service grades."""

    service: Service

    async def close(self, **settings: Any) -> str | None:  # type: ignore[override]
        """Close; what is graded now goes on, and a new worker with this service waits for it."""
        return await super().close(**settings | {"executor_wait": False})


def unique_name(name: str) -> str:
    """Return a worker's name as a scheduler gets it, which knows each name once only.

    A worker that comes back soon finds that it is there still.
    """
    return f"{name}{_MARK}{token_hex(4)}"


def shown_name(unique: str) -> str:
    """Return a worker's name for people."""
    return escaped(unique.rpartition(_MARK)[0] or unique)[:_MOST_LETTERS]


def relay(sent: bytes) -> bytes:
    """Return what the service of this worker answers to a message.

    Raises:
        ValueError: if it is no message.
        TypeError: if this worker was not started by ``coursekit cluster worker``.

    """
    worker = get_worker()
    if not isinstance(worker, GradingWorker):
        raise TypeError("this worker was not started by: coursekit cluster worker")
    return worker.service.answer(sent)
