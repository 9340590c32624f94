"""The sandbox that a student's code runs in, and how much of it this machine supports."""
