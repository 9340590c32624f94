"""Read: a notebook as plain data, whatever is damaged in its file."""
