"""The output shapes of the blocks: each function takes its input's shape instead of a tensor."""


def identity_block(X, f, filters, stage, block):
    height, width, _ = X
    return height, width, filters[2]


def convolutional_block(X, f, filters, stage, block, s=2):
    height, width, _ = X
    return -(-height // s), -(-width // s), filters[2]
