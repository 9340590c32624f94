"""The shape that a stage gives: its arguments, its input's shape in the tensor's place."""


def conv_stage(X, filters, layers=2):
    height, width, _ = X
    return height // 2, width // 2, filters
