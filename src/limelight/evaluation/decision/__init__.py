"""From logits to decisions: temperature scaling, thresholds and prediction sets."""
