"""Features that are computed anew from the whole window of a stream after every step."""

from __future__ import annotations

from typing import Any

import torch

from limelight.nn.value_grid import Singles


class ComputedAnew:
    """Features that every step computes from the whole window.

    Parameters
    ----------
    block
        Any block of features.
    """

    def __init__(self, block: Any) -> None:
        self.block = block

    def another(self) -> ComputedAnew:
        """Return the features themselves, which carry nothing."""
        return self

    def restart(self, steps: Singles) -> None:
        """Carry nothing."""

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Carry nothing."""

    def features(self, steps: Singles) -> Singles:
        """Return the features of the window, shape (width,)."""
        values = torch.from_numpy(steps)[None]
        found: Singles = self.block(values, torch.ones(values.shape[:2], dtype=torch.bool))[0].numpy()
        return found
