"""Attacks on every level that this machine offers, as root and as an ordinary user.

The control run, without a sandbox, shows that the attacks are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from attacks import ATTACKS
from session import NOT_TRIED, WORD
from users import ORDINARY, as_ordinary_user, is_root

from coursekit.sandbox.levels import LEVELS, NONE, Level

pytestmark = pytest.mark.slow

SESSION = Path(__file__).with_name("session.py")
SANDBOXED = [level for level in LEVELS if level.sandboxed]
RUNS = [(level, who) for level in SANDBOXED for who in ("root", "an ordinary user")]


@cache
def outcomes(level: Level, who: str) -> dict[str, str]:
    """What came of each attack; all run in one kernel."""
    before = as_ordinary_user() if is_root() and who != "root" else []
    environment = {
        **os.environ,
        "COURSE_SECRET": "kept from students",
        "HOME": "/tmp",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [*before, sys.executable, str(SESSION), level.name, WORD],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    expected = {"root": 0, "an ordinary user": ORDINARY if is_root() else os.getuid()}
    assert found["user"] == (os.getuid() if not level.sandboxed else expected[who])
    results: dict[str, str] = found["results"]
    assert set(results) == set(ATTACKS)
    return results


@pytest.mark.parametrize(("level", "who"), RUNS)
def test_no_attack_succeeds_in_a_sandbox(level: Level, who: str) -> None:
    if why := level.why_not():
        pytest.skip(f"this machine has no level {level.name}: {why}")
    if who == "root" and not is_root():
        pytest.skip("attacks on a conductor that is root need root")
    succeeded = {
        name: ATTACKS[name].claim
        for name, outcome in outcomes(level, who).items()
        if outcome == "True"
    }
    assert succeeded == {}
    # Each was tried: it came to an end with an answer or an error, in words.
    assert all(outcomes(level, who).values())


def test_attacks_are_real_without_a_sandbox() -> None:
    found = outcomes(NONE, "root")
    failed = {
        name: found[name]
        for name, attack in ATTACKS.items()
        if not attack.no_control and found[name] != "True"
    }
    assert failed == {}
    assert {name for name, outcome in found.items() if outcome == NOT_TRIED} == {
        name for name, attack in ATTACKS.items() if attack.harmful
    }
