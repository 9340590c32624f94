"""Recognise: which cell answers what, wherever the student moved or pasted it."""
