"""Cut recordings into windows, label the windows, and merge their predictions."""
