"""Grade a class: worker processes, one writer, and a journal to go on from."""
