"""A course, an assignment, and all that one may ask of it."""
