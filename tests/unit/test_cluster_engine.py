"""The coordinator's side of a cluster, over real TLS, with workers that answer what they like."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from distributed import Scheduler, Worker
from test_cluster_scheduler import begin, silent
from test_verdict import VERDICT

from coursekit.class_grading.engine import MAX_TRIES, Task, Work
from coursekit.class_grading.results import FailedGrading
from coursekit.cluster import cluster_engine, connection
from coursekit.cluster.admission import Trial
from coursekit.cluster.certificates import certificate_of, invite
from coursekit.cluster.cluster_engine import ClusterEngine
from coursekit.cluster.kept_connection import KeptConnection
from coursekit.cluster.kit_versions import versions_here
from coursekit.cluster.messages import BUNDLE, HELLO, JOB, REFUSED
from coursekit.cluster.packing import pack_folder
from coursekit.cluster.reaching import Unreachable, reach
from coursekit.cluster.relay import GradingWorker, shown_name, unique_name
from coursekit.cluster.scheduler import start_scheduler
from coursekit.cluster.security import Member, read_member
from coursekit.cluster.wire import Message, from_bytes, to_bytes
from coursekit.cluster.without_http import WithoutHttp
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.grading.job import Graded, Job
from coursekit.processes.plain_files import open_folder
from coursekit.sandbox.limits import Limits
from resnets_utils.checks.check_result import Outcome

LEVELS = ["bubblewrap"]


@dataclass
class Answers:
    """In place of a service: what a worker answers, and what it has heard."""

    job: Callable[[Job], Message] = lambda job: result(job)
    hello: dict[str, Any] = field(
        default_factory=lambda: {"versions": versions_here(), "levels": LEVELS}
    )
    bundle: str = ""
    heard: list[Message] = field(default_factory=list)

    def answer(self, sent: bytes) -> bytes:
        message = from_bytes(sent)
        self.heard.append(message)
        kind = message.data["kind"]
        if kind == BUNDLE:
            self.bundle = message.data["digest"]
        if kind == JOB and message.data["bundle"] != self.bundle:
            return to_bytes(Message({"lacks": "bundle"}))
        if kind == JOB:
            return to_bytes(self.job(Job(**message.data["job"])))
        return to_bytes(Message(self.hello if kind == HELLO else {}))

    def kinds(self) -> list[str]:
        return [message.data["kind"] for message in self.heard]

    def students(self) -> list[str]:
        jobs = [message.data["job"] for message in self.heard if message.data["kind"] == JOB]
        return [job["student"] for job in jobs if job["student"] != "trial"]

    def why_refused(self) -> str:
        return " ".join(one.data["why"] for one in self.heard if one.data["kind"] == REFUSED)


def result(job: Job, outcome: Outcome = Outcome.PASSED, **changes: Any) -> Message:
    first, *others = VERDICT.cells
    cells = (replace(first, checks=(replace(first.checks[0], outcome=outcome),)), *others)
    verdict = replace(VERDICT, cells=cells, **{**asdict(job), **changes})
    graded = Graded("{}", verdict.as_json())
    return Message({}, json.dumps({"graded": asdict(graded), "log": "[INFO] done"}).encode())


class _Stock(WithoutHttp, Worker):
    """A worker of Dask's own, without its open page."""


