"""Sentences on networks that `network_checks` tells, besides those of `graph_differences`."""

from __future__ import annotations

from collections.abc import Collection

from resnets_utils.border.difference import (
    MISSING,
    NAMES,
    WIRING,
    Sentence,
)
from resnets_utils.graphs.places import kind_in_words


def misplaced_normalisation(before: str) -> Sentence:
    """Return that a batch normalisation follows another layer than a convolution."""
    return Sentence(
        lambda got, wanted: (
            f"a batch normalisation comes after a {got}; each belongs right after a {wanted}"
        ),
        WIRING,
        "a batch normalisation",
        got=before,
        wanted="convolution",
    )


def missing_weights(many: int) -> Sentence:
    """Return that a network has too few layers with weights."""
    what = "a layer with weights is" if many == 1 else f"{many} layers with weights are"
    return Sentence(lambda *_: f"{what} missing", MISSING, "layers with weights")


def other_names(
    missing: list[tuple[str, str]], wrong: list[tuple[str, str]], unnamed: Collection[str]
) -> Sentence:
    """Return the first name that no layer has, and the first that the exercise has not.

    Args:
        missing: kinds and names of the exercise's layers.
        wrong: those of the answer's; not both are empty.
        unnamed: the answer's names that Keras has given.

    """
    kind = kind_in_words((missing or wrong)[0][0])

    def say(got: str, wanted: str) -> str:
        words = [f"there is no {kind} named {wanted!r}"] if missing else []
        if got in unnamed:
            words.append(f"yours has one without a name, which Keras calls {got!r}")
        elif wrong:
            words.append(f"yours has one {'' if missing else 'more '}named {got!r}")
        return "; ".join(words)

    got, wanted = ("".join(name for _, name in names[:1]) for names in (wrong, missing))
    return Sentence(say, NAMES, kind, "name", got, wanted)


def exchanged_names() -> Sentence:
    """Return that layers have each other's names."""
    return Sentence(
        lambda *_: "the names are right, but on each other's layers", NAMES, setting="name"
    )
