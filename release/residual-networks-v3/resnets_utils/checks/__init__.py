"""The words of a test cell, and what stands behind them."""
