"""Submissions that take too much, graded by one real `nbgrader autograde`: each limit is named.

Each of them defines the right answer, and takes too much in the same cell.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from command_in_process import generate, run_nbgrader
from small_course import NAME, small_course

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import read_verdict
from coursekit.sandbox.levels import strongest, why_no_sandbox

pytestmark = pytest.mark.slow

LIMITS = {
    # Enough on a busy machine for what ends at another limit.
    "cell_seconds": 60,
    "notebook_seconds": 120,
    "total_megabytes": 1500,
    "messages": 500,
    "disk_megabytes": 60,
    "files": 3000,
}
# Seconds for those that use up a cell's time, which some of them do on every core.
SOON = 6
SLOW = ("fork-bomb", "loop", "sleep")

# What runs after the answer, what is said about it ("" if it is harmless), and the points.
GREEDY: dict[str, tuple[str, str, float]] = {
    "loop": (
        "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt: pass",
        f"stopped after {SOON} s in cell 4",
        6,
    ),
    "sleep": ("import time\ntime.sleep(1000)", f"stopped after {SOON} s in cell 4", 6),
    "one-process": ("block = bytearray(5 * 2**30)", "memory ran out in cell 4 (4 GB)", 6),
    "many-processes": (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if not os.fork():\n"
        "        block = bytearray(os.urandom(1)) * (400 * 2**20)\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        "memory ran out in cell 4 (1.46 GB in all processes)",
        0,
    ),
    "text": ("print('x' * 50_000_000)", "output of cell 4 was cut at 1 MB", 6),
    "messages": (
        "from IPython.display import display\nfor n in range(3000): display(n)",
        "output of cell 4 was cut at 500 messages",
        6,
    ),
    "pictures": (
        "from IPython.display import display\ndisplay({'image/png': 'A' * 11_000_000}, raw=True)",
        "output of cell 4 was cut at 10 MB",
        6,
    ),
    # It lowers its own limit, which would take longer; the words are those of the limit's signal.
    "processor": (
        "import resource, time\n"
        "soon = int(time.process_time()) + 1\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (soon, soon + 5))\n"
        "while True: pass",
        "cell 4 used up the processor time (2400 s)",
        0,
    ),
    "forged": (
        "kernel = get_ipython().kernel\n"
        "forged = {'header': {'msg_id': 'x'}, 'parent_header': kernel.get_parent()['header'],\n"
        "          'metadata': {}, 'content': {}}\n"
        "kernel.iopub_socket.send_multipart(kernel.session.serialize(forged, ident=b'stream'))",
        "cell 4 sent messages that cannot be read (KeyError)",
        6,
    ),
    "disk": (
        "open('large', 'wb').write(bytes(80 * 2**20))",
        "cell 4 filled its disk (60 MB, 3,000 files)",
        6,
    ),
    "files": (
        "for n in range(4000): open(f'small-{n}', 'w').close()",
        "cell 4 filled its disk (60 MB, 3,000 files)",
        6,
    ),
    "open-files": (
        "kept = []\nwhile True: kept.append(open('/dev/null'))",
        "cell 4 had too many files open (1,024)",
        0,  # it keeps them, so that the answer cannot be read
    ),
    "error": (
        "class Long(Exception): pass\nraise Long('x' * 9_000_000)",
        "",
        6,
    ),
    "forged-reply": (
        "kernel = get_ipython().kernel\n"
        "async def do_execute(*given, **named):\n"
        "    return {'status': 'error', 'ename': 5, 'evalue': [], 'traceback': [{}] * 10**6}\n"
        "kernel.do_execute = do_execute",
        "",
        6,
    ),
    "forged-count": (
        "kernel = get_ipython().kernel\n"
        "told = {'data': {'text/plain': '1'}, 'metadata': {}, 'execution_count': '<b>'}\n"
        "kernel.session.send(kernel.iopub_socket, 'execute_result', told,\n"
        "                    parent=kernel.get_parent(), ident=b'x')",
        "",
        6,
    ),
    # ZeroMQ closes a channel for good when an invalid message arrives on it.
    "closed-channel": (
        "import json, os, select, socket\n"
        "with open(os.environ['HOME'] + '/.connection.json') as stream:\n"
        "    port = json.load(stream)['control_port']\n"
        "for number in map(int, os.listdir('/proc/self/fd')):\n"
        "    try: line = socket.socket(fileno=os.dup(number))\n"
        "    except OSError: continue\n"
        "    if str(line.getsockname()).endswith(f'-{port}'):\n"
        "        try: line.send(bytes(64) + bytes([255] * 64))\n"
        "        except OSError: continue\n"
        # Until the conductor has closed it; the socket that listens is never closed.
        "        closed = select.poll()\n"
        "        closed.register(line, select.POLLRDHUP)\n"
        "        closed.poll()",
        "identity_block could not be run: the kernel has closed the channel that it is asked on",
        0,
    ),
    "dies-when-called": (
        "def identity_block(*given, **named):\n"
        "    import os, signal\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)",
        "the kernel stopped while identity_block ran",
        0,
    ),
    # No process owns the memory in them.
    "sockets": (
        "import os, socket, time\n"
        "for _ in range(5):\n"
        "    if not os.fork():\n"
        "        if not os.fork(): os._exit(0)\n"  # its namespace cannot be read any more
        "        kept = []\n"
        "        while True:\n"
        "            try:\n"
        "                kept += socket.socketpair()\n"
        "                try: kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**30)\n"
        "                except PermissionError: pass\n"
        "                kept[-1].setblocking(False)\n"
        "                while True: kept[-1].send(bytes(2**16))\n"
        "            except BlockingIOError: continue\n"
        "            except OSError: break\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        "memory ran out in cell 4 (1.46 GB in all processes)",
        0,
    ),
    # They count until somebody waits for them: without that no thread can start for a call.
    "zombies": (
        "import os\n"
        "while True:\n"
        "    try: os.posix_spawn('/bin/true', ['true'], {})\n"
        "    except OSError: break",
        "",
        6,
    ),
    "no-thread-left": (
        "import subprocess\n"
        "try:\n"
        "    while True: subprocess.Popen(['sleep', '600'])\n"
        "except OSError: pass",
        "identity_block had too many processes and threads (128)",
        0,
    ),
    "no-thread-in-a-call": (
        "import os\n"
        "def identity_block(*given, **named):\n"
        "    while True: os.posix_spawn('/bin/true', ['true'], {})",
        "identity_block had too many processes and threads (128)",
        0,
    ),
    "no-memory-left": (
        "def identity_block(*given, **named):\n    return bytearray(5 * 2**30)",
        "memory ran out in identity_block (4 GB)",
        0,
    ),
    "shared-by-many": (
        "import os, time\n"
        "children = [os.fork() for _ in range(4)]\n"
        "time.sleep(1)\n"
        "if 0 in children: os._exit(0)",
        "",
        6,
    ),
    "fork-bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        f"stopped after {SOON} s in cell 4",
        0,
    ),
}

# These have less time for everything than for a cell.
SECONDS = 6
OVER = f"the submission took {SECONDS} s"
OUT_OF_TIME = {
    "time-in-a-cell": "import time\ntime.sleep(1000)",
    "time-in-a-call": "import time\ndef identity_block(*given, **named):\n    time.sleep(1000)",
}
# The course's own hook, which nbgrader calls before each submission, changes the setting.
LESS_TIME = f"""
def give_time(*, notebooks, **others):
    from pathlib import Path
    student = Path(notebooks[0]).parents[1].name
    limits = c.StudentKernel.by_assignment[{NAME!r}]
    limits["submission_seconds"] = {SECONDS} if student in {list(OUT_OF_TIME)} else 600
    limits["cell_seconds"] = {SOON} if student in {SLOW} else {LIMITS["cell_seconds"]}

