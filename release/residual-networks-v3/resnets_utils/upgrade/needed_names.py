"""Find what an answer needs of its notebook: helper functions, settings and imports."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import resnets_utils
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText, free_names, own_lines, running_with
from resnets_utils.notebooks.released import imported_names
from resnets_utils.upgrade.imports import import_line
from resnets_utils.upgrade.todays_names import Names, is_there, meaning, todays_home

# Usual names of modules, and what the exercise's former helper file passed on with
# ``import *``.
_KNOWN_ALIASES = {
    "K": "keras.backend",
    "keras": "keras",
    "layers": "keras.layers",
    "math": "math",
    "np": "numpy",
    "os": "os",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
}
_KNOWN_ROOTS = {"keras", "tensorflow", "numpy", "math"}
_OF_NOTEBOOKS = {"get_ipython", "display", "__name__", "__file__", "__doc__"}


@dataclass(frozen=True)
class Binding:
    """A top-level statement of the earlier notebook that gives a name its value.

    Attributes:
        cell: the place of its cell.
        line: the line at which it begins there, from 1.
        text: the statement.
        own: whether it is a function or class of the student's, made in whatever way.

    """

    cell: int
    line: int
    text: str
    own: bool


@dataclass
class Needs:
    """What goes above an answer.

    Attributes:
        imports: import statements.
        helpers: statements of the student's, in the order of the notebook.
        missing: names that cannot be found, with the reason in words.

    """

    imports: list[str] = field(default_factory=list)
    helpers: list[Binding] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


class NotebookNames:
    """The names that a notebook's cells define at their top level.

    ``functions`` names the graded functions, which are not helpers.
    """

    def __init__(self, cells: Sequence[Cell], functions: Collection[str]) -> None:
        self.full_names: dict[str, str] = {}
        self._bindings: dict[str, Binding] = {}
        self._second_names: dict[str, ast.expr] = {}
        self._import_cells: dict[str, int] = {}
        self._stars: list[str] = []
        self._functions = set(functions)
        for place, cell in enumerate(cells):
            if cell.kind == "code":
                for python in _readable_parts(cell.source):
                    self._collect(place, python)

    def _collect(self, place: int, python: PythonText) -> None:
        assert python.tree is not None
        for node in ast.walk(python.tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                self._stars.append(node.module or "")
        for statement in python.tree.body:
            if statement.lineno in python.magic_lines:
                continue
            for node in running_with(statement):
                for name, full_name in imported_names(node).items():
                    self.full_names[name] = full_name
                    self._import_cells[name] = place
                    self._bindings.pop(name, None)
                    self._second_names.pop(name, None)
            first, last = own_lines(python, statement)
            text = "\n".join(python.lines[first - 1 : last])
            own = _makes_a_function(statement)
            value = _value_of(statement)
            for name in _bound_by(statement):
                if name not in self._functions:
                    self._bindings[name] = Binding(place, first, text, own)
                    self._second_names.pop(name, None)
                    if own:
                        self.full_names.pop(name, None)
                    elif isinstance(value, ast.Name | ast.Attribute):
                        self._second_names[name] = value

    @property
    def _handed_on(self) -> dict[str, str]:
        """What helper files may have passed on; {} if the notebook imported no such file."""
        unknown = [star for star in self._stars if star.split(".")[0] not in _KNOWN_ROOTS]
        return _KNOWN_ALIASES if unknown else {}

    def meanings(self, given: Mapping[str, str]) -> Names:
        """Return what names stand for here; ``given`` is for those that are not imported."""
        own = {name for name, binding in self._bindings.items() if binding.own}
        known = {**self._handed_on, **given, **self.full_names}
        names = Names({name: known[name] for name in known if name not in own})
        for name, value in self._second_names.items():
            if full_name := names.full_name(value):
                names.full_names[name] = full_name
        return names

    def needs_of(self, text: str, given: Mapping[str, str], running: Collection[int] = ()) -> Needs:
        """Return what a text needs above it.

        Args:
            text: a graded function's text in the new cell.
            given: the names that the release gives, with their full names.
            running: places of cells that will run in the new notebook anyway.

        """
        needs = Needs()
        waiting = [text]
        seen: set[str] = set()
        while waiting:
            python = PythonText(waiting.pop())
            for name in sorted(free_names(python.plain) - seen) if python.tree else ():
                seen.add(name)
                binding = self._wanted(name, given)
                if binding is None:
                    if self._import_cells.get(name) not in running:
                        self._import(name, given, needs)
                elif binding.cell not in running and binding not in needs.helpers:
                    needs.helpers.append(binding)
                    waiting.append(binding.text)
        needs.helpers.sort(key=lambda binding: (binding.cell, binding.line))
        return needs

    def _wanted(self, name: str, given: Mapping[str, str]) -> Binding | None:
        """The student's own definition of a name; only functions replace the release's names."""
        binding = self._bindings.get(name)
        if name in self._functions or binding is None:
            return None
        if binding.own or not (name in given or hasattr(builtins, name)):
            return binding
        stands_for = name in self._second_names and self.meanings(given).full_names.get(name, "")
        same = not stands_for or meaning(stands_for) == meaning(given.get(name, name))
        return None if same else binding

    def _import(self, name: str, given: Mapping[str, str], needs: Needs) -> None:
        if name in self._functions or name in _OF_NOTEBOOKS:
            return
        full_name = self.full_names.get(name, "")
        if not full_name and (name in given or hasattr(builtins, name)):
            return
        if name in given and (
            full_name.startswith("resnets_utils") or meaning(full_name) == meaning(given[name])
        ):
            return
        full_name = full_name or self._from_a_star(name) or self._handed_on.get(name, "")
        line = import_line(name, full_name, given) if full_name else ""
        if line:
            needs.imports.append(line)
        elif name not in given:
            needs.missing[name] = (
                f"{name} was imported as {full_name}, which can no longer be imported"
                if full_name
                else f"{name} is not defined in the earlier notebook"
            )

    def _from_a_star(self, name: str) -> str:
        """The full name of what ``from module import *`` gave; "" if no such module has it."""
        for module in reversed(self._stars):
            if module == "resnets_utils" and name in resnets_utils.__all__:
                return f"resnets_utils.{name}"
            home = todays_home(f"{module}.{name}")
            if home and module.split(".")[0] in _KNOWN_ROOTS and is_there(home):
                return home
        return ""


def _readable_parts(source: str) -> list[PythonText]:
    """A cell that Python can read, or else those of its statements that Python can read."""
    python = PythonText(source)
    if python.tree is not None:
        return [python]
    parts: list[str] = []
    for line in python.lines:
        if parts and (not line.strip() or line[0] in " \t)]}"):
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    read = [PythonText(part) for part in parts]
    return [part for part in read if part.tree is not None]


def _makes_a_function(statement: ast.stmt) -> bool:
    """Whether a statement makes a function or class: by itself, by ``lambda`` or ``partial``."""
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
        or (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "partial")
        for node in ast.walk(statement)
    )


def _value_of(statement: ast.stmt) -> ast.expr | None:
    """What an assignment gives to plain names, as a whole; None for other statements."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value
    if isinstance(statement, ast.Assign) and all(
        isinstance(target, ast.Name) for target in statement.targets
    ):
        return statement.value
    return None


def _bound_by(statement: ast.stmt) -> set[str]:
    """The names to which a top-level statement gives a value, except by imports."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set()
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
    if isinstance(statement, ast.If | ast.Try):
        return {
            name
            for node in ast.iter_child_nodes(statement)
            if isinstance(node, ast.stmt)
            for name in _bound_by(node)
        }
    return set()
