"""A notebook as untrusted plain data: its cells and definitions, a release and its stamp."""
