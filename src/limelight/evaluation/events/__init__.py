"""Events: runs of positive steps, and their scores."""
