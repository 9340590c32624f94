"""One submission to be graded, what all of a run have in common, and what comes of one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import AssignLatePenalties, OverwriteKernelspec, SaveAutoGrades
from traitlets.config import Config
from traitlets.config.loader import DeferredConfig, DeferredConfigList, DeferredConfigString

from coursekit.errors import InfrastructureError
from coursekit.gradebook.asked_cells import NotebookCells, tests_digest

# These write into the gradebook: they run where it is written, after grading.
_WRITING = (SaveAutoGrades, AssignLatePenalties)


@dataclass(frozen=True)
class Job:
    """One notebook of one submission, to be graded.

    With the same submitted files and the same bundle, the same job gives the same result.

    Attributes:
        assignment: the assignment that it was handed in for.
        notebook: that assignment's notebook, without its ending.
        student: the student's id.
        digest: of the submission's files; see `submission_digest`.
        salt: determines the random inputs.

    """

    assignment: str
    notebook: str
    student: str
    digest: str
    salt: int


@dataclass(frozen=True)
class Bundle:
    """What the gradings of one run have in common.

    Attributes:
        asked: the gradebook's cells, by assignment and notebook.
        releases: the folder of the released assignments.
        steps: the preprocessors of nbgrader's two passes, in order: classes, functions, or
            the full names of such.
        settings: nbgrader's configuration.

    """

    asked: Mapping[str, Mapping[str, NotebookCells]]
    releases: Path
    steps: tuple[Any, ...]
    settings: Config

    @cached_property
    def tests(self) -> frozenset[str]:
        """The digests of all test cells that a submission of this run can be judged by."""
        return frozenset(
            tests_digest(assignment, name, cells)
            for assignment, notebooks in self.asked.items()
            for name, cells in notebooks.items()
        )

    def released_files(self) -> Iterator[tuple[Path, Path]]:
        """Yield the files of all releases: their paths within `releases`, and where they are."""
        for assignment in sorted(self.asked):
            for path in sorted((self.releases / assignment).rglob("*")):
                if path.is_file():
                    yield path.relative_to(self.releases), path

    @cached_property
    def reading(self) -> list[Any]:
        """The steps that grade one submission, without a gradebook."""
        return [
            step
            for step in self._found[: self._first_writing]
            # What it does, `grade` does from the bundle.
            if not _is(step, OverwriteKernelspec)
        ]

    @cached_property
    def writing(self) -> list[Any]:
        """The steps that write the result into the gradebook, and those after them."""
        return self._found[self._first_writing :]

    @cached_property
    def _found(self) -> list[Any]:
        return [_named(step) if isinstance(step, str) else step for step in self.steps]

    @property
    def _first_writing(self) -> int:
        found = [at for at, step in enumerate(self._found) if _is(step, *_WRITING)]
        return min(found, default=len(self.steps))

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data for another process on this machine.

        Raises:
            InfrastructureError: if a setting or a step cannot be passed on.

        """
        wanted = {owner.__name__ for step in self.reading for owner in getattr(step, "__mro__", ())}
        settings = {
            name: dict(values)
            for name, values in self.settings.items()
            if name in wanted | {"StudentKernel"}
        }
        # Settings from a command line are texts until the type of the setting is known.
        untyped = {
            name: [key for key, value in values.items() if isinstance(value, DeferredConfig)]
            for name, values in settings.items()
        }
        try:
            settings = json.loads(json.dumps(settings, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InfrastructureError(
                f"a setting in nbgrader_config.py cannot be passed to another process: {error}",
                "use numbers, texts, lists and mappings for it",
            ) from None
        return {
            "asked": {
                assignment: {name: asdict(cells) for name, cells in notebooks.items()}
                for assignment, notebooks in self.asked.items()
            },
            "releases": str(self.releases),
            "steps": [_name_of(step) for step in self._found],
            "settings": settings,
            "untyped": untyped,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Bundle:
        """Return the bundle of which `as_data` made ``data``."""
        settings = Config(data["settings"])
        for name, keys in data["untyped"].items():
            for key in keys:
                value = settings[name][key]
                kind = DeferredConfigString if isinstance(value, str) else DeferredConfigList
                settings[name][key] = kind(value)
        return cls(
            {
                assignment: {
                    name: NotebookCells.from_data(cells) for name, cells in notebooks.items()
                }
                for assignment, notebooks in data["asked"].items()
            },
            Path(data["releases"]),
            tuple(data["steps"]),
            settings,
        )


@dataclass(frozen=True)
class Graded:
    """What grading a job gave.

    Attributes:
        notebook: the graded notebook, as nbformat writes it.
        verdict: its verdict, as `NotebookVerdict.as_json` writes it.

    """

    notebook: str
    verdict: str


def run_step(step: Any, parent: Any, notebook: Any, resources: Any) -> tuple[Any, Any]:
    """Run a step of nbgrader's, or of a course's own, as nbconvert does."""
    runs = step(parent=parent) if isinstance(step, type) else step
    done: tuple[Any, Any] = runs(notebook, resources)
    return done


def _is(step: Any, *kinds: type[Any]) -> bool:
    return isinstance(step, type) and issubclass(step, kinds)


def _named(name: str) -> Any:
    module, _, own = name.rpartition(".")
    return getattr(import_module(module), own)


def _name_of(step: Any) -> str:
    """The name by which another process imports a step.

    Raises:
        InfrastructureError: if there is no such name.

    """
    name = f"{step.__module__}.{getattr(step, '__qualname__', '')}"
    with contextlib.suppress(ImportError, AttributeError, ValueError):
        if _named(name) is step:
            return name
    raise InfrastructureError(
        f"the step {getattr(step, '__name__', step)} in nbgrader_config.py cannot be passed to "
        "another process",
        "put it into a module that can be imported",
    )
