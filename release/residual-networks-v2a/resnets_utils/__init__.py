"""What the Residual Networks notebooks need beside TensorFlow, NumPy and Matplotlib."""

from resnets_utils.checks import Checks
from resnets_utils.initializers import GlorotUniform, glorot_uniform

__all__ = ["Checks", "GlorotUniform", "glorot_uniform"]
