"""Split series into training, validation and test parts, or into cross-validation folds."""
