"""How the author made the notebooks: pictures, the trained network, timing. Not in the kit."""
