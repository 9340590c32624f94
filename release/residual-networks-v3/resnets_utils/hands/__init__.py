"""Pictures of hands: the data set, photos, and a network trained on drawn ones."""
