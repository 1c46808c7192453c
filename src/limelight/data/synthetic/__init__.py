"""Synthetic series with a known answer."""
