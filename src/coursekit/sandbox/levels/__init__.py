"""The levels of the sandbox: ways to start a student's kernel, from the strongest to none."""
