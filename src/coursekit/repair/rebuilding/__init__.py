"""Rebuild: the released notebook with the answers that were found."""
