"""Whether numbers and arrays agree within a tolerance."""

from __future__ import annotations

import cmath
import math
from fractions import Fraction

import numpy as np

from resnets_utils.border.plain_data import Array

# Up to here every whole number is a float64.
_EXACT = 2**53


def numbers_agree(got: complex, expected: complex, tolerance: float) -> bool:
    """Return whether two Python numbers agree.

    Args:
        got: what came back.
        expected: what the exercise asks for.
        tolerance: they agree if |got - expected| <= tolerance * max(1, |expected|); with 0
            only if they are equal. Nan agrees with nan, an infinity with the same infinity.
            The parts of complex numbers that are not finite are compared one by one.

    """
    if got == expected:
        return True
    if _rounds(got) or _rounds(expected):
        return _long_numbers_agree(got, expected, tolerance)
    if cmath.isfinite(got) and cmath.isfinite(expected):
        distance = _size(got - expected)
        return math.isfinite(distance) and distance <= tolerance * max(1.0, _size(expected))
    one, other = complex(got), complex(expected)
    return _parts_agree(one.real, other.real, tolerance) and _parts_agree(
        one.imag, other.imag, tolerance
    )


def _parts_agree(got: float, expected: float, tolerance: float) -> bool:
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    if math.isinf(got) or math.isinf(expected):
        return got == expected
    return numbers_agree(got, expected, tolerance)


def _size(number: complex) -> float:
    # Unlike abs, it does not overflow for numbers that are close to infinite.
    return math.hypot(number.real, number.imag)


def _rounds(number: complex) -> bool:
    return isinstance(number, int) and abs(number) > _EXACT


def _long_numbers_agree(got: complex, expected: complex, tolerance: float) -> bool:
    """Compare numbers one of which may be too long for a float64."""
    if isinstance(got, complex) or isinstance(expected, complex):
        try:
            return numbers_agree(complex(got), complex(expected), tolerance)
        except OverflowError:
            return False
    if any(isinstance(number, float) and not math.isfinite(number) for number in (got, expected)):
        return False
    distance = abs(Fraction(got) - Fraction(expected))
    return distance <= Fraction(tolerance) * max(1, abs(Fraction(expected)))


def arrays_agree(got: Array, expected: Array, tolerance: float) -> Array:
    """Return for each value of an array whether it agrees.

    Args:
        got: an array of numbers, truth values or texts.
        expected: an array of the same shape that holds the same of these.
        tolerance: see `numbers_agree`.

    Returns:
        An array of bool, of the same shape.

    """
    if got.dtype.kind in "bU":
        return np.asarray(got == expected)
    with np.errstate(all="ignore"):
        agree = _same(got, expected)
        if "c" in got.dtype.kind + expected.dtype.kind:
            one, other = got.astype(np.complex128), expected.astype(np.complex128)
            finite = np.isfinite(one) & np.isfinite(other)
            parts = [
                (part == wanted) | _close(part, wanted, tolerance)
                for part, wanted in ((one.real, other.real), (one.imag, other.imag))
            ]
            near = np.where(finite, _near(one, other, tolerance), parts[0] & parts[1])
        else:
            near = _close(got.astype(np.float64), expected.astype(np.float64), tolerance)
    return np.asarray(agree | near)


def _same(got: Array, expected: Array) -> Array:
    """Return where the numbers are the same exactly; NumPy would round long whole numbers."""
    whole, other = (got, expected) if got.dtype.kind in "iu" else (expected, got)
    if whole.dtype.kind not in "iu" or other.dtype.kind in "iu":
        return np.asarray(got == expected)
    if other.dtype.kind == "c":
        return np.asarray((other.imag == 0) & _same(whole, other.real))
    signed = whole.dtype.kind == "i"
    low, high = (-(2.0**63), 2.0**63) if signed else (0.0, 2.0**64)
    values = other.astype(np.float64)
    fits = (values == np.floor(values)) & (values >= low) & (values < high)
    back = np.where(fits, values, 0).astype(np.int64 if signed else np.uint64)
    return np.asarray(fits & (back == whole))


def _near(got: Array, expected: Array, tolerance: float) -> Array:
    # Without a tolerance, numbers that only rounding makes equal would count as near.
    if not tolerance:
        return np.zeros(got.shape, bool)
    distance = np.abs(got - expected)
    limit = tolerance * np.maximum(1.0, np.abs(expected))
    return np.asarray(np.isfinite(distance) & (distance <= limit))


def _close(got: Array, expected: Array, tolerance: float) -> Array:
    """Return where two arrays of float64 are near or both nan."""
    return np.asarray(_near(got, expected, tolerance) | (np.isnan(got) & np.isnan(expected)))
