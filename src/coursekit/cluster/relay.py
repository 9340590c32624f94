"""The one function that Dask runs for us: it hands bytes to the service of its worker."""

from __future__ import annotations

from distributed import Worker, get_worker

from coursekit.cluster.service import Service
from coursekit.cluster.without_http import WithoutHttp


class GradingWorker(WithoutHttp, Worker):
    """A Dask worker at whose side a service grades."""

    service: Service


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
