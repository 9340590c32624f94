"""What the benchmark of grading measures: several autograders, and what one of them uses."""
