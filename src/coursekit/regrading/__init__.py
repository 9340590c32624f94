"""Grade submissions again after a test has changed: first a preview, then exactly that."""
