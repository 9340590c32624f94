"""The judge: runs test cells in a process that never runs student code."""
