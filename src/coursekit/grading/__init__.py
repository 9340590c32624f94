"""Have submissions graded, and read what came of it."""
