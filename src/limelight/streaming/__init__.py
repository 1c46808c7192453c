"""Predictions while a series arrives, one step at a time."""
