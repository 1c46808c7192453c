"""Synthetic series whose labels, and the steps that decide them, are known."""
