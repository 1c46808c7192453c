"""Facts: series, labels and what is known about them. Nothing here needs torch."""
