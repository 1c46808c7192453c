"""Benchmarks: run from the root of the repository with ``python -m benchmarks.run.<name>``."""
