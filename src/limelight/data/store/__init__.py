"""Stores: panels on disk, mapped instead of loaded."""
