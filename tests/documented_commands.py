"""The commands that the pages show in blocks, and which test runs each of them.

A command is run on a small class by ``tests/integration/test_learning_platforms.py``, unless it is
named here: because another test runs it already, or because no test can.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

HOUSE = Path(__file__).resolve().parents[1]
COURSE_PAGE = HOUSE / "src/coursekit/new_course/template/README.md"
# The first course comes first: its commands collect and grade what the others then find.
PAGES = [
    HOUSE / "docs/first-course.md",
    *(HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted({*(HOUSE / "docs").glob("*.md")} - {HOUSE / "docs/first-course.md"}),
    COURSE_PAGE,
]
# A block of this language is commands, and no other block is.
SHELL = "sh"
PROGRAMS = ("coursekit", "nbgrader", "make", "python", "pip", "docker", "jupyter", "git", "conda")
# Their second word only begins the command.
TWO_WORDS = ("coursekit cluster", "coursekit gradebook", "conda env", "pip install", "python -m")
# What the small class's test runs: the kit, nbgrader, and these in a shell. It passes over the
# last two, for it runs everything in the course's folder.
BY_SHELL = ("cp", "mkdir", "make")
PASSED_OVER = ("cd", ".")
INSTALLED = "tests/integration/test_installed_kit.py"
CLUSTER = "tests/integration/test_cluster.py"
POSTGRESQL = "tests/integration/test_postgresql.py"
IMAGE = "tests/integration/test_image.py"
# Where a command is run that costs a grading, or needs what a small class has not.
ELSEWHERE = {
    "coursekit release": INSTALLED,
    "coursekit demo": INSTALLED,
    "pip install residual_networks_course_kit-*.whl": INSTALLED,
    "coursekit grade --force": POSTGRESQL,
    "coursekit regrade": "tests/integration/test_regrade.py",
    "coursekit regrade --write": "tests/integration/test_versions.py",
    "coursekit upgrade": "tests/unit/test_upgrade_bulk.py",
    "python -m resnets_utils.upgrade": "tests/unit/test_upgrade_command.py",
    "coursekit cluster scheduler --host": CLUSTER,
    "coursekit grade --cluster": CLUSTER,
    "coursekit cluster worker --certificate --workers": CLUSTER,
    "coursekit gradebook copy": POSTGRESQL,
    "coursekit gradescope": "tests/integration/test_own_assignments.py",
    "docker build": IMAGE,
    "docker run": IMAGE,
    "jupyter lab": "tests/browsing.py",
    "python -m studio pretrain --check": "tests/unit/test_pretrained.py",
    "make demo": ".github/workflows/ci.yml",
    "make test": ".ci/run",
}
NO_TEST = {
    "git clone": "asks the network",
    "git init --initial-branch": "git's own, for a repository that others see",
    "git add --all": "git's own",
    "git commit": "git's own",
    "git remote": "git's own",
    "git push": "asks the network",
    "pip install tensorflow>=2.18": "asks a registry; test_oldest_versions.py has these packages",
    "pip install psycopg[binary]>=3.2,<4": "asks a registry",
    "make setup": "installs 2.6 GB; tests/unit/test_python_choice.py runs its script",
    "conda env create": "needs conda, and installs 2.6 GB",
    "pip wheel": "asks the network for what builds it",
    "createdb": "needs rights on a server; tests/postgresql_server.py makes its databases in SQL",
    "make fast-test": "runs the tests themselves",
    "make pretrain": "trains for more than an hour",
    "python -m studio training": "trains for minutes",
    "make benchmark-grading": "measures for minutes",
    "python -m studio scale": "measures for minutes",
    "python -m studio kernels": "measures for minutes",
    "python -m studio pictures": "measures for a minute; tests/unit/test_pictures.py draws them",
    "python -m studio screenshots": "needs the demo's class",
}


@dataclass(frozen=True)
class Command:
    """A command line of a page.

    Attributes:
        page: the page's name.
        text: as it stands there, without its remark.

    """

    page: str
    text: str

    @property
    def kind(self) -> str:
        """What is run, without what it is run on: ``coursekit grade --force``."""
        return kind_of(shlex.split(self.text))


def kind_of(words: list[str]) -> str:
    """The program, its command, and the names of the options in the order of the alphabet."""
    if words[0] == "make":
        words = [word for word in words if "=" not in word]
    count = 3 if " ".join(words[:2]) in TWO_WORDS else 2
    if words[:3] == ["python", "-m", "studio"]:
        count = 4
    elif words[1:] and words[1].startswith("--"):
        count = 1
    options = {word.partition("=")[0] for word in words[count:] if re.match("--[a-z]", word)}
    return " ".join([*words[:count], *sorted(options)])


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    """The language and the text of each block of a page."""
    for token in MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            yield token.info, token.content


@cache
def documented_commands() -> tuple[Command, ...]:
    """All commands in blocks, in the order in which they are read."""
    return tuple(
        Command(path.name, text)
        for path in PAGES
        for language, block in blocks(path)
        if language == SHELL and not block.startswith("#!")
        for text in _lines(block)
    )


def _lines(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        # A remark is set off by spaces; "#" alone can be part of a word.
        for part in re.sub(r"(^|\s+)# .*", "", line).split("&&"):
            if text := " ".join(part.split()):
                yield text


def recipe(target: str) -> str:
    """What a target of the Makefile runs itself; "" if it only needs others."""
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    match = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", makefile, re.MULTILINE)
    assert match, f"the Makefile has no {target}"
    found = re.search(r"^\t\$\(BIN\)/(.*)", match[1].replace("\\\n\t", ""), re.MULTILINE)
    return re.sub(r"\$\(or .*?\)|\$\(\w+\)", "", found[1]) if found else ""


def where_run(command: Command) -> str:
    """The file that runs a command, or why nothing does; "" if it is run on the small class."""
    kind, words = command.kind, shlex.split(command.text)
    # The kit's own options are each a thing of its own.
    kinds = [kind] if words[0] == "coursekit" else [kind, kind.partition(" --")[0]]
    for one in kinds:
        if told := ELSEWHERE.get(one) or NO_TEST.get(one):
            return told
    if words[:3] == ["python", "-m", "pytest"]:
        return next(word for word in words if word.startswith("tests/"))
    if words[0] == "make" and len(words) > 1 and kind != "make help":
        return where_run(Command("Makefile", recipe(kind.split()[1])))
    return ""
