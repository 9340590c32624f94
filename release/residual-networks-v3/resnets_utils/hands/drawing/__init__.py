"""Drawn pictures of hands that show the numbers 0 to 5, like those of SIGNS."""

from resnets_utils.hands.drawing.generator import draw_pictures, write_datasets

__all__ = ["draw_pictures", "write_datasets"]
