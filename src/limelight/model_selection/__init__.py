"""Model selection: cross-validation, tuning and comparison."""