c.Autograde.pre_convert_hook = give_time
"""


@pytest.fixture(scope="module")
def greedy(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    assignment: Assignment,
) -> dict[str, NotebookVerdict]:
    """The verdicts of all that the chosen tests are about, by student."""
    if why_no_sandbox():
        pytest.skip(f"this machine has no sandbox: {why_no_sandbox()}")
    course = tmp_path_factory.mktemp("greedy")
    small = small_course(course, assignment, LIMITS)
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(LESS_TIME)
    generate(small)
    right = solution_cells(small)["identity_block"]
    chosen = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__)
    }
    everything = {name: code for name, (code, _, _) in GREEDY.items()} | OUT_OF_TIME
    everything = {name: code for name, code in everything.items() if name in chosen}
    for name, code in everything.items():
        submit(small, name, fill_in(released(small), {"identity_block": f"{right}\n{code}\n"}))
    run_nbgrader(course, "autograde", NAME, "--JudgeAnswers.trace_timeout=10")
    return {name: read_verdict(course, name, NAME, small.notebook) for name in everything}


@pytest.mark.parametrize("name", GREEDY)
def test_the_limit_is_named(greedy: dict[str, NotebookVerdict], name: str) -> None:
    said = GREEDY[name][1]
    reasons = [check.reason for cell in greedy[name].cells for check in cell.checks]
    assert said in greedy[name].remarks if said else greedy[name].remarks == (), reasons
    assert greedy[name].isolation == strongest().isolation


@pytest.mark.parametrize("name", GREEDY)
def test_what_was_defined_is_judged_as_long_as_the_kernel_lives(
    greedy: dict[str, NotebookVerdict], name: str
) -> None:
    assert sum(cell.score for cell in greedy[name].cells) == GREEDY[name][2]


@pytest.mark.parametrize("name", OUT_OF_TIME)
def test_a_submission_that_uses_up_its_time_loses_what_comes_then_and_no_other_does(
    greedy: dict[str, NotebookVerdict], name: str
) -> None:
    # How far it comes in this time depends on the machine. The next one has its own, as all have.
    (remark,) = greedy[name].remarks
    assert OVER in remark
    checks = [check for cell in greedy[name].cells for check in cell.checks]
    assert checks and all(OVER in check.reason for check in checks), checks
    assert sum(cell.score for cell in greedy[name].cells) == 0
    assert max(OUT_OF_TIME) < max(greedy)
