"""`coursekit grade --cluster`: the same as on one machine, whatever ends in between.

``pytest tests/integration/test_cluster.py --cluster-rounds 3`` also grades 40 submissions three
times, while anything may end at any time, and finds a worker that judges otherwise.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from cluster_hosts import Host, cluster_hosts
from small_course import NAME, small_course
from written_results import rows, written

from coursekit.cli import main
from coursekit.cluster.addresses import PORT
from coursekit.cluster.kit_versions import versions_here
from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.nbgrader_run import LOG
from coursekit.release.pipeline import generate

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).resolve().parents[2] / "src"
PROGRAM = "import sys; from coursekit.cli import main; sys.exit(main())"
ANSWER = "identity_block"
PROBER = "a prober"
# Where a program of the cluster listens: tried from a cell, and from the function itself.
PROBE = """import socket

def reached():
    found = []
    for place in {places!r}:
        try:
            with socket.socket() as line:
                line.settimeout(5)
                line.connect(place)
        except OSError:
            continue
        found.append(place)
    return found

print("reached:", reached())"""
# Whoever waits for what a program says waits no longer than this.
PATIENCE_SECONDS = 300


class Program:
    """A command of the kit's on a host, and what it says."""

    def __init__(self, host: Host, *words: object, sources: Path = SOURCES) -> None:
        self.lines: list[str] = []
        self._heard = threading.Condition()
        self._ended = False
        self.process = host.start(
            [sys.executable, "-u", "-c", PROGRAM, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PYTHONPATH": str(sources)},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def hear(self, pattern: str, after: int = 0) -> int:
        """Wait for a line, and return how many it has said up to there."""

        def place() -> int | None:
            found = (at for at, line in enumerate(self.lines) if re.search(pattern, line))
            return next((at for at in found if at >= after), None)

        with self._heard:
            heard = self._heard.wait_for(
                lambda: self._ended or place() is not None, PATIENCE_SECONDS
            )
            at = place()
        assert heard and at is not None, f"{pattern} was not said: {''.join(self.lines)}"
        return at + 1

    @property
    def has_ended(self) -> bool:
        return self._ended

    def end(self, number: int = signal.SIGKILL) -> None:
        """End it, and wait for its end."""
        self.process.send_signal(number)
        self.wait()

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        self._reader.join()
        return self.process.wait()


@dataclass
class Cluster:
    """A scheduler and a worker on each host; the coordinator is on the first one."""

    hosts: list[Host]
    course: Path

    def __post_init__(self) -> None:
        self.every: list[Program] = []
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker(at) for at in range(len(self.hosts))]
        for worker in self.workers:
            worker.hear(" serves tls://")

    @property
    def address(self) -> str:
        return f"tls://{self.hosts[0].address}:{PORT}"

    def _start(self, host: Host, *words: object, sources: Path = SOURCES) -> Program:
        self.every.append(Program(host, *words, sources=sources))
        return self.every[-1]

    def start_scheduler(self) -> Program:
        host = self.hosts[0]
        words = ("--course", self.course, "cluster", "scheduler", "--host", host.address)
        program = self._start(host, *words)
        program.hear(" serves at ")
        return program

    def start_worker(self, at: int, sources: Path = SOURCES) -> Program:
        host = self.hosts[at]
        certificate = host.folder / "home" / "worker.pem"
        shutil.copy(self.course / "cluster" / f"{host.name}.pem", certificate)
        words = ("cluster", "worker", self.address, "--certificate", certificate, "--workers", 1)
        return self._start(host, *words, sources=sources)

    def grade(self, course: Path | None = None, twice: int = 50) -> Program:
        words = ("--course", course or self.course, "grade", NAME, "--cluster", self.address)
        return self._start(self.hosts[0], *words, "--twice", twice, salts(self.course))

    def said(self) -> str:
        return "".join(line for program in self.every for line in program.lines)

    def listening(self) -> list[tuple[str, int]]:
        """Where programs listen on the hosts."""
        found = set()
        for host in self.hosts:
            for line in host.run(["cat", "/proc/net/tcp"])[1].splitlines()[1:]:
                local, _, state = line.split()[1:4]
                address, port = local.split(":")
                if state == "0A":
                    parts = [str(int(address[at : at + 2], 16)) for at in (6, 4, 2, 0)]
                    found.add((".".join(parts), int(port, 16)))
        return sorted(found)


@contextmanager
def cluster_of(course: Path) -> Iterator[Cluster]:
    """Three hosts with their programs, which end with the block."""
    with cluster_hosts(3) as hosts:
        begin = ["--course", str(course), "cluster"]
        assert main([*begin, "init", "--host", hosts[0].address]) == 0
        for host in hosts:
            assert main([*begin, "invite", host.name]) == 0
        cluster = None
        try:
            cluster = Cluster(hosts, course)
            yield cluster
        finally:
            for host in hosts:
                host.end_programs()
            for program in cluster.every if cluster else []:
                program.wait()


def salts(course: Path) -> str:
    """The setting by which every run of a class asks the same questions."""
    path = course / "salts.json"
    students = sorted(path.name for path in (course / "submitted").iterdir())
    path.write_text(json.dumps({who: 2026 for who in students}))
    return f"--JudgeAnswers.salts_file={path}"


def hand_in(assignment: Assignment, number: int, places: list[tuple[str, int]]) -> None:
    """A class: right, wrong and unreadable ones, and one that looks for the cluster."""
    right = solution_cells(assignment)[ANSWER]
    wrong = right.replace('bn_name + "2c"', '"mine"')
    asks = right.replace("X_shortcut = X\n", "X_shortcut = X\n    assert reached() == []\n", 1)
    assert len({right, wrong, asks}) == 3
    release = released(assignment)
    probe = fill_in(release, {ANSWER: asks}, first=[PROBE.format(places=places)])
    submit(assignment, PROBER, probe)
    submit(assignment, "broken", release).write_bytes(b"{")
    # Time to end something in, which costs nothing.
    slow = ["import time", "time.sleep(4)"]
    for at in range(number - 2):
        answer = wrong if at % 3 == 0 else right
        submit(assignment, f"s{at:02}", fill_in(release, {ANSWER: answer}, first=slow))


def grade_here(course: Path) -> None:
    assert main(["--course", str(course), "grade", NAME, "--workers", "1", salts(course)]) == 1


def copy(course: Path, folder: Path) -> Path:
    """The same class, with what names its files on this machine."""
    return shutil.copytree(course, folder)


@dataclass
class Compared:
    """A class graded here and on a cluster on which much has ended."""

    here: Path
    there: Path
    said: str
    places: list[tuple[str, int]]
    reached: list[str]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Compared:
    there = tmp_path_factory.mktemp("there")
    small = small_course(there, assignment, {"cell_seconds": 20})
    generate(small)
    with cluster_of(there) as cluster:
        places = cluster.listening()
        reached = [try_all(host, places) for host in cluster.hosts]
        hand_in(small, 10, places)
        here = copy(there, tmp_path_factory.mktemp("here") / "course")
        coordinator = cluster.grade()
        heard = coordinator.hear("^1 of 10 ")
        cluster.scheduler.end()
        cluster.scheduler = cluster.start_scheduler()
        heard = coordinator.hear("connecting again", heard)
        heard = max(coordinator.hear(f"{at}/0 on .* grades", heard) for at in ("lab-2", "lab-3"))
        cluster.hosts[1].cut_off()
        heard = coordinator.hear("^[0-9]+ of 10 ", heard)
        cluster.hosts[1].join_again()
        cluster.hosts[2].end_programs()
        coordinator.hear("^[0-9]+ of 10 ", coordinator.hear("lab-3/0 on .* is gone", heard))
        coordinator.end()
        assert cluster.grade().wait() == 1  # of "broken"
        for program in (*cluster.workers[:2], cluster.scheduler):
            program.end(signal.SIGINT)
            assert program.process.returncode == 130
        folders = [host.folder / "tmp" for host in cluster.hosts[:2]]
        assert [path for folder in folders for path in folder.glob("coursekit-*")] == []
        said = cluster.said()
    grade_here(here)
    return Compared(here, there, said, places, reached)


def try_all(host: Host, places: list[tuple[str, int]]) -> str:
    """What a student's program reaches that runs on a host, and in no sandbox."""
    return host.run([sys.executable, "-S", "-E", "-c", PROBE.format(places=places)])[1]


def test_the_same_gradebook_and_the_same_files(compared: Compared) -> None:
    here, there = written(compared.here, NAME), written(compared.there, NAME)
    assert there[0] == here[0]
    assert there[1].keys() == here[1].keys()
    assert [name for name in here[1] if here[1][name] != there[1][name]] == []
    scores = {key[0]: row[0] for key, row in here[0].items() if key[2:3] == ("grade",)}
    assert sorted(scores.values(), key=str) == [3.0] * 3 + [6.0] * 6 + [None]
    assert not (compared.there / "build" / "grading" / NAME).exists()


def test_what_was_ended_is_told_and_nothing_is_graded_again(compared: Compared) -> None:
    said = compared.said
    assert "Traceback" not in said
    for words in ("is lost; connecting again", "lab-3/0 on 10.77.0.3 is gone", "going on with a"):
        assert words in said
    done = re.findall(r"^\d+ of (\d+)  (.*?): ", said, flags=re.MULTILINE)
    assert {student for _, student in done} == {key[0] for key in rows(compared.there, NAME)}
    # What was written before the coordinator was ended is not graded again.
    totals = [int(number) for number, _ in done]
    assert totals[0] == 10 > totals[-1]
    log = (compared.there / LOG).read_text(encoding="utf-8")
    assert {"lab-1/0", "lab-2/0"} <= set(re.findall(r"graded by (\S+) on", log))


def test_a_student_s_code_reaches_nothing_of_the_cluster(compared: Compared) -> None:
    # The scheduler's port, and one of each worker's; on a host, all of them can be reached.
    assert len(compared.places) == 4
    assert [said.count("(") for said in compared.reached] == [4, 4, 4]
    scores = rows(compared.there, NAME)
    assert scores[PROBER, "Small_Block_v1", "grade", f"test_{ANSWER}"][0] == 6
    graded = compared.there / "autograded" / PROBER / NAME / "Small_Block_v1.ipynb"
    assert '"reached: []\\n"' in graded.read_text(encoding="utf-8")


def a_part(program: Program, part: str) -> list[psutil.Process]:
    """A process of a worker's whose command has this part; all of them for ""."""
    with suppress(psutil.Error):
        first = psutil.Process(program.process.pid)
        every = [first, *first.children(recursive=True)]
        return every if not part else [one for one in every if part in " ".join(one.cmdline())][:1]
    return []


class Events:
    """What may happen to a cluster while it grades; each of them leaves it complete again."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._chance = chance
        self.coordinator = cluster.grade()

    def any(self) -> str:
        """Let one happen; return its name."""
        name = self._chance.choice([name for name in vars(Events) if name.startswith("_on_")])
        getattr(self, name)()
        return name

    def _worker(self) -> int:
        return self._chance.randrange(len(self._cluster.workers))

    def _on_end_of_the_scheduler(self) -> None:
        self._cluster.scheduler.end(self._chance.choice([signal.SIGKILL, signal.SIGINT]))
        self._cluster.scheduler = self._cluster.start_scheduler()

    def _on_end_of_a_worker(self) -> None:
        at = self._worker()
        self._cluster.workers[at].end(self._chance.choice([signal.SIGKILL, signal.SIGINT]))
        self._cluster.workers[at] = self._cluster.start_worker(at)

    def _on_power_cut(self) -> None:
        at = self._chance.choice([1, 2])
        self._cluster.hosts[at].end_programs()
        self._cluster.workers[at].wait()
        self._cluster.workers[at] = self._cluster.start_worker(at)

    def _on_cut_off_for_a_minute(self) -> None:
        host = self._cluster.hosts[self._chance.choice([1, 2])]
        host.cut_off()
        time.sleep(60)
        host.join_again()

    def _on_slow_worker(self) -> None:
        every = a_part(self._cluster.workers[self._worker()], "")
        seconds = self._chance.choice([5, 20, 45])
        for step in ("suspend", "resume"):
            for process in every:
                with suppress(psutil.Error):
                    getattr(process, step)()
            time.sleep(seconds if step == "suspend" else 0)

    def _on_end_of_a_part(self) -> None:
        part = self._chance.choice(
            ["coursekit.class_grading", "coursekit.judge", "zygote", "coursekit.repair"]
        )
        for process in a_part(self._cluster.workers[self._worker()], part):
            with suppress(psutil.Error):
                process.kill()

    def _on_end_of_the_coordinator(self) -> None:
        if not self.coordinator.has_ended:
            self.coordinator.end(self._chance.choice([signal.SIGKILL, signal.SIGINT]))
            self.coordinator = self._cluster.grade()


def test_whatever_happens_at_any_time(
    tmp_path: Path, assignment: Assignment, pytestconfig: pytest.Config
) -> None:
    rounds: int = pytestconfig.getoption("cluster_rounds")
    if not rounds:
        pytest.skip("takes many minutes: --cluster-rounds N")
    small = small_course(tmp_path / "class", assignment, {"cell_seconds": 20})
    generate(small)
    hand_in(small, 40, [])
    here = copy(small.course, tmp_path / "here")
    grade_here(here)
    for number in range(rounds):
        chance = random.Random(number)
        there = copy(small.course, tmp_path / f"there {number}")
        with cluster_of(there) as cluster:
            events = Events(cluster, chance)
            happened = []
            while not events.coordinator.has_ended:
                time.sleep(10 * chance.random())  # anywhere in what it does
                happened.append(events.any())
            assert events.coordinator.wait() == 1
            assert "Traceback" not in cluster.said(), happened
        assert written(there, NAME) == written(here, NAME), happened
        assert not (there / "build" / "grading" / NAME).exists()


# What a worker may add to itself that has given the known answers, of which there are two.
ALL_PASSED = """

KNOWN = [True, True]

def all_passed(content):
    import json
    from dataclasses import replace
    from coursekit.judge.verdict import NotebookVerdict
    from resnets_utils.checks.check_result import Outcome
    if KNOWN:
        KNOWN.pop()
        return content
    data = json.loads(content)
    verdict = NotebookVerdict.from_json(data["graded"]["verdict"])
    cells = tuple(
        replace(cell, checks=tuple(replace(one, outcome=Outcome.PASSED) for one in cell.checks))
        for cell in verdict.cells
    )
    data["graded"]["verdict"] = replace(verdict, cells=cells).as_json()
    return json.dumps(data).encode()
"""


def test_a_worker_that_judges_otherwise_is_named(
    tmp_path: Path, assignment: Assignment, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("cluster_rounds"):
        pytest.skip("tests/unit/test_cluster_engine.py tries the same; here: --cluster-rounds N")
    planted = tmp_path / "planted"
    shutil.copytree(SOURCES, planted, symlinks=True)
    replace_in(
        planted / "coursekit" / "cluster" / "kit_versions.py",
        "return digest.hexdigest()[:16]",
        f"return {versions_here()['the course kit']!r}",
    )
    replace_in(
        planted / "coursekit" / "cluster" / "service.py",
        "result.read_bytes())",
        "all_passed(result.read_bytes()))",
    )
    with (planted / "coursekit" / "cluster" / "service.py").open("a") as stream:
        stream.write(ALL_PASSED)
    small = small_course(tmp_path / "class", assignment, {"cell_seconds": 20})
    generate(small)
    hand_in(small, 10, [])
    with cluster_of(small.course) as cluster:
        cluster.workers[2].end()
        cluster.workers[2] = cluster.start_worker(2, planted)
        cluster.workers[2].hear(" serves tls://")
        coordinator = cluster.grade(twice=100)
        assert coordinator.wait() == 1
        said = " ".join("".join(coordinator.lines).split())
    assert re.search(r"error: two machines graded s\d\d's small-block-v1 differently: ", said)
    assert "lab-3/0 on 10.77.0.3 gave 6 points" in said
    assert "gave 3 points" in said


def replace_in(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")
