"""Splits and folds: which rows train, validate and test."""
