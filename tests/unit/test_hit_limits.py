from __future__ import annotations

import pytest

from coursekit.kernels.outputs.hit_limits import limit_hit
from coursekit.sandbox.limits import Limits


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("MemoryError", "", "memory ran out in {} (4 GB)"),
        ("OSError", "[Errno 12] Cannot allocate memory", "memory ran out in {} (4 GB)"),
        (
            "OSError",
            "[Errno 28] No space left on device: 'x'",
            "{} filled its disk (1 GB, 20,000 files)",
        ),
        ("OSError", "[Errno 27] File too large", "{} filled its disk (1 GB, 20,000 files)"),
        (
            "ResourceExhaustedError",
            "{{function_node Fill}} OOM when allocating tensor with shape[60000,60000]",
            "memory ran out in {} (4 GB)",
        ),
        ("ResourceExhaustedError", "too many of them", ""),
        ("OSError", "[Errno 24] Too many open files: 'x'", "{} had too many files open (1,024)"),
        (
            "BlockingIOError",
            "[Errno 11] Resource temporarily unavailable",
            "{} had too many processes and threads (128)",
        ),
        (
            "RuntimeError",
            "can't start new thread",
            "{} had too many processes and threads (128)",
        ),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x'", ""),
        ("ValueError", "wrong [Errno 28]", ""),
        ("OSError", "", ""),
    ],
)
def test_an_error_names_the_limit_that_was_hit(name: str, text: str, said: str) -> None:
    assert limit_hit(name, text, Limits()) == said
