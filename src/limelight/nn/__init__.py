"""Networks: tensors in, logits out. Nothing here depends on files, panels or training."""
