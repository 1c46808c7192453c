"""From logits to decisions: temperature, thresholds, prediction sets."""
