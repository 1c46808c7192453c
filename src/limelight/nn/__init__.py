"""Networks: tensors in, logits out. Nothing here knows of files, panels or training."""
