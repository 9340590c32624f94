"""What a student tries once the network stands: training, drawing it, depth and shortcuts."""
