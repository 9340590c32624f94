"""How a level is chosen, that grading refuses without one, and that all compute the same."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq
from jupyter_client.channels import HBChannel
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from coursekit.errors import InfrastructureError
from coursekit.kernels.manager import MAX_MESSAGE_BYTES, student_kernel
from coursekit.sandbox.inside.landlock import AT_MOST
from coursekit.sandbox.levels import BUBBLEWRAP, LANDLOCK, LEVELS, NONE, ZYGOTE, Level, strongest
from coursekit.sandbox.levels.warm import WarmLevel
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.measured_use import descendants
from coursekit.sandbox.probing import probe, probe_guarding
from coursekit.sandbox.settings import UNSAFE_VARIABLE, Confinement, StudentKernel

SEEDED = """
import keras, numpy, tensorflow as tf
keras.utils.set_random_seed(7)
layer = keras.layers.Conv2D(8, 3)
x = numpy.random.default_rng(5).normal(size=(2, 16, 16, 3)).astype("float32")
print(layer(x).numpy().tobytes().hex())
print(tf.random.stateless_uniform((4,), seed=[1, 0]).numpy().tobytes().hex())
print(numpy.linalg.svd(x[0, :, :, 0])[1].tobytes().hex())
"""


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with an empty PATH, and without Landlock."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(AT_MOST, "0")
    monkeypatch.delenv(UNSAFE_VARIABLE, raising=False)
    with tried_afresh():
        yield


@contextlib.contextmanager
def tried_afresh() -> Iterator[None]:
    """Find out in the block what the machine supports, and once more behind it."""
    for found in (probe, probe_guarding):
        found.cache_clear()
    yield
    for found in (probe, probe_guarding):
        found.cache_clear()


def needs(level: Level) -> None:
    if why := level.why_not():
        pytest.skip(f"this machine has no level {level.name}: {why}")


def test_no_level_is_missing_because_our_own_code_fails_in_it() -> None:
    # A test of a level is skipped where the machine lacks it: our own mistakes must not be hidden.
    reasons = [level.why_not() for level in LEVELS]
    assert not [why for why in reasons if "Error" in why or "module" in why]
    # Nor because of the arguments that we give bubblewrap.
    kinds = [f"--unshare-{kind}" for kind in ("ipc", "net", "pid", "uts")]
    plain = ["bwrap", *kinds, "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    if shutil.which("bwrap") and not subprocess.run(plain, check=False).returncode:
        assert not BUBBLEWRAP.why_not() or "root cannot become" in BUBBLEWRAP.why_not()


def run(level: Level, *cells: str, limits: Limits | None = None) -> list[str]:
    """What each cell printed in a kernel of this level."""
    notebook: Any = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    confinement = Confinement(level, limits or Limits())
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(student_kernel(confinement))
        client = NotebookClient(
            notebook, km=manager, resources={"metadata": {"path": str(Path(__file__).parent)}}
        )
        client.owns_km = False
        client.execute()
        assert client.kc is not None
        # Nobody answers a heartbeat, and what was sent to nobody holds up the end.
        assert not any(isinstance(thread, HBChannel) for thread in threading.enumerate())
        client.kc.stop_channels()
        started: Any = manager.provisioner
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(started.pid).status() == psutil.STATUS_ZOMBIE
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def test_grading_refuses_without_a_sandbox(no_sandbox: None) -> None:
    with pytest.raises(InfrastructureError, match="no Landlock") as raised:
        StudentKernel().confinement()
    assert "coursekit doctor" in raised.value.hint
    assert UNSAFE_VARIABLE in raised.value.hint


def test_a_course_that_lies_where_python_does_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(sys.prefix)
    monkeypatch.delenv(UNSAFE_VARIABLE, raising=False)
    with (
        tried_afresh(),
        pytest.raises(InfrastructureError, match="students' code is not run"),
    ):
        StudentKernel().confinement()


def test_it_goes_without_one_only_with_a_warning(
    no_sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert StudentKernel(unsafe=True).confinement().level == NONE
    assert "WITHOUT A SANDBOX" in capsys.readouterr().err


# A script's first line may name another environment, where this one is a copy.
_COURSEKIT = "import sys; from coursekit.cli import main; sys.exit(main())"


def doctor_under(*words: str) -> subprocess.CompletedProcess[str]:
    """What `coursekit doctor` says when started through a command that takes rights away."""
    command = [*words, sys.executable, "-c", _COURSEKIT, "doctor"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_only_user_of_a_container_has_a_sandbox_as_an_ordinary_user_has() -> None:
    needs(ZYGOTE)
    only_user = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*only_user, "true"], check=False).returncode:
        pytest.skip("this machine does not allow namespaces of users")
    done = doctor_under(*only_user)
    assert "grading uses zygote" in done.stdout, done.stdout + done.stderr
    assert "your user id" in done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="it is about root: the tests run as a user")
def test_a_root_without_roots_rights_is_told_so() -> None:
    needs(ZYGOTE)
    done = doctor_under("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert "root cannot become an ordinary user" in done.stdout
    assert "error: students' code would run without a sandbox" in done.stderr
    assert "Traceback" not in done.stderr


def test_unsafe_does_not_weaken_a_machine_that_can_do_better() -> None:
    needs(BUBBLEWRAP)
    assert StudentKernel(unsafe=True).confinement().level == strongest()


def test_limits_of_a_single_assignment() -> None:
    config = Config({"StudentKernel": {"by_assignment": {"a": {"cell_seconds": 7}}}})
    settings = StudentKernel(config=config, unsafe=True)
    assert settings.confinement("a").limits.cell_seconds == 7
    assert settings.confinement("b").limits.cell_seconds == Limits.cell_seconds


@pytest.mark.parametrize("name", ["cell_second", "unsafe", "level"])
def test_an_unknown_limit_is_refused(name: str) -> None:
    config = Config({"StudentKernel": {"by_assignment": {"a": {name: 1}}}})
    with pytest.raises(InfrastructureError, match="has unknown limits"):
        StudentKernel(config=config, unsafe=True).confinement("a")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(InfrastructureError, match="is 'strong'"):
        StudentKernel(level="strong").confinement()


@pytest.mark.slow
def test_every_level_computes_the_same_digits() -> None:
    found = {level: run(level, SEEDED)[0] for level in LEVELS if not level.why_not()}
    assert len(found[NONE].split()) == 3
    assert len(set(found.values())) == 1


WARM = pytest.mark.parametrize("level", [ZYGOTE, LANDLOCK], ids=lambda level: level.name)


@pytest.mark.slow
@WARM
def test_a_zygote_that_died_is_replaced(level: WarmLevel) -> None:
    needs(level)
    assert run(level, "print(1)") == ["1\n"]
    assert level.warm.server is not None
    old = level.warm.server.process
    os.kill(old.pid, signal.SIGKILL)
    old.wait()
    assert run(level, "print(2)") == ["2\n"]
    assert level.warm.server.process.pid != old.pid


@pytest.mark.slow
@WARM
def test_forks_share_no_fresh_random_numbers(level: WarmLevel) -> None:
    needs(level)
    code = "import random, numpy, os\nprint(random.random(), numpy.random.rand(), os.urandom(4))"
    assert not set(run(level, code)[0].split()) & set(run(level, code)[0].split())


@pytest.mark.slow
def test_a_kernel_whose_guardian_was_killed_is_lost_and_ends() -> None:
    needs(LANDLOCK)
    with (
        tempfile.TemporaryDirectory() as folder,
        student_kernel(Confinement(LANDLOCK, Limits())) as manager,
    ):
        run_sync(manager.start_kernel)(cwd=folder)
        started: Any = manager.provisioner
        guardian = psutil.Process(started.pid)
        (kernel,) = guardian.children()
        guardian.kill()
        # The home is left: nobody else removes it.
        assert kernel.wait(60) is None
        with pytest.raises(InfrastructureError, match="forked from has ended"):
            manager.refuse_loss()
        shutil.rmtree(started.process.home)


@pytest.mark.slow
def test_nothing_is_left_of_a_deep_and_closed_folder() -> None:
    needs(LANDLOCK)
    code = "import os\nfor _ in range(2000):\n    os.mkdir('d')\n    os.chdir('d')\n"
    run(LANDLOCK, "import os; print(os.environ['HOME'])", code)
    (home,) = run(LANDLOCK, "import os; print(os.environ['HOME'])")
    assert not Path(home.strip()).exists()


# Each part is small, and the message never ends: no limit on messages counts it.
PARTS_WITHOUT_END = """
import os, socket, struct, threading, time
part = b"\\x03" + struct.pack(">Q", 2**23) + bytes(2**23)
def send(line):
    while True:
        line.sendall(part)
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        line = socket.socket(fileno=os.dup(number))
        called = line.getsockname() and line.getpeername() is not None
    except OSError:
        continue
    if called:
        line.setblocking(True)
        threading.Thread(target=send, args=(line,), daemon=True).start()
