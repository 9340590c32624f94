"""The shapes that the blocks give: a block's arguments, its input's shape in the tensor's place."""


def identity_block(X, f, filters, stage, block):
    height, width, _ = X
    return height, width, filters[2]


def convolutional_block(X, f, filters, stage, block, s=2):
    height, width, _ = X
    return -(-height // s), -(-width // s), filters[2]
