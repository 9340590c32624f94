"""What the kit's processes share: the line between them, how they fork, files without links."""
