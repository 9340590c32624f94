"""A course, its assignments, and what they consist of."""
