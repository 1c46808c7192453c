"""Drawings of planted patterns: values, labels, and the values that decide each label."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.types import Doubles, Flags, Rows

UP, DOWN = "up", "down"


@dataclass(eq=False)
class Drawing:
    """Series of equal length with a pattern that decides the label.

    Parameters
    ----------
    values
        Shape (n, points, channels).
    labels
        Shape (n,).
    truth
        Which values decide the label, shape (n, points, channels); all False in a series whose label is the absence of
        a pattern.
    metadata
        A column for each metadata field.
    lengths
        Number of steps of each series, at most ``points``; None if all have ``points``.
    """

    values: Doubles
    labels: NDArray[Any]
    truth: Flags
    metadata: dict[str, list[str]] = field(default_factory=dict)
    lengths: Rows | None = None


def _noise(rng: np.random.Generator, n: int, points: int, noise: float, channels: int = 1) -> Doubles:
    return noise * rng.standard_normal((n, points, channels))


def _balanced(rng: np.random.Generator, n: int, classes: int = 2) -> Rows:
    """Return class numbers in random order, each as often as the others."""
    return rng.permutation(np.arange(n) % classes)


def _stretch(starts: Rows, width: int, points: int) -> Flags:
    """Return which steps lie in the stretch of each series, shape (n, points)."""
    steps = np.arange(points)
    return (steps >= starts[:, None]) & (steps < starts[:, None] + width)


def _bump(starts: Rows, width: int, points: int) -> Doubles:
    """Return half a period of a sine of height 1 at each start, shape (n, points)."""
    phase = (np.arange(points) - starts[:, None] + 0.5) / width
    return np.where((phase > 0) & (phase < 1), np.sin(np.pi * phase), 0.0)


def _width_of(points: int) -> int:
    return max(4, points // 8)


def held_wave(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw sine waves, half of which keep their value for a fifth of the series."""
    kind, width = _balanced(rng, n), max(4, points // 5)
    cycles, phase = rng.uniform(2, 4, (n, 1)), rng.uniform(0, 2 * np.pi, (n, 1))
    wave = np.sin(2 * np.pi * cycles * np.arange(points) / points + phase)
    starts = rng.integers(0, points - width, n, endpoint=True)
    held = _stretch(starts, width, points) & (kind[:, None] == 1)
    wave = np.where(held, wave[np.arange(n), starts][:, None], wave)
    values = wave[:, :, None] + 0.2 * _noise(rng, n, points, noise)
    return Drawing(values, np.array(["moving", "held"])[kind], held[:, :, None])


def peak(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw noise, half of it with a narrow peak at a random place."""
    kind, width = _balanced(rng, n), max(3, points // 16)
    starts = rng.integers(0, points - width, n, endpoint=True)
    bump = 1.5 * _bump(starts, width, points) * kind[:, None]
    truth = _stretch(starts, width, points) & (kind[:, None] == 1)
    return Drawing(
        bump[:, :, None] + _noise(rng, n, points, noise), np.array(["none", "peak"])[kind], truth[:, :, None]
    )


def trend_break(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw rising series, half of which fall for an eighth of their length and then catch up."""
    kind, half = _balanced(rng, n), max(2, points // 8)
    starts = rng.integers(0, points - 2 * half, n, endpoint=True)
    broken = _stretch(starts, 2 * half, points) & (kind[:, None] == 1)
    slope = rng.uniform(0.8, 1.2, (n, 1)) * 8 / points
    since = np.arange(points) - starts[:, None] + 1
    below = np.where(broken, np.minimum(since, 2 * half - since), 0)
    values = slope * (np.arange(points) - 2 * below) + rng.uniform(-1, 1, (n, 1))
    values = values[:, :, None] + 0.3 * _noise(rng, n, points, noise)
    return Drawing(values, np.array(["rising", "broken"])[kind], broken[:, :, None])


def missing_stretch(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw waves without some values: an adjacent stretch of them in one class, scattered ones in the other."""
    kind, width = _balanced(rng, n), _width_of(points)
    wave = np.sin(2 * np.pi * (2 * np.arange(points) / points + rng.uniform(0, 1, (n, 1))))
    values = wave[:, :, None] + _noise(rng, n, points, noise)
    starts = rng.integers(1, points - width - 1, n, endpoint=True)
    adjacent = _stretch(starts, width, points)
    scattered = rng.random((n, points)).argsort(axis=1) < width
    values[np.where(kind[:, None] == 1, adjacent, scattered)] = np.nan
    truth = adjacent & (kind[:, None] == 1)
    return Drawing(values, np.array(["scattered", "adjacent"])[kind], truth[:, :, None])


def exclusive_or(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw two bumps at fixed places, each upward or downward; the label is whether both have one direction."""
    kind, width = _balanced(rng, n, 4), _width_of(points)
    signs = np.stack([1 - 2 * (kind // 2), 1 - 2 * (kind % 2)])
    places = [np.full(n, points // 4 - width // 2), np.full(n, 3 * points // 4 - width // 2)]
    bumps = sum(sign[:, None] * _bump(place, width, points) for sign, place in zip(signs, places, strict=True))
    truth = _stretch(places[0], width, points) | _stretch(places[1], width, points)
    labels = np.where(signs[0] == signs[1], "same", "different")
    return Drawing(np.asarray(bumps)[:, :, None] + _noise(rng, n, points, noise), labels, truth[:, :, None])


def order(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw an upward and a downward bump at random places; the label is which of them comes first."""
    kind, width = _balanced(rng, n), _width_of(points)
    places = np.sort(rng.integers(0, points - 2 * width, (n, 2), endpoint=True), axis=1)
    first, second = places[:, 0], places[:, 1] + width
    sign = (1 - 2 * kind)[:, None]
    bumps = sign * (_bump(first, width, points) - _bump(second, width, points))
    truth = _stretch(first, width, points) | _stretch(second, width, points)
    labels = np.array(["up_first", "down_first"])[kind]
    return Drawing(bumps[:, :, None] + _noise(rng, n, points, noise), labels, truth[:, :, None])


def frequency(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw noise with a burst of a fast or a slow oscillation at a random place."""
    kind, width = _balanced(rng, n), points // 4
    starts = rng.integers(0, points - width, n, endpoint=True)
    inside = _stretch(starts, width, points)
    cycles = np.array([2.0, 5.0])[kind][:, None] / width
    wave = np.sin(2 * np.pi * (cycles * np.arange(points) + rng.uniform(0, 1, (n, 1))))
    values = np.where(inside, wave, 0.0)[:, :, None] + _noise(rng, n, points, noise)
    return Drawing(values, np.array(["slow", "fast"])[kind], inside[:, :, None])


def amplitude(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw noise with a stretch, at a random place, in which it is much louder or much quieter."""
    kind, width = _balanced(rng, n), points // 4
    starts = rng.integers(0, points - width, n, endpoint=True)
    inside = _stretch(starts, width, points)
    factor = np.where(inside, np.array([0.15, 3.0])[kind][:, None], 1.0)
    values = factor[:, :, None] * rng.standard_normal((n, points, 1)) + 0.1 * _noise(rng, n, points, noise)
    return Drawing(values, np.array(["quiet", "loud"])[kind], inside[:, :, None])


def channel(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw three channels with an upward or downward bump each; the label is the direction in the second."""
    signs, width = np.stack([_balanced(rng, n) for _ in range(3)], axis=1), _width_of(points)
    starts = np.stack([rng.integers(0, points - width, n, endpoint=True) for _ in range(3)], axis=1)
    bumps = np.stack([_bump(starts[:, place], width, points) for place in range(3)], axis=2)
    values = (1.0 - 2 * signs)[:, None] * bumps + _noise(rng, n, points, noise, 3)
    truth = np.zeros(values.shape, dtype=bool)
    truth[:, :, 1] = _stretch(starts[:, 1], width, points)
    return Drawing(values, np.array([UP, DOWN])[signs[:, 1]], truth)


def metadata(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw two bumps at fixed places, each upward or downward; a metadata field selects the one that is the label."""
    kind, width = _balanced(rng, n, 8), _width_of(points)
    late, down = kind // 4 == 1, np.stack([kind // 2 % 2, kind % 2]) == 1
    places = [np.full(n, place - width // 2) for place in (points // 4, 3 * points // 4)]
    signs = np.where(down, -1.0, 1.0)
    bumps = sum(sign[:, None] * _bump(place, width, points) for sign, place in zip(signs, places, strict=True))
    truth = _stretch(np.where(late, places[1], places[0]), width, points)
    labels = np.where(np.where(late, down[1], down[0]), DOWN, UP)
    values = np.asarray(bumps)[:, :, None] + _noise(rng, n, points, noise)
    return Drawing(values, labels, truth[:, :, None], {"mode": np.where(late, "late", "early").tolist()})


def class_places(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw a bump at one of three fixed places, one for each class, and a smaller one between two of them."""
    kind, width = _balanced(rng, n, 3), _width_of(points)
    own = np.array([points // 6, points // 2, 5 * points // 6])[kind] - width // 2
    between = rng.choice([points // 3, 2 * points // 3], n) - width // 2
    bumps = _bump(own, width, points) + 0.4 * _bump(between, width, points)
    values = bumps[:, :, None] + _noise(rng, n, points, noise)
    return Drawing(values, np.array(["early", "middle", "late"])[kind], _stretch(own, width, points)[:, :, None])


def unequal_lengths(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw an upward or downward bump at a random place of series of different lengths."""
    kind, width = _balanced(rng, n), _width_of(points)
    lengths = rng.integers(points // 2, points, n, endpoint=True)
    starts = np.floor(rng.random(n) * (lengths - width + 1)).astype(np.int64)
    bump = (1.0 - 2 * kind)[:, None] * _bump(starts, width, points)
    values = bump[:, :, None] + _noise(rng, n, points, noise)
    truth = _stretch(starts, width, points)[:, :, None]
    return Drawing(values, np.array([UP, DOWN])[kind], truth, lengths=lengths)


def distractor(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw a small bump, whose direction is the label, and a three times higher peak that means nothing."""
    kind, sign, width = _balanced(rng, n), rng.choice([-1.0, 1.0], n), _width_of(points)
    half = points // 2
    sides = rng.permuted(np.tile([0, half], (n, 1)), axis=1) + rng.integers(0, half - width, (n, 2), endpoint=True)
    bump = (1.0 - 2 * kind)[:, None] * _bump(sides[:, 0], width, points)
    narrow = max(2, width // 4)
    peak = 3 * sign[:, None] * _bump(sides[:, 1], narrow, points)
    values = (bump + peak)[:, :, None] + _noise(rng, n, points, noise)
    return Drawing(values, np.array([UP, DOWN])[kind], _stretch(sides[:, 0], width, points)[:, :, None])


def nothing(rng: np.random.Generator, n: int, points: int, noise: float) -> Drawing:
    """Draw an upward or downward bump that has nothing to do with the label: a control, in which nothing decides."""
    drawing = unequal_lengths(rng, n, points, noise)
    labels = np.array([UP, DOWN])[_balanced(rng, n)]
    return Drawing(drawing.values, labels, np.zeros_like(drawing.truth))
