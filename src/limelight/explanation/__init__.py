"""Explanations of predictions: methods, quality measures and figures."""
