"""The process that reads submissions: ``python -m coursekit.repair FD``.

A file may use up its reader's memory, keep it busy for ever or crash Python's own
parser. It does so here, within limits, and grading goes on. No student's code runs
here either.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from base64 import b64encode
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any

from coursekit.errors import ASK_AGAIN, BeyondRepair, InfrastructureError
from coursekit.processes.line import receive, send
from coursekit.processes.plain_files import OpenFolder, shown
from coursekit.processes.temporary_files import telling_of_no_room
from coursekit.repair.submission import repair

# A notebook of 250 MB, nearly all of it outputs, takes 1.0 GB to read.
MAX_MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """Serve until the conductor hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = Connection(int(sys.argv[1]))
    try:
        while True:
            send(line, _answer(line, receive(line)))
    except EOFError:
        return


def _answer(line: Connection, request: dict[str, Any]) -> dict[str, Any]:
    def choose(stamp: dict[str, Any]) -> str:
        send(line, {"stamp": stamp})
        return str(receive(line)["release"])

    tempfile.tempdir = request["scratch"]
    try:
        # The folder itself, not its path: something else may stand there by now.
        with (
            OpenFolder(recv_handle(line), Path(request["folder"])) as folder,
            telling_of_no_room(Path(request["scratch"]).parent),
        ):
            rebuilt = repair(folder, request["expected"], request["release"], choose)
    except (InfrastructureError, BeyondRepair) as error:
        return {"reason": error.message, "hint": error.hint}
    except (MemoryError, RecursionError) as error:
        what = "memory" if isinstance(error, MemoryError) else "nesting"
        return {
            "reason": f"{request['expected']} cannot be read as a notebook: too much {what}",
            "hint": ASK_AGAIN,
        }
    except Exception as error:
        # An error of the kit's own costs this submission only; its type leads to the cause.
        return {
            "reason": f"{request['expected']} cannot be repaired ({type(error).__name__}: "
            f"{shown(str(error))})",
            "hint": "keep the submission and report it with these words; meanwhile, " + ASK_AGAIN,
        }
    own = rebuilt.own_files
    return {
        "notebook": rebuilt.notebook,
        "repairs": list(rebuilt.repairs),
        "python": rebuilt.python,
        "files": {name: b64encode(content).decode() for name, content in own.contents.items()},
        "left_out": dict(own.left_out),
    }


if __name__ == "__main__":
    main()
