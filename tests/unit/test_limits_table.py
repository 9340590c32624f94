"""One table of limits: settings, doctor and the documentation follow it."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console
from traitlets.config import Config

from coursekit.sandbox.doctor import doctor
from coursekit.sandbox.levels import strongest
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.settings import StudentKernel

NAMES = [each.name for each in fields(Limits)]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "threat-model.md"


def test_settings_have_the_tables_defaults_and_help() -> None:
    settings = StudentKernel(unsafe=True)
    assert settings.confinement().limits == Limits()
    traits = settings.traits(config=True)
    assert set(traits) == {*NAMES, "level", "unsafe", "by_assignment"}
    assert all(traits[name].help for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_changes_its_limit_and_no_other(name: str) -> None:
    changed = Config(StudentKernel={name: 7})
    limits = StudentKernel(config=changed, unsafe=True).confinement().limits
    assert limits == Limits(**{name: 7})


def test_doctor_prints_every_limit() -> None:
    if not strongest().sandboxed:
        pytest.skip("this machine has no sandbox, so that doctor ends in an error")
    printed = io.StringIO()
    doctor(Console(file=printed, width=200))
    for each in fields(Limits):
        assert f"c.StudentKernel.{each.name} = {each.default} " in printed.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_the_threat_model_tells_what_is_said_of_a_limit(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")
