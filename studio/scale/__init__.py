"""What ``python -m studio scale`` is made of: a large class, and an engine without workers."""
