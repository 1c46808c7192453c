"""The floating-point type of networks: float32, whatever torch's default is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def float32_by_default() -> Iterator[None]:
    """Create tensors and layers in float32 inside the block, also after ``torch.set_default_dtype(torch.float64)``.

    A layer draws its initial weights in torch's default type. In float64 they would be other numbers, and would not fit
    the series, which are float32.

    Example
    -------
    >>> with float32_by_default():
    ...     torch.zeros(1).dtype
    torch.float32
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
