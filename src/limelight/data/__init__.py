"""Time series with labels and metadata: read, align, split, cut into windows, inspect and store. Free of torch."""
