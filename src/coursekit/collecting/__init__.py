"""``coursekit collect``: what a learning platform hands out becomes submissions."""
