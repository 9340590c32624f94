"""Isolation: what shuts a student's code in, and how much of it this machine can do."""
