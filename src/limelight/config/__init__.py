"""The experiment file: one JSON object that says data, split, model, training and output."""
