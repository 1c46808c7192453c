"""Evaluation of predictions: scores, events, calibration, thresholds and prediction sets."""
