"""Events: runs of consecutive positive steps, and their scores."""
