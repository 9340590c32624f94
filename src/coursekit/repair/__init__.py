"""Repair before grading: find a submission's notebook, read it, rebuild it from the release."""
