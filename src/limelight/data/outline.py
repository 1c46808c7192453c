"""Outlines: few points of a long line that keep its peaks and its gaps, and averages over neighbouring steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limelight.types import Floats


def outline(values: Floats, most: int) -> NDArray[np.int64]:
    """Choose steps that preserve the shape of a line.

    Parameters
    ----------
    values
        Values, shape (time,); missing values are NaN.
    most
        Maximum number of steps, at least 4.

    Returns
    -------
    NDArray[np.int64]
        All steps of a short line; else the first, the last, and the lowest and highest of each stretch of equal length,
        and one missing step of each stretch that has some, so that a gap stays a gap.

    Example
    -------
    >>> outline(np.array([0.0, 1, 2, 9, 4, 5, 6, -3, 8, 9, 1, 2]), 6).tolist()
    [0, 3, 7, 9, 11]
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    missing = np.isnan(values)
    kept = 3 if missing.any() else 2
    width = -(-n // max(1, (most - 2) // kept))
    stretches = -(-n // width)
    padded = np.full(stretches * width, np.nan)
    padded[:n] = values
    table, starts = padded.reshape(stretches, width), np.arange(stretches) * width
    low = starts + np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = starts + np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    absent = np.isnan(table) & (np.arange(table.size).reshape(table.shape) < n)
    gaps = (starts + absent.argmax(axis=1))[absent.any(axis=1)]
    return np.unique(np.concatenate([[0], low, high, gaps, [n - 1]]))


def smooth(numbers: Floats, width: int) -> Floats:
    """Average numbers over neighbouring steps.

    Parameters
    ----------
    numbers
        Shape (time, columns).
    width
        The width at half of the height of the weights, which fall to 0 on both sides, in steps; 1 changes nothing.

    Returns
    -------
    Floats
        Of the same shape; at the ends, averages of fewer steps.

    Example
    -------
    >>> smooth(np.array([[0.0], [0.0], [4.0], [0.0], [0.0]]), 2)[:, 0].tolist()
    [0.0, 1.0, 2.0, 1.0, 0.0]
    """
    if width <= 1:
        return numbers
    kernel = np.bartlett(2 * width + 1)[1:-1]
    reach, n = width - 1, len(numbers)
    mass = np.convolve(np.ones(n), kernel)[reach : reach + n]
    columns = [np.convolve(column, kernel)[reach : reach + n] / mass for column in numbers.T.astype(np.float64)]
    averaged: Floats = np.stack(columns, axis=1)
    return averaged
