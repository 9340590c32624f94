"""What the Residual Networks notebooks need besides TensorFlow, NumPy and Matplotlib."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from resnets_utils.hinted_errors import StudentError
from resnets_utils.quiet_import import keep_tensorflow_quiet

if TYPE_CHECKING:
    from resnets_utils.checks.checks import Checks as Checks
    from resnets_utils.experiments.block_removal import remove_blocks as remove_blocks
    from resnets_utils.experiments.depth import compare_depths as compare_depths
    from resnets_utils.experiments.model_drawing import show_model as show_model
    from resnets_utils.experiments.skip import what_the_skip_carries as what_the_skip_carries
    from resnets_utils.experiments.training import check_training as check_training
    from resnets_utils.experiments.training import train as train
    from resnets_utils.hands.dataset import convert_to_one_hot as convert_to_one_hot
    from resnets_utils.hands.dataset import load_dataset as load_dataset
    from resnets_utils.hands.dataset import random_mini_batches as random_mini_batches
    from resnets_utils.hands.drawing.generator import varied_hands as varied_hands
    from resnets_utils.hands.photo import show_prediction as show_prediction
    from resnets_utils.hands.trained_model import load_pretrained as load_pretrained
    from resnets_utils.tensorflow1 import GlorotUniform as GlorotUniform
    from resnets_utils.tensorflow1 import glorot_uniform as glorot_uniform

OLDEST_PYTHON = (3, 10)

if sys.version_info[:2] < OLDEST_PYTHON:
    raise StudentError(
        f"this notebook's kernel runs Python {sys.version_info[0]}.{sys.version_info[1]}; "
        "the exercise needs 3.10 or newer",
        "choose another kernel (Kernel > Change Kernel...), or install a newer Python and open "
        "the notebook with its Jupyter",
    )

keep_tensorflow_quiet()

# The module of each name. A module is imported when its name is first used, so that
# the checks do not wait for modules that draw and read pictures.
_HOMES = {
    "Checks": "checks.checks",
    "GlorotUniform": "tensorflow1",
    "check_training": "experiments.training",
    "compare_depths": "experiments.depth",
    "convert_to_one_hot": "hands.dataset",
    "glorot_uniform": "tensorflow1",
    "load_dataset": "hands.dataset",
    "load_pretrained": "hands.trained_model",
    "random_mini_batches": "hands.dataset",
    "remove_blocks": "experiments.block_removal",
    "show_model": "experiments.model_drawing",
    "show_prediction": "hands.photo",
    "train": "experiments.training",
    "varied_hands": "hands.drawing.generator",
    "what_the_skip_carries": "experiments.skip",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
