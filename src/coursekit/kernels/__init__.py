"""Student kernels: the only processes that run student code."""
