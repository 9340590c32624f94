"""Give out a class's scores: one module for each format, all from one table of lines."""
