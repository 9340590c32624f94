"""Why a name that a notebook should have defined is missing: what its cell ended in."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resnets_utils.notebooks.python_text import PythonText

_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_SYNTAX_ERRORS = ("SyntaxError", "IndentationError", "TabError")
# Errors of names that a version of Python has and another has not.
_OF_A_VERSION = ("ImportError", "ModuleNotFoundError", "AttributeError")
_OF_FILES = (
    *("ImportError", "ModuleNotFoundError", "FileNotFoundError", "OSError", "NameError"),
    *("AttributeError", "Exception: File"),  # the last is what %run says
)
_MAX_CAUSES = 3
# What brings names into a notebook without naming them.
_BRINGS_NAMES = re.compile(r"^\s*(from\s+[\w.]+\s+import\s*\*|%run\b|exec\s*\()", re.MULTILINE)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def error_in_words(name: str, words: str) -> str:
    """Return the error in a cell's output as one text, which is never empty."""
    return ": ".join(filter(None, (name.strip(), words.strip()))) or "an error without a name"


@dataclass(frozen=True)
class CellEnd:
    """A cell of the student's that did not run to its end.

    Attributes:
        source: its text.
        name: the grade id of the answer that it is; "" if it is the student's own.
        why: the error that it ended in, or what stopped it, in words.
        stopped: whether it was stopped, or not run at all.

    """

    source: str
    name: str
    why: str
    stopped: bool

    def __str__(self) -> str:
        return f"did not end: {self.why}" if self.stopped else f"ended in {self.why}"


class CellEnds:
    """The cells of one notebook that did not run to their ends.

    Args:
        answers: the grade id of the cell for each graded function.
        left_out: why a file that was handed in is not there, by its path.
        python: the version of Python that the notebook names; "" if it names none.

    """

    def __init__(
        self, answers: Mapping[str, str], left_out: Mapping[str, str], python: str
    ) -> None:
        self._answers = answers
        self._left_out = left_out
        self._python = python
        self._ends: list[CellEnd] = []
        self._whole: list[str] = []

    def add(self, end: CellEnd) -> None:
        """Take down how a cell ended; one that ran to its end has no ``why``."""
        if end.why:
            self._ends.append(end)
        else:
            self._whole.append(end.source)

    def cause_of(self, function: str) -> str:
        """Return why a graded function is not defined; "" if every cell ran to its end."""
        ends: list[CellEnd] = []
        name = function
        while name and len(ends) < _MAX_CAUSES:
            end = self._end_of(name)
            if end is None or end in ends:
                break
            ends.append(end)
            told = _UNDEFINED.search(end.why)
            name = told[1] if told else ""
        if not ends:
            # A cell may catch the error itself.
            caught = (text for text in self._whole if function in _defined_by(text, function))
            files = (self._on_files(["ImportError"], text) for text in caught)
            return next(filter(None, files), "").removeprefix("; ")
        words = [f"its cell {ends[0]}", *(f"whose cell {end}" for end in ends[1:])]
        return ", ".join(words) + self._more_on([end.why for end in ends], ends[0].source)

    def explained(self, reason: str) -> str:
        """Return an error's words, and what is known about them."""
        told = _UNDEFINED.search(reason)
        cause = self.cause_of(told[1]) if told else ""
        return reason + (f": {cause}" if cause else self._more_on([reason], ""))

    def _end_of(self, name: str) -> CellEnd | None:
        """The cell that should have defined a name: by its text, else the answer's own."""
        ends = self._ends[::-1]
        for end in ends:
            if name in _defined_by(end.source, name):
                return end
        own = self._answers.get(name)
        for end in ends:
            if own and end.name == own:
                return end
        return next((end for end in ends if _BRINGS_NAMES.search(end.source)), None)

    def _more_on(self, causes: list[str], source: str) -> str:
        return self._on_versions(causes) + self._on_files(causes, source)

    def _on_versions(self, causes: list[str]) -> str:
        if self._python == HERE:
            return ""
        syntax = any(cause.startswith(_SYNTAX_ERRORS) for cause in causes)
        if not self._python:
            # Nothing tells the student's version: the grader's alone is no accusation.
            return f" (read by Python {HERE})" if syntax else ""
        if not syntax and not any(cause.startswith(_OF_A_VERSION) for cause in causes):
            return ""
        words = (
            f"; the notebook was written with Python {self._python}, and Python {HERE} graded it"
        )
        if syntax:
            words += (
                f": write what Python {HERE} can read, or ask to have it graded with "
                f"Python {self._python}"
            )
        return words

    def _on_files(self, causes: list[str], source: str) -> str:
        """Name a file that was left out and that an error may come from."""
        said = [cause for cause in causes if cause.startswith(_OF_FILES)]
        modules = set(_imported_by(source)) if said else set()
        for path, why in self._left_out.items():
            name = path.rsplit("/", 1)[-1]
            stem = name.removesuffix(".py")
            module = path.removesuffix(".py").replace("/", ".")
            words = {name, stem, module} if name.endswith(".py") else {name}
            found = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, words))})(?!\w)")
            if any(found.search(cause) for cause in said) or (
                name.endswith(".py") and stem in modules
            ):
                return f"; {path} was handed in and left out: {why}"
        return ""


def _defined_by(source: str, name: str) -> set[str]:
    """The name, if a text would give it a value; otherwise nothing."""
    if name not in source:
        return set()
    tree = PythonText(source).tree
    if tree is None:
        return {name} if re.search(rf"\b{re.escape(name)}\b", source) else set()
    return {found for found in _names(tree, name) if found == name}


def _names(tree: ast.Module, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.split(".")[0]
        elif isinstance(node, ast.Constant) and _is_code_for(node.value, name):
            yield name


def _is_code_for(value: object, name: str) -> bool:
    """Whether a constant defines a name: for exec, globals()["name"] and the like."""
    return isinstance(value, str) and (
        value == name or re.search(rf"\bdef\s+{re.escape(name)}\b", value) is not None
    )


def _imported_by(source: str) -> Iterator[str]:
    """The modules that a text imports, as far as they can be read off it."""
    for found in re.finditer(r"^\s*(?:from|import)\s+([\w.]+)", source, re.MULTILINE):
        yield found[1].split(".")[0]
