"""The pages lead where they say: links, headings, files, command lines, the navigation."""

from __future__ import annotations

import contextlib
import io
import os.path
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from documented_commands import (
    BY_SHELL,
    ELSEWHERE,
    NO_TEST,
    PAGES,
    PASSED_OVER,
    PROGRAMS,
    SHELL,
    blocks,
    documented_commands,
    kind_of,
    recipe,
    where_run,
)
from markdown_it import MarkdownIt

from coursekit import command_options
from coursekit.new_course.make_course import TEMPLATE
from studio.site_parts import command_help, commands, navigation, questions

HOUSE = Path(__file__).resolve().parents[2]
DOCS = sorted((HOUSE / "docs").glob("*.md"))
HOUSE_PAGES = [path for path in PAGES if not path.is_relative_to(TEMPLATE)]
COURSE_PAGES = [TEMPLATE / "README.md", *sorted((TEMPLATE / "docs").glob("*.md"))]
MAKEFILE = (HOUSE / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\$\(([A-Z]+)\)", MAKEFILE))
# Words that stand for one of a few; all others are as good as a name.
PLACEHOLDERS = {"COMMAND": "release", "FORMAT": "csv", "I/N": "1/2", "N": "1", "PERCENT": "1"}
VARIABLE = re.compile(r"\$\(\(.*?\)\)|\$\w+")
NEXT_COMMAND = {"&&", "|", ";", ">"}
# In a page's HTML: pictures, light and dark.
ADDRESS = re.compile(r'(?:src|srcset|href)="([^"]+)"')
ROOMS = ("docs/", "src/", "tests/", "studio/")


@dataclass(frozen=True)
class Page:
    """What a page leads to, and what can be led to in it."""

    links: tuple[str, ...]
    anchors: frozenset[str]
    code: tuple[str, ...]  # in blocks
    words: tuple[str, ...]  # in backticks
    unlinked: tuple[str, ...]  # those of them that are no link


@cache
def read(path: Path) -> Page:
    links: list[str] = []
    headings: list[str] = []
    code: list[str] = []
    words: list[str] = []
    unlinked: list[str] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    for number, token in enumerate(tokens):
        if token.type in ("fence", "code_block"):
            code.append(token.content)
        inner = token.children or []
        if token.type == "html_block":
            links += ADDRESS.findall(token.content)
        links += [str(one.attrs[at]) for one in inner for at in ("href", "src") if at in one.attrs]
        words += [one.content for one in inner if one.type == "code_inline"]
        unlinked += [
            one.content
            for before, one in pairwise([token, *inner])
            if one.type == "code_inline" and before.type != "link_open"
        ]
        if number and tokens[number - 1].type == "heading_open":
            # As GitHub names a heading.
            text = "".join(one.content for one in inner).lower()
            headings.append(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    assert len(set(headings)) == len(headings), f"{path.name}: two headings of one name"
    return Page(tuple(links), frozenset(headings), *map(tuple, (code, words, unlinked)))


def fault_of_link(page: Path, link: str, root: Path) -> str:
    """Why a link on a page leads nowhere; "" if it leads somewhere."""
    address = urlsplit(link)
    if address.scheme:
        return ""
    # By its words: a course's pages are links into docs/, and must lead to the course's own.
    place = os.path.normpath(page.parent / unquote(address.path)) if address.path else page
    target = Path(place)
    if not target.is_relative_to(root) or not target.exists():
        return "no such file"
    if address.fragment and address.fragment not in read(target).anchors:
        return "no such heading"
    return ""


@pytest.mark.parametrize(("pages", "root"), [(HOUSE_PAGES, HOUSE), (COURSE_PAGES, TEMPLATE)])
def test_every_link_leads_to_something(pages: list[Path], root: Path) -> None:
    links = [(page, link) for page in pages for link in read(page).links]
    assert len(links) > 10
    faults = {(page.name, link): fault_of_link(page, link, root) for page, link in links}
    assert {where: fault for where, fault in faults.items() if fault} == {}


def test_every_picture_says_in_words_what_it_shows() -> None:
    for page in HOUSE_PAGES:
        text = page.read_text(encoding="utf-8")
        shown = re.findall(r"<img\b([^>]*)>", text)
        assert all(re.search(r'\balt="[^"]{20,}"', one) for one in shown), page
        assert all(len(words) > 20 for words in re.findall(r"!\[(.*?)\]\(", text)), page


def test_pictures_of_what_people_see_are_there_light_and_dark() -> None:
    folder = HOUSE / "docs" / "pictures"
    names = {path.stem.removesuffix("-dark") for path in folder.iterdir()}
    files = {f"{name}{theme}.png" for name in names for theme in ("", "-dark")}
    assert files == {path.name for path in folder.iterdir()}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 500_000
    shown = {Path(link).name for page in HOUSE_PAGES for link in read(page).links}
    assert files <= shown


def test_commands_are_in_blocks_of_their_own_language() -> None:
    begins = re.compile(rf"(?:{'|'.join(PROGRAMS)}) \w")
    for page in PAGES:
        for language, text in blocks(page):
            if language != SHELL:
                assert not [line for line in text.splitlines() if begins.match(line)], page


def test_every_command_is_run_or_says_why_not() -> None:
    runs = ("coursekit", "nbgrader", *BY_SHELL, *PASSED_OVER)
    commands = documented_commands()
    assert len(commands) > 50
    lonely = [
        command
        for command in commands
        if not where_run(command) and command.kind.split()[0] not in runs
    ]
    assert lonely == [], "say in tests/documented_commands.py who runs it, or why nobody does"


def test_who_runs_the_commands_that_a_small_class_does_not() -> None:
    commands = {command.kind for command in documented_commands()}
    targets = [recipe(kind.split()[1]) for kind in commands if kind.startswith("make ")]
    made = [kind_of(shlex.split(text)) for text in targets if text]
    begun = {kind.partition(" --")[0] for kind in commands}
    for kind in (*ELSEWHERE, *NO_TEST):
        assert kind in {*commands, *begun, *made}, f"no page shows {kind}: take it out"
    for kind, file in ELSEWHERE.items():
        text = (HOUSE / file).read_text(encoding="utf-8")
        program, *words = kind.split()
        for word in words or [program]:
            assert word.strip("-").partition("-*")[0] in text, f"{file} does not run {kind}"


def test_a_page_that_is_named_is_linked() -> None:
    names = {prefix + page.name for page in DOCS for prefix in ("", "docs/")}
    named = [(page.name, word) for page in HOUSE_PAGES for word in read(page).unlinked]
    assert [one for one in named if one[1] in names] == []


def test_a_course_has_the_pages_that_messages_name() -> None:
    named = {
        page
        for path in (HOUSE / "src" / "coursekit").rglob("*.py")
        for page in re.findall(r"docs/[\w.-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert "docs/authoring.md" in named
    assert {page for page in named if not (TEMPLATE / page).exists()} == set()


def test_every_page_is_in_the_navigation() -> None:
    front = (HOUSE / "docs" / "index.md").read_text(encoding="utf-8")
    pages = re.findall(r"^[\w-]+$", navigation(front), re.MULTILINE)
    assert sorted([*pages, "index"]) == [path.stem for path in DOCS]


def test_files_that_are_named_exist() -> None:
    missing = {
        (page.name, word)
        for page in HOUSE_PAGES
        for text in (*read(page).words, *read(page).code)
        for word in re.findall(r"[^\s(),;:\"'`]+", text)
        if word.startswith(ROOMS) and not re.search(r"[<*…]|\.\.\.", word)
        if not (HOUSE / word.rstrip(".")).exists()
    }
    assert missing == set()


def command_lines(code: str) -> Iterator[list[str]]:
    """The words of each command line of ours in a code block, or in backticks."""
    # A line goes on after a backslash, and in YAML where the next one begins with an option.
    for line in re.sub(r"\\\n|\n(?= *--)", " ", code).splitlines():
        if not re.match(r"\s*(coursekit|make|cd \S+ &&|docker run) ", line):
            continue
        words: list[str] = []
        for word in [*shlex.split(VARIABLE.sub("1", line), comments=True), ";"]:
            if word not in NEXT_COMMAND:
                words.append(word)
                continue
            if words[:2] == ["docker", "run"]:
                words = words[words.index("coursekit") :]
            if words and words[0] in ("coursekit", "make"):
                yield [PLACEHOLDERS.get(one, one) for one in words if one not in ("...", "…")]
            words = []


def why_refused(words: list[str], *, whole: bool) -> str:
    """What is wrong with a command line; "" if it is right.

    Args:
        words: the command line.
        whole: whether it must have everything that the command needs.

    """
    if words[0] == "make":
        known = [name in TARGETS or name.partition("=")[0] in VARIABLES for name in words[1:]]
        return "" if all(known) else "unknown to the Makefile"
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            command_options.read_arguments(words[1:])
    except SystemExit as ended:
        if ended.code == 0:
            return ""
        error = said.getvalue().partition("error: ")[2].strip()
        if whole:
            return error
        if error.endswith(("required: command", "required: action", "expected one argument")):
            return ""
        lacks = error.partition("the following arguments are required: ")[2]
        filled = [
            part
            for one in lacks.split(", ")
            for part in ((one, PLACEHOLDERS["FORMAT"]) if one[:2] == "--" else (one,))
        ]
        return why_refused([*words, *filled], whole=True) if lacks else error
    return ""


@pytest.mark.parametrize("whole", [True, False], ids=["in blocks", "in backticks"])
def test_command_lines_are_those_of_the_parser_and_the_makefile(
    whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = command_options.command_parser()  # to make one takes longer than to use it
    for one, _ in commands(parser):
        one.allow_abbrev = False  # an option's whole name stands in the documentation
    monkeypatch.setattr(command_options, "command_parser", lambda: parser)
    lines = {
        tuple(words): page.name
        for page in PAGES
        for code in (read(page).code if whole else read(page).words)
        for words in command_lines(code)
    }
    assert len(lines) > 30
    faults = {(name, words): why_refused(list(words), whole=whole) for words, name in lines.items()}
    assert {where: fault for where, fault in faults.items() if fault} == {}


def test_the_site_shows_every_command() -> None:
    text = command_help("")
    for shown in ("## coursekit grade\n", "## coursekit cluster init\n", "`--shard I/N`"):
        assert shown in text


@pytest.mark.parametrize(
    ("kind", "module", "answer"),
    [("call", "value_checks", "Returned"), ("trace", "network_checks", "Answer")],
)
def test_the_page_for_authors_lists_what_a_check_can_ask(
    kind: str, module: str, answer: str
) -> None:
    text = (HOUSE / "docs" / "authoring.md").read_text(encoding="utf-8")
    table = re.search(rf"^\| after `checks\.{kind}\(.*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert table
    listed = re.findall(r"`\.(\w+)\(", "".join(re.findall(r"^\|.*?\|", table[0], re.MULTILINE)))
    assert sorted(set(listed)) == sorted(questions(module, answer))
