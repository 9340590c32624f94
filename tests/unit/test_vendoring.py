"""The library in a release, and the kit that grades with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from coursekit.errors import InfrastructureError
from coursekit.release.vendoring import vendor_student_library
from coursekit.student_library import refuse_other_library


def test_a_release_of_another_kit_is_not_graded_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    vendor_student_library(assignment="one")
    release = tmp_path / "release" / "one"
    refuse_other_library(release)
    tracing = release / "resnets_utils" / "tracing.py"
    tracing.write_text(tracing.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InfrastructureError, match=r"tracing\.py is not this kit's") as caught:
        refuse_other_library(release)
    assert caught.value.hint == "make it again: coursekit release one"
    (release / "resnets_utils" / "sampling.py").unlink()
    with pytest.raises(InfrastructureError, match=r"sampling\.py is not this kit's"):
        refuse_other_library(release)
