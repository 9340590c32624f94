"""What keeps a scheduler or a worker of Dask from opening a second port."""

from __future__ import annotations

from typing import Any


class WithoutHttp:
    """Put before Dask's own class: there is no HTTP, where nobody is asked for a certificate."""

    def start_http_server(self, *arguments: Any, **settings: Any) -> None:
        """Open no port."""
