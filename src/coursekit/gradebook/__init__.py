"""The only room that opens a gradebook: what grading reads from it, and what it writes."""
