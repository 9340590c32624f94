"""Train the ResNet-50 that the notebooks load, on generated pictures only."""
