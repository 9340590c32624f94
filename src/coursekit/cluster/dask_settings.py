"""How Dask is set up here, for scheduler, worker and client alike.

Dask reads settings from files and variables of whoever runs it. Each process sets those that
matter before it takes part.
"""

from __future__ import annotations

import logging
from typing import Any

import dask

# A worker that was not heard of for so long is lost, and its submission is graded elsewhere.
WORKER_SECONDS = 30
# A certificate that is refused looks like a machine that is not there yet: Dask tries again.
CONNECT_SECONDS = 10

_NO_MODULES: list[str] = []
SETTINGS: dict[str, Any] = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.default-scheme": "tls",
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    # A connection on which nothing is answered, not even by the system, ends after that.
    "distributed.comm.timeouts.tcp": f"{WORKER_SECONDS}s",
    # What is sent is packed already.
    "distributed.comm.compression": False,
    "distributed.scheduler.worker-ttl": f"{WORKER_SECONDS}s",
    # Nobody copies or moves results between workers.
    "distributed.scheduler.active-memory-manager.start": False,
    # No HTTP, for nobody would be asked for a certificate there.
    "distributed.scheduler.http.routes": _NO_MODULES,
    "distributed.worker.http.routes": _NO_MODULES,
    # No code of somebody's own before ours.
    "distributed.scheduler.preload": _NO_MODULES,
    "distributed.worker.preload": _NO_MODULES,
    "distributed.nanny.preload": _NO_MODULES,
    "distributed.client.preload": _NO_MODULES,
    # What nobody looks at costs time and memory.
    "distributed.worker.profile.enabled": False,
    "distributed.diagnostics.nvml": False,
    "distributed.admin.log-length": 1000,
}


def set_up_dask() -> None:
    """Set up Dask in this process, whatever its user's own settings are."""
    dask.config.set(SETTINGS)
    # What it logs is tracebacks of machines that are not there. What matters, commands say.
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            # Without any handler, Python itself would show it.
            logging.getLogger(name).handlers = [logging.NullHandler()]
            logging.getLogger(name).propagate = False
