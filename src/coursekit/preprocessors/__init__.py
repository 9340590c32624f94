"""Small transforms of notebooks, listed in order in nbgrader_config.py."""
