"""Made shifts: faults of sensors and of processing, applied to series whose labels are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel

Values = NDArray[np.float32]
Change = Callable[[Values, NDArray[np.float64], np.random.Generator], Values]
"""Changes the values of one series, shape (time, channels), given the standard deviations of the channels."""


def _noise(size: float) -> Change:
    return lambda values, spread, random: values + size * spread * random.normal(size=values.shape)


def _resample(factor: float) -> Change:
    def change(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
        n = max(2, round(len(values) * factor))
        places = np.linspace(0, len(values) - 1, n)
        return np.stack([np.interp(places, np.arange(len(values)), one) for one in values.T], axis=1)

    return change


def _frozen(share: float) -> Change:
    def change(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
        changed, start = values.copy(), round((1 - share) * (len(values) - 1))
        channel = int(random.integers(values.shape[1]))
        changed[start:, channel] = values[start, channel]
        return changed

    return change


def _empty(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
    changed = values.copy()
    changed[:, int(random.integers(values.shape[1]))] = 0.0
    return changed


def _spikes(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
    return values + 5 * spread * (random.random(values.shape) < 0.02) * random.choice([-1, 1], size=values.shape)


def _drifting(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
    return values + spread * np.linspace(0, 2, len(values))[:, None]


def _clipped(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
    low, high = np.nanquantile(values, [0.2, 0.8], axis=0)
    return values.clip(low, high)


def _smoothed(values: Values, spread: NDArray[np.float64], random: np.random.Generator) -> Values:
    kernel = np.ones(5) / 5
    return np.stack([np.convolve(np.pad(one, 2, mode="edge"), kernel, mode="valid") for one in values.T], axis=1)


SHIFTS: dict[str, Change] = {
    "gain 0.5": lambda values, spread, random: values * 0.5,
    "gain 2": lambda values, spread, random: values * 2,
    "sign": lambda values, spread, random: -values,
    "offset 1": lambda values, spread, random: values + spread,
    "offset 3": lambda values, spread, random: values + 3 * spread,
    "noise 0.2": _noise(0.2),
    "noise 0.5": _noise(0.5),
    "noise 1": _noise(1.0),
    "spikes": _spikes,
    "trend": _drifting,
    "clipped": _clipped,
    "smoothed": _smoothed,
    "half rate": _resample(0.5),
    "double rate": _resample(2.0),
    "rate 0.8": _resample(0.8),
    "frozen half": _frozen(0.5),
    "frozen": _frozen(1.0),
    "empty channel": _empty,
    "swapped channels": lambda values, spread, random: values[:, ::-1] if values.shape[1] > 1 else values[::-1],
    "cut to half": lambda values, spread, random: values[: max(2, len(values) // 2)],
}
"""Twenty shifts; with a single channel, "swapped channels" reverses time instead."""


def shifted_panel(panel: Panel, name: str, seed: int = 0) -> Panel:
    """Return series with one of ``SHIFTS``, with the same labels and metadata and without a clock."""
    random, change = np.random.default_rng(seed), SHIFTS[name]
    whole = panel.compact()
    values = whole.values.astype(np.float64) + whole.offset
    spread = np.maximum(np.nanstd(values, axis=0), 1e-12)
    ends = zip(whole.starts, whole.starts + whole.lengths, strict=True)
    series = [change(values[start:stop], spread, random) for start, stop in ends]
    return Panel.from_series(
        series, ids=panel.ids.tolist(), labels=panel.labels, channels=list(panel.channels), metadata=panel.metadata
    )
