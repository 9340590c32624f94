"""What several processes of the kit share: the line between them, and files without links."""
