"""Grade on many machines: certificates, a scheduler, workers, and the engine that uses them."""
