"""What runs inside a sandbox, around a student's code; it knows nothing of the course."""
