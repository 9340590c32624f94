"""The class report: what a whole class got wrong, by mistakes, checks and scores."""
