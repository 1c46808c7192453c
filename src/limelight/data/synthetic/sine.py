"""Synthetic sine waves, half of which are held still for an interval: the anomaly that a model has to detect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator

from limelight.data.panel import Panel

NORMAL, ANOMALOUS = "normal", "anomalous"
MOST_NUMBERS = 1_000_000
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Step = Annotated[float, Field(gt=0.0)]


@dataclass(frozen=True)
class SineSettings:
    """Settings of the generated waves. Every parameter is drawn from a grid: min, min + step, ..., up to max inclusive.

    Parameters
    ----------
    num_points
        Number of steps of each series, at least 2.
    dataset_size
        Number of series, at least 2.
    normal_anomalous_ratio
        Share of normal series, in [0, 1].
    min_loc, max_loc, step_loc
        The step at which the wave is held still, as a fraction of the series.
    min_length, max_length, step_length
        How long the wave is held still, as a fraction of the series, at most until its end.
    min_freq, max_freq, step_freq
        Number of periods of the wave within the series.
    min_amp, max_amp, step_amp
        Amplitude of the wave.

    Example
    -------
    >>> SineSettings(dataset_size=4, num_points=10).num_points
    10
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    num_points: Annotated[int, Field(ge=2)] = 500
    dataset_size: Annotated[int, Field(ge=2)] = 10_000
    normal_anomalous_ratio: Fraction = 0.5
    min_loc: Fraction = 0.0
    max_loc: Fraction = 0.9
    step_loc: Step = 0.01
    min_length: Fraction = 0.1
    max_length: Fraction = 0.5
    step_length: Step = 0.01
    min_freq: float = 1.0
    max_freq: float = 4.0
    step_freq: Step = 0.01
    min_amp: float = 1.0
    max_amp: float = 10.0
    step_amp: Step = 0.01

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> Self:
        for name in ("loc", "length", "freq", "amp"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low > high:
                raise ValueError(f"expected min_{name} to be at most max_{name}, got {low} and {high}; swap the two")
            if (high - low) / getattr(self, f"step_{name}") > MOST_NUMBERS:
                raise ValueError(
                    f"expected at most {MOST_NUMBERS:,} values between min_{name} and max_{name}, got more; "
                    f"make step_{name} larger"
                )
        return self


def generate_sine(settings: SineSettings | None = None, seed: int = 0) -> Panel:
    """Generate sine waves, all different if the grids are large enough.

    A normal series is amp·sin(freq·t), t over [0, 2π]; an anomalous series keeps its value at ``loc`` for ``length``.

    Parameters
    ----------
    settings
        Grids and sizes; None for those of ``limelight demo``, 10,000 series of 500 steps.
    seed
        The same seed generates the same waves.

    Returns
    -------
    Panel
        One channel ``wave``, labels ``"normal"`` and ``"anomalous"`` in random order, and ``intervals`` with the flat
        interval of every anomalous series.

    Source
    ------
    This project, after a widely read tutorial on attention for time series; the flat intervals are recorded here.

    Example
    -------
    >>> panel = generate_sine(SineSettings(dataset_size=100))
    >>> panel
    Panel(100 series, 500 steps, 1 channel, 2 classes)
    >>> start, stop = panel.intervals[panel.labels == "anomalous"][0]
    >>> len(np.unique(panel.series(np.flatnonzero(panel.labels == "anomalous")[0])[start:stop]))
    1
    """
    settings = settings or SineSettings()
    rng = np.random.default_rng(seed)
    n, points = settings.dataset_size, settings.num_points
    held_at, held_for = (rng.choice(_grid(settings, name), n) for name in ("loc", "length"))
    frequency, amplitude = _distinct_waves(settings, n, rng)
    anomalous = rng.permutation(n) >= round(settings.normal_anomalous_ratio * n)
    start = np.minimum(np.rint(held_at * points), points - 1).astype(np.int64)
    stop = np.minimum(start + np.maximum(np.rint(held_for * points), 1), points).astype(np.int64)
    values = _waves(frequency, amplitude, points)
    steps = np.arange(points)
    held = anomalous[:, None] & (steps >= start[:, None]) & (steps < stop[:, None])
    values = np.where(held, values[np.arange(n), start][:, None], values)
    interval = np.where(anomalous[:, None], np.stack([start, stop], axis=1), -1)
    width = len(str(n - 1))
    return Panel(
        values.reshape(-1, 1),
        np.arange(n) * points,
        np.full(n, points),
        ids=[f"wave_{number:0{width}d}" for number in range(n)],
        channels=["wave"],
        labels=np.where(anomalous, ANOMALOUS, NORMAL),
        intervals=interval,
    )


def _distinct_waves(
    settings: SineSettings, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample the frequency and amplitude of every wave, without repeated pairs if the grids are large enough.

    Sampled with repetition, 29 of 2,000 test waves of the default experiment were also in the training part.
    """
    frequencies, amplitudes = _grid(settings, "freq"), _grid(settings, "amp")
    pairs = len(frequencies) * len(amplitudes)
    drawn = rng.choice(pairs, n, replace=pairs < n)
    return frequencies[drawn // len(amplitudes)], amplitudes[drawn % len(amplitudes)]


def _waves(frequency: NDArray[np.float64], amplitude: NDArray[np.float64], points: int) -> NDArray[np.float32]:
    angles = np.linspace(0, 2 * np.pi, points, dtype=np.float32)
    waves: NDArray[np.float32] = np.sin(frequency.astype(np.float32)[:, None] * angles)
    waves *= amplitude.astype(np.float32)[:, None]
    return waves


def _grid(settings: SineSettings, name: str) -> NDArray[np.float64]:
    low, high, step = (getattr(settings, f"{bound}_{name}") for bound in ("min", "max", "step"))
    grid: NDArray[np.float64] = low + step * np.arange(int(np.floor((high - low) / step + 1e-9)) + 1)
    return grid
