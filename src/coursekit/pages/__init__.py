"""Untrusted text as plain HTML: verdicts, Markdown and code."""
