"""What a test cell can ask for, and how the answers are checked."""
