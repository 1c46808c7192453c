"""Find series without values, padded with zeros, at another sampling rate, in another unit, or with similar ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from limelight.data.inspection.alike import names_alike
from limelight.data.inspection.sentinels import ExtremeValues, Sentinel
from limelight.data.metadata import fields_of
from limelight.data.panel import Panel
from limelight.data.precision import absolute
from limelight.task import is_known
from limelight.types import Doubles, Rows

SERIES_COMPARED = 5_000
"""The most series whose clocks, spread evenly over all, or whose ids, the first ones, are compared."""
SAME_RATE = 0.05
"""Share by which the typical steps of two series at one rate may differ."""
MOST_IRREGULAR = 0.05
"""Share of irregular steps of a regular clock, and of irregular clocks in series whose rates are compared."""
FEWEST_PADDED, FEWEST_ZEROS = 3, 2
FEWEST_OF_A_SCALE = 2
LEAST_GAP, NEAR_POWER = 2.0, 0.1
"""In powers of ten: the gap between series in different units, and how near their ratio is to that of the units."""
POWERS = (3, 6)
MOST_ZEROS_BEFORE = 0.05
"""Share of steps of zeros before the last ones up to which these look like padding."""


@dataclass(frozen=True)
class SamplingRates:
    """The typical time steps of the series, if there are several.

    Parameters
    ----------
    steps
        Each typical step, in seconds for dates, with the number of its series; the shortest first.
    reveals_class
        Whether the step reveals the class: each class has one step, and at least two classes have different ones.
    """

    steps: tuple[tuple[float, int], ...]
    reveals_class: bool


@dataclass(frozen=True)
class OtherScale:
    """A channel that varies much more in some series than in the others, as if these were in another unit.

    Parameters
    ----------
    channel
        Its name.
    factor
        About how many times as much it varies: 1,000 or 1,000,000.
    series, others
        The number of series in which it varies this much, and of the others, both at least 2.
    """

    channel: str
    factor: int
    series: int
    others: int


@dataclass
class WholeSeries:
    """Counts of series without values and of zeros at the ends of series, which grow with each block of series.

    Parameters
    ----------
    empty
        The ids of series without any value.
    zeros_at_end, lengths
        For each series, the number of its last steps at which all channels are zero, and the number of all its steps.
    zeros_before, steps_before
        The number of steps at which all channels are zero, and of all steps, before those zeros at the end.
    """

    empty: list[str] = field(default_factory=list)
    zeros_at_end: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    zeros_before: int = 0
    steps_before: int = 0

    def add(self, block: Panel) -> None:
        """Add the series of a block."""
        known = np.isfinite(block.values).any(axis=1)
        filled = np.logical_or.reduceat(known, block.starts)
        self.empty += [str(one) for one in block.ids[~filled]]
        zero = (absolute(block.values, block.offset) == 0).all(axis=1)
        steps = np.arange(len(zero)) - np.repeat(block.starts, block.lengths)
        last = np.maximum.reduceat(np.where(zero, -1, steps), block.starts)
        at_end = block.lengths - 1 - last
        self.zeros_at_end += at_end.tolist()
        self.lengths += block.lengths.tolist()
        self.zeros_before += int(zero.sum() - at_end.sum())
        self.steps_before += int((last + 1).sum())

    @property
    def padded(self) -> int:
        """The number of series that seem to be padded with zeros to the length of the longest; 0 if few are."""
        at_end, lengths = np.array(self.zeros_at_end), np.array(self.lengths)
        ends = (at_end >= FEWEST_ZEROS) & (lengths == lengths.max(initial=0)) & (at_end < lengths)
        rare_before = self.zeros_before <= MOST_ZEROS_BEFORE * max(self.steps_before, 1)
        several = len(np.unique(at_end[ends])) > 1
        return int(ends.sum()) if several and rare_before and ends.sum() >= FEWEST_PADDED else 0


def sampling_rates(panel: Panel) -> SamplingRates | None:
    """Return the typical time steps of the series if there are several.

    Parameters
    ----------
    panel
        Any panel; of more than 5,000 series, as many are compared.

    Returns
    -------
    SamplingRates | None
        At least two steps, of two or more series each; None for one step, without times, and for irregular clocks.

    Example
    -------
    >>> times = [np.arange(5) / 50, np.arange(5) / 50, np.arange(5) / 100, np.arange(5) / 100]
    >>> panel = Panel.from_series([[1.0] * 5] * 4, times=times, labels=["a", "a", "b", "b"])
    >>> sampling_rates(panel)
    SamplingRates(steps=((0.01, 2), (0.02, 2)), reveals_class=True)
    """
    if panel.times is None:
        return None
    rows, typical = [], []
    for row in np.unique(np.linspace(0, len(panel) - 1, min(len(panel), SERIES_COMPARED)).astype(np.int64)).tolist():
        clock = panel.clock(row)
        dated = clock.dtype.kind == "M"
        steps = np.diff(clock.astype("datetime64[ns]").astype(np.int64) / 1e9 if dated else clock.astype(np.float64))
        if len(steps):
            rows.append(row)
            typical.append(float(np.median(steps)) if _is_regular(steps) else np.nan)
    known = np.array(typical)
    if not len(known) or np.isnan(known).mean() > MOST_IRREGULAR:
        return None
    order = np.argsort(known)
    begins = np.diff(known[order], prepend=-np.inf) > SAME_RATE * known[order]
    groups = np.empty(len(known), dtype=np.int64)
    groups[order] = np.cumsum(begins) - 1
    groups[np.isnan(known)] = -1
    counts = np.bincount(groups[groups >= 0])
    if len(counts) < 2 or counts.min() < 2:
        return None
    found = tuple((float(f"{np.median(known[groups == group]):.6g}"), int(count)) for group, count in enumerate(counts))
    return SamplingRates(found, _reveal_class(panel, np.array(rows), groups))


def _is_regular(steps: Doubles) -> bool:
    typical = float(np.median(steps))
    return typical > 0 and bool((np.abs(steps - typical) > SAME_RATE * typical).mean() <= MOST_IRREGULAR)


def _reveal_class(panel: Panel, rows: Rows, groups: Rows) -> bool:
    """Whether all series of each class are of one group, and not all classes of the same."""
    if panel.labels is None or panel.labels.ndim == 2:
        return False
    labels = panel.labels[rows]
    known = is_known(labels) & (groups >= 0)
    pairs = {*zip(labels[known].astype(str).tolist(), groups[known].tolist(), strict=True)}
    return len({label for label, _ in pairs}) == len(pairs) and len({group for _, group in pairs}) > 1


def other_scales(features: Doubles, channels: Sequence[str]) -> list[OtherScale]:
    """Find channels whose series form two groups, of which one varies a thousand or a million times as much.

    Parameters
    ----------
    features
        Mean and standard deviation of each channel of each series, shape (n, 2 channels).
    channels
        The names of the channels.

    Returns
    -------
    list[OtherScale]
        Groups of at least two series, without any between them within a factor of 100.

    Example
    -------
    >>> features = np.array([[0.0, 1.1], [0.0, 0.9], [0.0, 1.0], [0.0, 1050.0], [0.0, 980.0]])
    >>> other_scales(features, ["pressure"])
    [OtherScale(channel='pressure', factor=1000, series=2, others=3)]
    """
    found = []
    for place, channel in enumerate(channels if len(features) else ()):
        deviations = features[:, len(channels) + place]
        sizes = np.sort(np.log10(deviations[deviations > 0]))
        if len(sizes) < 2 * FEWEST_OF_A_SCALE:
            continue
        border = int(np.argmax(np.diff(sizes))) + 1
        low, high = sizes[:border], sizes[border:]
        if min(len(low), len(high)) < FEWEST_OF_A_SCALE or high[0] - low[-1] < LEAST_GAP:
            continue
        between = float(np.median(high) - np.median(low))
        power = next((power for power in POWERS if abs(between - power) < NEAR_POWER), None)
        if power is not None:
            found.append(OtherScale(channel, 10**power, len(high), len(low)))
    return found


def ids_alike(panel: Panel) -> list[tuple[str, ...]]:
    """Group ids that differ only by case, blanks or punctuation.

    Parameters
    ----------
    panel
        Any panel, of which the first 5,000 ids are compared.

    Returns
    -------
    list[tuple[str, ...]]
        The ids of each group, at least two; empty for windows, whose ids are generated.

    Example
    -------
    >>> ids_alike(Panel.from_series([[1.0]] * 3, ids=["p1", "P1", "p2"]))
    [('p1', 'P1')]
    """
    if panel.origin is not None:
        return []
    return names_alike(str(one) for one in panel.ids[:SERIES_COMPARED])


def field_sentinels(metadata: pa.Table | None) -> list[Sentinel]:
    """Find numbers in metadata that may stand for a missing value.

    Parameters
    ----------
    metadata
        A row for each series, or None.

    Returns
    -------
    list[Sentinel]
        At most one number for each field of numbers, in the order of the columns, with the field as its channel.

    Example
    -------
    >>> table = pa.table({"age": [20.0, 31.0, 45.0, 52.0, -999.0, 38.0, -999.0]})
    >>> [(one.channel, one.value, one.count) for one in field_sentinels(table)]
    [('age', -999.0, 2)]
    """
    found = []
    for name, column in fields_of(metadata).items():
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            values = ExtremeValues()
            values.add(np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)))
            found += values.sentinels(name)
    return found
