"""Scores of predictions, with bootstrap confidence intervals."""
