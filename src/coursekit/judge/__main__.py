"""A judge's process: ``python -m coursekit.judge FD [forks [learns-nothing]]``.

It serves the connection whose file descriptor is its first argument. It judges
one submission, or with "forks" forks a judge for each; see `warm_judge_server`.
"""

from __future__ import annotations

import os
import socket
import sys
from multiprocessing.connection import Connection


def main() -> None:
    """Serve until the conductor hangs up."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    number = int(sys.argv[1])
    if sys.argv[2:3] == ["forks"]:
        # Before anything imports NumPy: a process that forks must have one thread.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        from coursekit.judge.warm_judge_server import LEARNS_NOTHING, serve_forks

        with socket.socket(fileno=number) as line:
            serve_forks(line, learns=LEARNS_NOTHING not in sys.argv)
    else:
        from coursekit.judge.judge_server import serve

        serve(Connection(number))


if __name__ == "__main__":
    main()
