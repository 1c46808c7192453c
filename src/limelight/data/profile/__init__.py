"""Profile of the training series, and checks of new series against it."""
