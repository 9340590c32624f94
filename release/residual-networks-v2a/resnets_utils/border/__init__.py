"""What crosses the border of a student's process: calls, replies and values as plain data."""
