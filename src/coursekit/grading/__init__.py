"""Grade submissions, and read the results."""
