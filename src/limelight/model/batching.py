"""Rows of a Panel become a Batch, and all rows become few batches of similar lengths."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.nn.batch import Batch

STEPS_PER_BATCH = 65_536
"""Time steps, padding included, that one batch of a prediction holds at most; measured flat from 30k to 500k."""


def make_batch(panel: Panel, rows: NDArray[np.int64], codes: NDArray[np.int64] | None = None) -> Batch:
    """Pad some series to one length.

    Parameters
    ----------
    panel
        Where the series are.
    rows
        Which of them, in the order wanted, shape (batch,).
    codes
        Class of every series of the panel, shape (n,), or None.

    Returns
    -------
    Batch
        Values of shape (batch, longest of these series, channels).

    Raises
    ------
    DataError
        If a value is missing or infinite, naming series, step and channel.

    Example
    -------
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]])
    >>> make_batch(panel, np.array([0, 1])).values[:, :, 0].tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    lengths = panel.lengths[rows]
    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]
    places = panel.starts[rows][:, None] + steps
    if mask.all():
        values = panel.values[places]
    else:
        values = panel.values[np.where(mask, places, panel.starts[rows][:, None])] * mask[:, :, None]
    if not np.isfinite(values.sum()):
        require_finite(panel[rows])
    targets = None if codes is None else torch.from_numpy(codes[rows])
    return Batch(torch.from_numpy(values), torch.from_numpy(mask), targets)


def batches_by_length(panel: Panel, most_series: int = 512) -> Iterator[NDArray[np.int64]]:
    """Cut all rows into batches of similar lengths, the longest series first.

    Parameters
    ----------
    panel
        The series.
    most_series
        How many series one batch may hold, at least 1.

    Returns
    -------
    Iterator[NDArray[np.int64]]
        Every row exactly once.
    """
    order = np.argsort(-panel.lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(panel.lengths[order[start]])
        size = max(1, min(most_series, STEPS_PER_BATCH // longest))
        yield order[start : start + size]
        start += size


def require_finite(panel: Panel) -> None:
    """Refuse missing and infinite values; DataError says where the first one is."""
    for row in range(len(panel)):
        bad = np.argwhere(~np.isfinite(panel.series(row)))
        if len(bad):
            step, channel = bad[0]
            value = "a missing value (NaN)" if np.isnan(panel.series(row)[step, channel]) else "infinity"
            raise DataError(
                f"expected a number everywhere, got {value} in series {str(panel.ids[row])!r}, step {step}, channel "
                f"{panel.channels[channel]!r}; fill it (for example with the value before it) or leave the series out"
            )
