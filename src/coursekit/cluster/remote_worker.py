"""A worker as the coordinator sees it: what it was sent, and how far its admission is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from coursekit.class_grading.engine import Task
from coursekit.class_grading.results import FailedGrading
from coursekit.cluster.addresses import host_and_port
from coursekit.cluster.admission import Trial
from coursekit.grading.job import Graded


class State(Enum):
    """How far a worker is."""

    JOINING = "it has not given all known answers yet"
    ADMITTED = "it grades"
    REFUSED = "it is not used"


@dataclass(frozen=True)
class Sent:
    """A message that a worker has not answered yet.

    Attributes:
        about: what it is about: a task, a trial, or what is said before these.
        size: its bytes.
        deadline: when the worker must have answered, by the monotonic clock.

    """

    about: Task | Trial | str
    size: int
    deadline: float


@dataclass(eq=False)
class RemoteWorker:
    """A worker of the cluster.

    Attributes:
        address: where it is.
        name: what it is called.
        state: how far it is.
        trials: how many known answers it has still to give.
        sent: what it has not answered yet, by key.
        failures: how many gradings in a row have failed there for no fault of the submission's.

    """

    address: str
    name: str
    state: State = State.JOINING
    trials: int = 0
    sent: dict[str, Sent] = field(default_factory=dict)
    failures: int = 0

    @property
    def host(self) -> str:
        """The address of its machine."""
        return host_and_port(self.address)[0]

    @property
    def tasks(self) -> list[Task]:
        """What it has to grade now."""
        return [sent.about for sent in self.sent.values() if isinstance(sent.about, Task)]

    def failures_with(self, outcome: Graded | FailedGrading) -> int:
        """Count a grading; return how many in a row have failed now."""
        failed = isinstance(outcome, FailedGrading) and outcome.passing
        self.failures = self.failures + 1 if failed else 0
        return self.failures

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"
