"""What runs inside a sandbox, before and around a student's code. It knows nothing of the course."""
