"""Grade one submission: read it, run it, judge it."""
