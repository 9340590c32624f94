"""One browser for all of this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import Visitor, installed_browser


# Not a session's: asyncio of the other folders' tests cannot run while it is open.
@pytest.fixture(scope="package")
def visitor() -> Iterator[Visitor]:
    with installed_browser() as found:
        yield found
