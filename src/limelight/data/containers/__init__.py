"""What containers of Python say about series and labels: numbers, names, masks and indices."""
