"""What runs inside a sandbox, around a student's code; nothing here knows the course."""
