"""Publish releases: a folder to push, from which students open notebooks in many places."""
