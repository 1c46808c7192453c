"""Inspect series before training: summaries and warnings."""
