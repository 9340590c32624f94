"""The house rules that a reader relies on: one name a module, short modules, plain words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
MODULES = [path for room in ("src", "studio") for path in sorted((HOUSE / room).rglob("*.py"))]
PAGES = [
    *MODULES,
    *(HOUSE / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")),
    *sorted((HOUSE / "docs").glob("*.md")),
    *sorted((HOUSE / "source").rglob("*.ipynb")),
    *sorted((HOUSE / "grader_tests").rglob("*.py")),
]
MAX_LINES = 400
# Each makes a reader stop: a plainer word says the same.
RIDDLES = re.compile(r"\b(is none|are none|mend(s|ed|ing)?|anew|shut in|set back)\b", re.IGNORECASE)


def test_no_two_modules_have_one_name() -> None:
    names = Counter(path.stem for path in MODULES if not path.stem.startswith("__"))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_module_can_be_read_in_a_sitting() -> None:
    lines = {path.name: path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_words_are_plain() -> None:
    found = {}
    for path in PAGES:
        # `is None` is Python; "is none" is a riddle.
        text = re.sub(r"\b(is|are) None\b", "", path.read_text(encoding="utf-8"))
        if riddles := [riddle[0] for riddle in RIDDLES.finditer(text)]:
            found[path.name] = riddles
    assert found == {}
