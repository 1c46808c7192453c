"""The random state of torch, set at little cost."""

import torch


def seed_torch(seed: int) -> None:
    """Set the global seed of torch; without an accelerator that of the CPU alone.

    ``torch.manual_seed`` keeps the call stack for each kind of accelerator until one is used, and pytest's stack is deep.
    """
    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
