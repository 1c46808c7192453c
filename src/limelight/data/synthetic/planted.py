"""Planted tasks: small labelled series of which it is known which values decide the label, to test explanations on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from limelight.data.panel import Panel
from limelight.data.synthetic import drawings
from limelight.data.synthetic.drawings import Drawing
from limelight.errors import ParameterError, nearest
from limelight.types import Flags, Rows

PLANTED_TASKS: dict[str, Callable[[np.random.Generator, int, int, float], Drawing]] = {
    "held_wave": drawings.held_wave,
    "peak": drawings.peak,
    "trend_break": drawings.trend_break,
    "missing_stretch": drawings.missing_stretch,
    "exclusive_or": drawings.exclusive_or,
    "order": drawings.order,
    "frequency": drawings.frequency,
    "amplitude": drawings.amplitude,
    "channel": drawings.channel,
    "metadata": drawings.metadata,
    "class_places": drawings.class_places,
    "unequal_lengths": drawings.unequal_lengths,
    "distractor": drawings.distractor,
    "nothing": drawings.nothing,
}
"""Each draws n series from a random generator, the number of series and of steps, and the size of the noise."""
LEAST_POINTS = 16


@dataclass(frozen=True, eq=False)
class Planted:
    """Labelled series and the values that decide each label.

    Parameters
    ----------
    name
        The task.
    panel
        The n series with labels.
    truth
        Which values decide the label, shape (time, channels) for each series; all False if its label is the absence of
        a pattern.
    """

    name: str
    panel: Panel
    truth: list[Flags]

    def __getitem__(self, rows: Rows) -> Planted:
        """Select some series by row."""
        return Planted(self.name, self.panel[rows], [self.truth[row] for row in rows])


def generate_planted(name: str, size: int = 200, points: int = 80, noise: float = 0.3, seed: int = 0) -> Planted:
    """Generate series whose label is decided by known values.

    Parameters
    ----------
    name
        A key of ``PLANTED_TASKS``.
    size
        Number of series, at least 4.
    points
        Number of steps of each series, at least 16; the most steps for ``"unequal_lengths"``.
    noise
        Standard deviation of the noise, at least 0; patterns have a height of about 1.
    seed
        The same seed generates the same series.

    Returns
    -------
    Planted
        The series in random order, with classes as equal in size as possible.

    Raises
    ------
    ParameterError
        If there is no such task, or a number is out of range.

    Source
    ------
    This project.

    Example
    -------
    >>> planted = generate_planted("unequal_lengths", size=8, noise=0.0)
    >>> planted.panel
    Panel(8 series, 47 to 79 steps, 1 channel, 2 classes)
    >>> [int(one.sum()) for one in planted.truth]
    [10, 10, 10, 10, 10, 10, 10, 10]
    """
    if name not in PLANTED_TASKS:
        raise ParameterError(f"expected a planted task, got {name!r}{nearest(name, PLANTED_TASKS)}")
    for what, number, least in (("size", size, 4), ("points", points, LEAST_POINTS), ("noise", noise, 0)):
        if number < least:
            raise ParameterError(f"expected {what} of at least {least}, got {what}={number}; increase {what}")
    drawing = PLANTED_TASKS[name](np.random.default_rng(seed), size, points, noise)
    channels = drawing.values.shape[2]
    lengths = np.full(size, points) if drawing.lengths is None else drawing.lengths
    panel = Panel(
        drawing.values.astype(np.float32).reshape(-1, channels),
        np.arange(size) * points,
        lengths,
        ids=[f"{name}_{number:0{len(str(size - 1))}d}" for number in range(size)],
        channels=[f"channel_{place}" for place in range(channels)],
        labels=drawing.labels,
        metadata=pa.table(drawing.metadata) if drawing.metadata else None,
    )
    truth = [flags[:length] for flags, length in zip(drawing.truth, lengths.tolist(), strict=True)]
    return Planted(name, panel, truth)