class Cluster:
    """A scheduler and workers on loopback, in a thread of their own."""

    def __init__(self, course: Path) -> None:
        self.member = read_member(certificate_of(course, "scheduler"))
        self.scheduler: Scheduler
        self.workers: dict[str, Worker] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result()

    @property
    def address(self) -> str:
        return str(self.scheduler.address)

    def start(self, port: int = 0) -> None:
        self.scheduler = self.do(start_scheduler(self.member, "127.0.0.1", port))

    def join(
        self, name: str, host: str, answers: Answers | None, kind: type[Worker] = GradingWorker
    ) -> None:
        async def joined() -> Worker:
            worker: Any = (kind if answers else _Stock)(
                self.address,
                name=unique_name(name),
                nthreads=1,
                host=host,
                security=self.member.security(),
            )
            worker.service = answers
            return await worker  # type: ignore[no-any-return]

        self.workers[name] = self.do(joined())

    def leave(self, name: str) -> None:
        self.do(self.workers.pop(name).close(nanny=False))

    def end(self) -> None:
        for name in list(self.workers):
            self.leave(name)
        self.do(self.scheduler.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = begin(tmp_path_factory.mktemp("course"))
    invite(made, "lab", 7, silent)
    return made


@pytest.fixture
def cluster(course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(cluster_engine, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(cluster_engine, "_MOST_WAIT_SECONDS", 60)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
    made = Cluster(course)
    made.start()
    try:
        yield made
    finally:
        made.end()


@dataclass
class Run:
    """A run over a few submissions."""

    engine: ClusterEngine
    tasks: list[Task]
    said: list[str]
    work: Work

    def grade(self) -> dict[str, Any]:
        """What each student has got; nobody gets anything twice."""
        found: dict[str, Any] = {}
        for together in self.engine.grade(iter(self.tasks)):
            for ended in together:
                assert ended.job.student not in found
                found[ended.job.student] = ended.outcome
        assert found.keys() == {task.job.student for task in self.tasks}
        return found


@contextmanager
def run(
    cluster: Cluster, course: Path, place: Path, number: int = 6, twice: float = 0
) -> Iterator[Run]:
    submitted, results = place / "submitted", place / "results"
    for folder in (submitted, results, place / "releases" / "a-v1"):
        folder.mkdir(parents=True)
    (submitted / "A.ipynb").write_text("{}")
    bundle = {"asked": {}, "releases": str(place / "releases"), "steps": [], "settings": {}}
    work = Work({**bundle, "untyped": {}}, "tests of today", results, place, number, Limits(), 60)
    with open_folder(submitted) as opened:
        packed = pack_folder(opened)
    trial_job = Job("a-v1", "A", "trial", "", 1)
    trial = Trial("the solution", trial_job, "submitted", packed, {"f": frozenset()})
    said: list[str] = []
    member = read_member(certificate_of(course, "coordinator"))
    kept = KeptConnection(cluster.address, member)
    engine = ClusterEngine(kept, work, [trial], "", twice, said.append)
    jobs = [Job("a-v1", "A", f"s{at}", "sha256:0", 7) for at in range(number)]
    try:
        kept.connect()
        yield Run(engine, [Task(job, lambda: open_folder(submitted)) for job in jobs], said, work)
    finally:
        kept.close()


def test_two_machines_grade_all_and_agree(cluster: Cluster, course: Path, tmp_path: Path) -> None:
    one, other = Answers(), Answers()
    cluster.join("one", "127.0.0.1", one)
    cluster.join("other", "127.0.0.2", other)
    with run(cluster, course, tmp_path, twice=1) as graded:
        assert all(isinstance(outcome, Graded) for outcome in graded.grade().values())
        assert sorted(one.students()) == sorted(other.students()) == [f"s{at}" for at in range(6)]
        assert {"one on 127.0.0.1 grades", "other on 127.0.0.2 grades"} <= set(graded.said)
        assert len(list(graded.work.results.iterdir())) == 6
    for answers in (one, other):
        # Nothing comes before it has said what it is.
        assert answers.kinds()[:3] == [HELLO, BUNDLE, JOB]


def test_a_machine_that_judges_otherwise_stops_the_run(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    def wrong(job: Job) -> Message:
        return result(job, Outcome.FAILED if job.student == "s2" else Outcome.PASSED)

    cluster.join("one", "127.0.0.1", Answers())
    cluster.join("planted", "127.0.0.2", Answers(wrong))
    with (
        run(cluster, course, tmp_path, twice=1) as graded,
        pytest.raises(InfrastructureError, match=r"s2's a-v1 differently: .* gave ") as told,
    ):
        graded.grade()
    assert "planted on 127.0.0.2 gave 0 points" in str(told.value)
    assert "one on 127.0.0.1 gave 2 points" in str(told.value)


def ends_itself(job: Job) -> Message:
    raise MemoryError("no memory")


FULL = Message({"failed": asdict(FailedGrading("the disk is full", "", passing=True))})
REFUSALS: dict[str, tuple[Answers | None, str]] = {
    "no sandbox": (Answers(hello={"versions": versions_here(), "levels": []}), "no sandbox"),
    "other versions": (
        Answers(hello={"versions": {**versions_here(), "keras": "2.15"}, "levels": LEVELS}),
        r"keras \(2.15 there",
    ),
    "a wrong verdict": (
        Answers(lambda job: result(job, Outcome.FAILED)),
        "for the solution, output shape failed; no check must fail",
    ),
    "always a full disk": (Answers(lambda job: FULL), "could not grade .*: the disk is full"),
    "a full disk later": (
        Answers(lambda job: result(job) if job.student == "trial" else FULL),
        "it cannot grade: the disk is full",
    ),
    "junk": (
        Answers(lambda job: result(job) if job.student == "trial" else Message({}, b"\xff")),
        "not about the submission",
    ),
    "another student's result": (
        Answers(lambda job: result(job, student="s1" if job.student == "s0" else job.student)),
        "not about the submission",
    ),
    "an error": (Answers(ends_itself), "MemoryError: no memory"),
    "a worker of Dask's own": (None, "not started by: coursekit cluster worker"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_who_is_not_used_takes_no_submission_along(
    cluster: Cluster, course: Path, tmp_path: Path, kind: str
) -> None:
    answers, why = REFUSALS[kind]
    # A test of another kind of worker may have left its words.
    bad = answers and replace(answers, heard=[], bundle="")
    cluster.join("bad", "127.0.0.2", bad)
    with run(cluster, course, tmp_path) as graded:

        def say(line: str) -> None:
            graded.said.append(line)
            if line.startswith("bad on 127.0.0.2 is not used"):
                # Only now, so that the other one had all that it wanted.
                cluster.join("good", "127.0.0.1", Answers())

        graded.engine._say = say
        assert all(isinstance(outcome, Graded) for outcome in graded.grade().values())
        [told] = [line for line in graded.said if "is not used" in line]
        assert re.search(why, told)
        assert "good on 127.0.0.1 grades" in graded.said
    if bad:
        assert re.search(why, bad.why_refused())


def test_one_failure_in_its_admission_refuses_nobody(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    left = [FULL] * (MAX_TRIES - 1)
    cluster.join("one", "127.0.0.1", Answers(lambda job: left.pop() if left else result(job)))
    with run(cluster, course, tmp_path) as graded:
        assert all(isinstance(outcome, Graded) for outcome in graded.grade().values())
    assert left == []


def test_a_submission_that_ends_every_worker_is_given_up(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    ended: list[str] = []

    def ends_its_worker(job: Job) -> Message:
        # A worker's first one: of those that were sent to it, that one is known to have begun.
        if job.student == "s0":
            left = threading.Event()
            threading.Thread(target=end, args=[left]).start()
            left.wait(60)
        return result(job)

    def end(left: threading.Event) -> None:
        ended.append(f"worker {len(ended)}")
        cluster.leave(ended[-1])
        left.set()
        # Another machine gets it at once.
        place = f"127.0.0.{len(ended) + 1}"
        cluster.join(f"worker {len(ended)}", place, Answers(ends_its_worker))

    cluster.join("worker 0", "127.0.0.1", Answers(ends_its_worker))
    with run(cluster, course, tmp_path) as graded:
        found = graded.grade()
    given_up = found.pop("s0")
    assert isinstance(given_up, FailedGrading) and "was lost" in given_up.message
    assert all(isinstance(outcome, Graded) for outcome in found.values())
    assert len(ended) == MAX_TRIES


def test_addresses_and_certificates_are_looked_at_first(course: Path) -> None:
    coordinator = certificate_of(course, "coordinator")
    with pytest.raises(CourseKitError, match="by tls:// only, not tcp://"):
        cluster_engine.cluster_engine(course, "a-v1", "tcp://h:1", coordinator, 0, silent)
    with pytest.raises(CourseKitError, match="there is no certificate file"):
        cluster_engine.cluster_engine(course, "a-v1", "tls://h:1", course / "x.pem", 0, silent)


def test_an_open_dashboard_is_refused(cluster: Cluster, course: Path, tmp_path: Path) -> None:
    class Open(GradingWorker):
        def start_http_server(self, *arguments: Any, **settings: Any) -> None:
            Worker.start_http_server(self, *arguments, **settings)

    answers = Answers()
    cluster.join("open", "127.0.0.2", answers, kind=Open)
    cluster.join("good", "127.0.0.1", Answers())
    with run(cluster, course, tmp_path) as graded:
        graded.grade()
        assert "open on 127.0.0.2 is not used: it has an open dashboard" in graded.said
    assert answers.heard == []

    async def stock() -> Scheduler:
        made: Scheduler = await Scheduler(
            host="127.0.0.1",
            port=0,
            protocol="tls",
            security=cluster.member.security(),
            dashboard_address="127.0.0.1:0",
        )
        return made

    other = cluster.do(stock())
    try:
        kept = KeptConnection(other.address, read_member(certificate_of(course, "coordinator")))
        with pytest.raises(
            InfrastructureError, match=r"(?s)has a dashboard .*coursekit cluster sched"
        ):
            kept.connect()
    finally:
        cluster.do(other.close())


def test_whoever_goes_and_comes_nothing_is_lost_or_double(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    port = int(cluster.address.rpartition(":")[2])
    good = Answers()

    def ends_the_scheduler(job: Job) -> Message:
        if job.student == "s1":
            threading.Thread(target=again).start()
        return result(job)

    def again() -> None:
        cluster.leave("one")
        cluster.do(cluster.scheduler.close())
        # Dask would make a connection again, if it could, before anybody has seen that it was lost.
        lost.wait(60)
        cluster.start(port)
        cluster.join("one", "127.0.0.1", forgets)
        cluster.join("leaves", "127.0.0.2", Answers(leaves))

    lost, gone = threading.Event(), threading.Event()

    def forgets_the_bundle(job: Job) -> Message:
        if job.student != "trial" and not gone.is_set():
            # As if another run had used it; and nothing ends before the other one has left.
            forgets.bundle = ""
            gone.wait(60)
        return result(job)

    def leaves(job: Job) -> Message:
        if job.student != "trial":
            threading.Thread(target=come_back).start()
        return result(job)

    def come_back() -> None:
        if "leaves" in cluster.workers:
            cluster.leave("leaves")
            cluster.join("comes", "127.0.0.2", good)

    forgets = Answers(forgets_the_bundle)
    cluster.join("one", "127.0.0.1", Answers(ends_the_scheduler))
    with run(cluster, course, tmp_path, number=12, twice=0.5) as graded:

        def say(line: str) -> None:
            graded.said.append(line)
            if "is lost; connecting again" in line:
                lost.set()
            if line == "leaves on 127.0.0.2 is gone":
                gone.set()

        graded.engine._say = say
        assert all(isinstance(outcome, Graded) for outcome in graded.grade().values())
    assert lost.is_set() and gone.is_set()
    assert forgets.kinds().count(BUNDLE) > 1


def test_why_a_scheduler_cannot_be_reached_is_told(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    coordinator = read_member(certificate_of(course, "coordinator"))
    assert reach(cluster.address, coordinator, 5) == "127.0.0.1"
    stranger = read_member(certificate_of(begin(tmp_path), "coordinator"))
    # Of this cluster's authority as far as it knows, which the scheduler is not told.
    half = Member("half", stranger.file, coordinator.authority)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for address, member, why in (
            (cluster.address, stranger, "its certificate is of another cluster than"),
            (cluster.address, half, "it does not let in"),
            (f"tls://127.0.0.1:{closed.getsockname()[1]}", coordinator, "Connection refused"),
            (f"tls://127.0.0.1:{silent.getsockname()[1]}", coordinator, "no answer"),
            ("tls://no-such-host.invalid:8786", coordinator, "no machine is found that is called"),
        ):
            with pytest.raises(Unreachable, match=why):
                reach(address, member, 5 if member is not coordinator else 0.5)


def test_names_of_workers() -> None:
    assert unique_name("lab/0") != unique_name("lab/0")
    assert shown_name(unique_name("lab #1/0")) == "lab #1/0"
    assert shown_name("by Dask") == "by Dask"
    assert shown_name("\x1b[2Jx#1") == "\\x1b[2Jx"
    assert len(shown_name("x" * 1000)) == 100
