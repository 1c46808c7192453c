"""Read the values of all series once, block by block, for everything that needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from limelight.data.counters import Counting, counting_channels
from limelight.data.inspection.duplicates import DuplicateFinder
from limelight.data.inspection.sentinels import ExtremeValues, Sentinel
from limelight.data.inspection.series_checks import WholeSeries
from limelight.data.panel import Panel
from limelight.data.precision import absolute
from limelight.types import Doubles


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass over all values finds.

    Parameters
    ----------
    copies
        Series with identical values.
    features
        Mean and standard deviation of each channel of each series, shape (n, 2 channels).
    sentinels
        Numbers that may stand for a missing value.
    counters
        Channels that only count, by name; see ``counting_channels``.
    whole
        Series without values, and series that end in zeros.
    """

    copies: DuplicateFinder
    features: Doubles
    sentinels: tuple[Sentinel, ...]
    counters: dict[str, Counting]
    whole: WholeSeries


def scan_channels(panel: Panel, advance: Callable[[int], object] = int) -> Scan:
    """Read all values of a panel once.

    Parameters
    ----------
    panel
        The series.
    advance
        Called with the number of steps read since the last call.

    Returns
    -------
    Scan
        What was found.

    Example
    -------
    >>> scan = scan_channels(Panel.from_series([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], channels=["row"]))
    >>> scan.counters, scan.features[0].round(2).tolist()
    ({'row': 'on'}, [2.0, 0.82])
    """
    copies, features, whole = DuplicateFinder(), [], WholeSeries()
    extremes = [ExtremeValues() for _ in panel.channels]
    for block in panel.blocks():
        copies.add(block)
        whole.add(block)
        features.append(_describe_series(block))
        for channel, found in enumerate(extremes):
            found.add(absolute(block.values[:, [channel]], block.offset[[channel]])[:, 0])
        advance(len(block.values))
    named = zip(panel.channels, extremes, strict=True)
    return Scan(
        copies,
        np.concatenate(features) if features else np.zeros((0, 0)),
        tuple(sentinel for name, found in named for sentinel in found.sentinels(name)),
        counting_channels(panel),
        whole,
    )


def _describe_series(block: Panel) -> Doubles:
    """Return mean and standard deviation of each channel of each series, shape (n, 2 channels); 0 if unknown."""
    known = np.isfinite(block.values)
    values = np.where(known, block.values, 0).astype(np.float64)
    counts = np.maximum(np.add.reduceat(known, block.starts, axis=0, dtype=np.int64), 1)
    mean = np.add.reduceat(values, block.starts, axis=0) / counts
    squares = np.add.reduceat(values**2, block.starts, axis=0) / counts
    return np.concatenate([mean, np.sqrt(np.maximum(squares - mean**2, 0))], axis=1)
