"""The output of a student's kernel, made bounded and plain."""
