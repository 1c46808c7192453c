"""Monitoring of a model before labels come: estimated accuracy, and drift of channels and metadata."""
