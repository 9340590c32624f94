"""Pictures of hands: the data set, photos, and the network that was trained on drawn ones."""
