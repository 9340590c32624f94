"""What goes into and comes out of a student's process: calls, replies and values as plain data."""
