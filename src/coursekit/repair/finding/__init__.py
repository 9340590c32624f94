"""Find: which files of a submission may be its notebook, and when it was handed in."""