time.sleep(600)
"""


def test_a_client_has_the_bounds_of_its_manager() -> None:
    with student_kernel(Confinement(NONE, Limits())) as manager:
        manager.write_connection_file()
        client = manager.client()
        try:
            for channel in (client.shell_channel, client.iopub_channel, client.control_channel):
                assert channel.socket.getsockopt(zmq.MAXMSGSIZE) == MAX_MESSAGE_BYTES
                assert channel.socket.getsockopt(zmq.SNDTIMEO) > 0
        finally:
            client.stop_channels()


def test_a_kernel_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    with student_kernel(Confinement(NONE, Limits())) as manager:
        run_sync(manager.start_kernel)(cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        assert manager.provisioner is not None
        run_sync(manager.provisioner.kill)()
        with pytest.raises(RuntimeError, match="died before"):
            run_sync(client.wait_for_ready)()


@pytest.mark.slow
def test_a_message_without_end_does_not_fill_the_conductor() -> None:
    why = _why_it_ended(PARTS_WITHOUT_END, 300)
    assert why == "{} sent more than can be read (1 GB)"


@pytest.mark.slow
def test_a_kernel_is_ended_in_time_whatever_holds_up_the_conductor() -> None:
    why = _why_it_ended("import time; time.sleep(600)", 1)
    assert why == "{} could not be stopped in time, so that its kernel was ended"


def _why_it_ended(code: str, seconds: float) -> str:
    """Why a kernel ended that runs the code, and may do so for some seconds."""
    needs(BUBBLEWRAP)
    notebook: Any = new_notebook(cells=[new_code_cell(code)])
    with (
        tempfile.TemporaryDirectory() as folder,
        student_kernel(Confinement(strongest(), Limits())) as manager,
    ):
        client = NotebookClient(
            notebook, km=manager, resources={"metadata": {"path": folder}}, timeout=None
        )
        client.owns_km = False
        with client.setup_kernel(), pytest.raises(DeadKernelError), manager.ended_after(seconds):
            client.execute_cell(notebook.cells[0], 0)
        assert client.kc is not None
        client.kc.stop_channels()
        return manager.why_it_ended()


@pytest.mark.slow
@pytest.mark.parametrize("level", [ZYGOTE, BUBBLEWRAP, LANDLOCK], ids=lambda level: level.name)
def test_nothing_outlives_a_conductor_that_is_killed(level: Level, tmp_path: Path) -> None:
    needs(level)
    script = tmp_path / "conductor.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_levels\n"
        f"test_levels.hold_a_kernel({level.name!r})\n"
    )
    # It leaves its own folders: here they are removed. A socket's path must be short.
    with tempfile.TemporaryDirectory() as folder:
        _kill_and_wait([sys.executable, str(script)], folder)


def hold_a_kernel(name: str) -> None:
    """Start a kernel that has a process of its own, and wait."""
    level = next(level for level in LEVELS if level.name == name)
    cell = new_code_cell("import subprocess\nsubprocess.Popen(['sleep', '600'])")
    with (
        tempfile.TemporaryDirectory() as folder,
        student_kernel(Confinement(level, Limits())) as manager,
    ):
        client = NotebookClient(
            new_notebook(cells=[cell]), km=manager, resources={"metadata": {"path": folder}}
        )
        client.owns_km = False
        with client.setup_kernel():
            client.execute_cell(cell, 0)
            print("ready", flush=True)
            time.sleep(600)


def _kill_and_wait(command: list[str], folder: str) -> None:
    environment = {**os.environ, "TMPDIR": folder}
    conductor = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert conductor.stdout is not None
    assert conductor.stdout.readline() == "ready\n"
    living = set(descendants(conductor.pid)) - {conductor.pid}
    assert living
    conductor.kill()
    conductor.wait()
    for process in living:
        with contextlib.suppress(ProcessLookupError):
            line = os.pidfd_open(process)
            # Readable when it has ended; the test would hang if it never did.
            ended = select.select([line], [], [], 60)[0]
            os.close(line)
            if not ended:
                os.kill(process, signal.SIGKILL)
            assert ended
