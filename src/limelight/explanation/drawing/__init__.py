"""Figures of series and explanations."""
