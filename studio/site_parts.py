"""What the site adds to pages or changes in them, made of what the pages and the kit say."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from coursekit.command_options import command_parser
from resnets_utils import checks

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_PAGE = re.compile(r"\]\(([\w-]+)\.md\)")
# A picture that GitHub shows light or dark, as the reader has it.
_PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(?P<dark>[^"]+)">\s*'
    r'<img alt="(?P<words>[^"]+)" src="(?P<light>[^"]+)">\s*</picture>'
)
_MARKDOWN = re.compile(r"([\\`*_<>\[\]])")
# How each docstring of a question begins; what else an answer has is the kit's own.
_QUESTION = "Ask for"
_CHECKS = """\
.. autoclass:: resnets_utils.Checks
   :members: call, trace, report
   :special-members: __call__
"""
_ENDS = (
    *(
        f"resnets_utils.checks.check_result.{name}"
        for name in ("CheckFailed", "AnswerRaised", "NotAttempted", "ChecksNotPassed")
    ),
    "resnets_utils.hinted_errors.StudentError",
)


def navigation(front_page: str) -> str:
    """Return tables of contents: for each part of the front page, the pages that it links."""
    _, *parts = _HEADING.split(front_page)
    told: set[str] = set()
    lines = []
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        pages = [page for page in dict.fromkeys(_PAGE.findall(text)) if page not in told]
        told.update(pages)
        if pages:
            lines += ["```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```", ""]
    return "\n".join(lines)


def themed_pictures(text: str) -> str:
    """Return a page whose pictures follow the site's own switch between light and dark."""

    def both(match: re.Match[str]) -> str:
        return "\n\n".join(
            f"```{{image}} {match[theme]}\n:alt: {match['words']}\n:class: only-{theme}\n```"
            for theme in ("light", "dark")
        )

    return _PICTURE.sub(both, text)


def command_help(_: str) -> str:
    """Return what the parsers say about each command and its options."""
    return "\n".join(line for one in commands(command_parser()) for line in _described(*one))


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Give the parser and the purpose of each command, a command's own commands after it."""
    waiting = [(parser, parser.description or "")]
    while waiting:
        parser, purpose = waiting.pop(0)
        yield parser, purpose
        for actions in parser._actions:
            if isinstance(actions, argparse._SubParsersAction):
                purposes = {one.dest: one.help or "" for one in actions._choices_actions}
                waiting[:0] = [(one, purposes[name]) for name, one in actions.choices.items()]


def _described(parser: argparse.ArgumentParser, purpose: str) -> Iterator[str]:
    """A command as a section."""
    # On one line, however wide the terminal is that the site is built in.
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    usage = re.sub(r"\{.*\} \.\.\.", "COMMAND ...", usage).replace(" [-h]", "")
    sentence = f"{purpose[:1].upper()}{_linked(purpose[1:]).removesuffix('.')}."
    yield from (f"## {parser.prog}", "", sentence, "")
    yield from ("```{code-block} text", ":class: usage", "", usage, "```", "")
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            said = (action.help or "") % {**vars(action), "prog": parser.prog}
            yield from (_names(action), f": {_linked(said)}", "")


def _names(action: argparse.Action) -> str:
    """How an argument is written."""
    value = str(action.metavar or action.dest)
    if not action.option_strings:
        return f"`{value}`"
    if action.choices and not action.metavar:
        value = "|".join(map(str, action.choices))
    takes = (
        "" if action.nargs == 0 else f" {value}" if value != action.dest else f" {value.upper()}"
    )
    return ", ".join(f"`{option}{takes}`" for option in action.option_strings)


def _linked(words: str) -> str:
    """Words of a parser's in Markdown; the pages that they name become links."""
    plain = _MARKDOWN.sub(r"\\\1", words)
    return re.sub(r"docs/([\w-]+)\.md", r"[\g<0>](\1.md)", plain)


def methods_of_checks(_: str) -> str:
    """Return the directives that show what a test cell can ask for."""
    parts = [
        ("Checks", _CHECKS),
        ("After `checks.call(...)`", _directives("value_checks", "Returned")),
        ("After `checks.trace(...)`", _directives("network_checks", "Answer")),
        ("How a check ends", "\n".join(f".. autoexception:: {name}(message)" for name in _ENDS)),
    ]
    return "\n".join(
        f"## {heading}\n\n```{{eval-rst}}\n{directives}\n```\n" for heading, directives in parts
    )


def _directives(module: str, answer: str) -> str:
    head = f".. py:currentmodule:: resnets_utils.checks.{module}\n\n.. py:class:: {answer}"
    methods = [f"   .. automethod:: {name}" for name in questions(module, answer)]
    return "\n\n".join([head, *methods])


def questions(module: str, answer: str) -> list[str]:
    """Return the methods by which a check asks about an answer, in the order of the source.

    Args:
        module: the answer's module in `resnets_utils.checks`. It is only read: to import it
            can need TensorFlow.
        answer: the answer's class.

    """
    text = (Path(checks.__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    [found] = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and node.name == answer
    ]
    return [
        node.name
        for node in found.body
        if isinstance(node, ast.FunctionDef)
        and (ast.get_docstring(node) or "").startswith(_QUESTION)
    ]
