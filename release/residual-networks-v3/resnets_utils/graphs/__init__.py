"""Networks as plain graphs: traced, read from Keras's JSON, rebuilt, compared, put into words."""
