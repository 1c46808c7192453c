"""The grid of values of a series or a window, which depends on its largest value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]


def exponent_of(values: Singles) -> int:
    """Return the exponent of the largest absolute value, as ``on_grid`` does, at least -90.

    Example
    -------
    >>> exponent_of(np.array([0.7, -5.0], dtype=np.float32))
    3
    """
    return max(-90, int(np.frexp(np.abs(values).max())[1]))


def to_grid(values: Singles, exponent: int, bits: int) -> Singles:
    """Round values to the grid of an exponent, as ``on_grid`` does.

    Example
    -------
    >>> to_grid(np.array([0.7, 0.2], dtype=np.float32), 0, 2).tolist()
    [0.75, 0.25]
    """
    return to_units(values, exponent, bits) * np.float32(2.0 ** (exponent - bits))


def to_units(values: Singles, exponent: int, bits: int) -> Singles:
    """Return the whole numbers of steps of the grid of an exponent.

    Example
    -------
    >>> to_units(np.array([0.7, 0.2], dtype=np.float32), 0, 2).tolist()
    [3.0, 1.0]
    """
    units: Singles = np.round(values / np.float32(2.0 ** (exponent - bits)))
    return units
