"""Synthetic bumps: the label depends on the series and on metadata (or a signal) jointly, and on neither alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from limelight.data.panel import Panel
from limelight.errors import ParameterError, listing, nearest

UP, DOWN = "up", "down"
EARLY, LATE = "early", "late"
ModeAs = Literal["category", "number", "boolean", "text", "signal"]
PHRASES = (
    "operator asked for the {mode} bump",
    "please look at the {mode} one of the two",
    "the {mode} bump counts in this run",
    "night shift, only the {mode} peak matters here",
)
"""Phrasings of more than four words each, so that the field is inferred as text."""
MOST_ROWS = 3
"""Maximum number of rows per series in the table of the side signal."""


@dataclass(frozen=True)
class BumpSettings:
    """Settings of the generated series, and the form in which the mode is provided.

    Parameters
    ----------
    dataset_size
        Number of series, at least 4: one of each mode and order of signs.
    num_points
        Number of steps of each series, at least twice the width.
    noise
        Standard deviation of the noise, at least 0; the bumps have height 1.
    width
        Number of steps of each bump, at least 1.
    mode_as
        The form of the metadata field ``mode``: ``"category"`` for the words early and late, ``"number"`` for 0 and 1,
        ``"boolean"`` for false and true, ``"text"`` for notes in several phrasings; ``"signal"`` provides the words as
        a side signal instead.

    Raises
    ------
    ParameterError
        If the bumps do not fit into the series, or ``mode_as`` is not one of these.

    Example
    -------
    >>> BumpSettings(dataset_size=8, num_points=40).width
    8
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    dataset_size: Annotated[int, Field(ge=4)] = 2000
    num_points: Annotated[int, Field(ge=2)] = 100
    noise: Annotated[float, Field(ge=0.0)] = 0.3
    width: Annotated[int, Field(ge=1)] = 8
    mode_as: ModeAs = "category"

    def __post_init__(self) -> None:
        forms = get_args(ModeAs)
        if self.mode_as not in forms:
            raise ParameterError(
                f"expected mode_as to be one of {listing(forms)}, got {self.mode_as!r}{nearest(self.mode_as, forms)}"
            )
        if self.num_points < 2 * self.width:
            raise ParameterError(
                f"expected at least {2 * self.width} points for two bumps of width {self.width}, got "
                f"{self.num_points}; make num_points larger or width smaller"
            )


def generate_bumps(settings: BumpSettings | None = None, seed: int = 0) -> tuple[Panel, pa.Table | None]:
    """Generate noise with an upward and a downward bump, one in each half; the mode selects the bump that is the label.

    Modes and orders of the two bumps are balanced, so that the best prediction from the series alone, or from the mode
    alone, is right for half of the series.

    Parameters
    ----------
    settings
        Sizes, noise, and the form of the mode; None for 2,000 series of 100 steps with the mode as a category.
    seed
        The same seed generates the same series.

    Returns
    -------
    tuple[Panel, pa.Table | None]
        The series, in random order: one channel ``wave``, times from 0 to ``num_points`` - 1, labels ``"up"`` and
        ``"down"``, the metadata field ``mode``, and ``intervals`` with the bump that decides the label. With
        ``mode_as="signal"`` the series have no metadata, and the table has one to three rows per series, with the
        columns ``series_id``, ``time`` and ``mode``, the first row at or before the first step; otherwise the table is
        None.

    Source
    ------
    This project: an exclusive or of the mode and the order of the bumps, in noise.

    Example
    -------
    >>> panel, signals = generate_bumps(BumpSettings(dataset_size=100, noise=0.0))
    >>> panel, signals
    (Panel(100 series, 100 steps, 1 channel, 2 classes), None)
    >>> start, stop = panel.intervals[0].tolist()
    >>> panel.metadata["mode"][0].as_py(), start, f"{panel.series(0)[start:stop].sum():.1f}", str(panel.labels[0])
    ('late', 76, '-5.1', 'down')
    """
    settings = settings or BumpSettings()
    rng = np.random.default_rng(seed)
    n, points = settings.dataset_size, settings.num_points
    cell = rng.permutation(np.arange(n) % 4)  # a combination of mode and order of the bumps
    late, down_first = cell // 2 == 1, cell % 2 == 1
    half = points // 2
    starts = np.stack(
        [
            rng.integers(0, half - settings.width, n, endpoint=True),
            rng.integers(half, points - settings.width, n, endpoint=True),
        ],
        axis=1,
    )
    signs = np.where(down_first[:, None], [-1.0, 1.0], [1.0, -1.0])
    values = _bumps(starts, signs, settings) + settings.noise * rng.standard_normal((n, points))
    decisive = late.astype(np.int64)  # the half whose bump is the label
    rows = np.arange(n)
    start = starts[rows, decisive]
    ids = [f"bump_{number:0{len(str(n - 1))}d}" for number in range(n)]
    signals = _as_signal(late, ids, points, rng) if settings.mode_as == "signal" else None
    panel = Panel(
        values.astype(np.float32).reshape(-1, 1),
        rows * points,
        np.full(n, points),
        ids=ids,
        channels=["wave"],
        times=np.tile(np.arange(points), n),
        labels=np.where(signs[rows, decisive] > 0, UP, DOWN),
        intervals=np.stack([start, start + settings.width], axis=1),
        metadata=None if signals is not None else pa.table({"mode": _as_field(late, settings.mode_as, rng)}),
    )
    return panel, signals


def _bumps(starts: NDArray[np.int64], signs: NDArray[np.float64], settings: BumpSettings) -> NDArray[np.float64]:
    """Return series with half a sine period at both positions, shape (n, points)."""
    values = np.zeros((len(starts), settings.num_points))
    shape = np.sin(np.pi * (np.arange(settings.width) + 0.5) / settings.width)
    steps = starts[:, :, None] + np.arange(settings.width)
    values[np.arange(len(starts))[:, None, None], steps] = signs[:, :, None] * shape
    return values


def _as_field(late: NDArray[np.bool_], mode_as: ModeAs, rng: np.random.Generator) -> pa.Array:
    if mode_as == "number":
        return pa.array(late.astype(np.float64))
    if mode_as == "boolean":
        return pa.array(late)
    if mode_as == "text":
        notes = np.array([[phrase.format(mode=mode) for mode in (EARLY, LATE)] for phrase in PHRASES])
        return pa.array(notes[rng.integers(len(PHRASES), size=len(late)), late.astype(np.int64)].tolist())
    return pa.array(np.where(late, LATE, EARLY).tolist())


def _as_signal(late: NDArray[np.bool_], ids: list[str], points: int, rng: np.random.Generator) -> pa.Table:
    """Sample the mode of each series one to three times, first at or before its first step, then at random times."""
    rows = rng.integers(1, MOST_ROWS, len(late), endpoint=True)
    series = np.repeat(np.arange(len(late)), rows)
    first = np.append(True, np.diff(series) > 0)
    time = np.where(first, -rng.uniform(0, points / 10, len(series)), rng.uniform(0, points, len(series)))
    order = np.lexsort((time, series))
    modes = np.where(late, LATE, EARLY)[series].tolist()
    return pa.table({"series_id": np.array(ids)[series].tolist(), "time": time[order], "mode": modes})
