"""The words of the grammar as values: what to build, without torch."""
