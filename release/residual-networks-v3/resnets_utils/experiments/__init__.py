"""What a student tries with a finished network: train it, draw it, vary depth and shortcuts."""
