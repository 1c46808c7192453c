"""Import of weights from other libraries."""
