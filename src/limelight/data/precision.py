"""Offsets that are subtracted in float64, so that float32 values keep a small signal on a large level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.types import Doubles

ROUNDING = 2.0**-24
"""The relative rounding error of float32."""
TOLERABLE = 1e-3
"""An offset is subtracted if rounding would exceed this share of the signal."""
PIECES, PIECE = 64, 1024
"""Values from which an offset is chosen: at most this many pieces of this many consecutive values."""


def choose_offset(values: ArrayLike) -> float:
    """Choose what to subtract from the values of a channel before they become float32.

    Parameters
    ----------
    values
        Values of one channel in the order of their steps, NaN if missing, shape (steps,). Long channels are sampled.

    Returns
    -------
    float
        0 if every value is a float32 number anyway, or if rounding to float32 changes the values by less than a
        thousandth of the signal; else a round number near their mean. The signal is the smaller of the standard
        deviation and the mean absolute difference between consecutive values, without the lowest and highest twentieth.

    Example
    -------
    >>> choose_offset([20.5, 21.25, 19.1]), choose_offset([100000000.5, 100000002.0, 99999999.25])
    (0.0, 100000000.0)
    """
    pieces = _pieces(np.asarray(values))
    known = np.concatenate([piece[np.isfinite(piece)] for piece in pieces]) if pieces else np.zeros(0)
    if not len(known) or bool((known.astype(np.float32) == known).all()):
        return 0.0
    # a few numbers such as -999 for a missing value do not count
    low, high = np.quantile(known, 0.05, method="lower"), np.quantile(known, 0.95, method="higher")
    pieces = [piece[(piece >= low) & (piece <= high)] for piece in pieces]
    known = np.concatenate(pieces)
    largest = float(np.abs(known).max())
    differences = np.concatenate([np.abs(np.diff(piece)) for piece in pieces])
    signal = min(float(known.std()), float(differences.mean())) if len(differences) else float(known.std())
    if signal == 0 or ROUNDING * largest <= TOLERABLE * signal or largest > np.finfo(np.float32).max:
        return 0.0
    mean = float(known.mean())
    unit = 2.0 ** np.ceil(np.log2(max(float(np.abs(known - mean).max()), np.finfo(np.float64).tiny)))
    offset = float(np.round(mean / unit) * unit)
    # nothing is gained if the values are as far from the offset as from 0, as those of a counter
    return offset if 2 * float(np.abs(known - offset).max()) < largest else 0.0


def _pieces(values: NDArray[Any]) -> list[Doubles]:
    if len(values) <= PIECES * PIECE:
        return [values.astype(np.float64)] if len(values) else []
    starts = np.linspace(0, len(values) - PIECE, PIECES).astype(np.int64)
    return [values[start : start + PIECE].astype(np.float64) for start in starts]


def relative_to(values: NDArray[np.float64] | NDArray[np.float32], offset: Doubles) -> NDArray[np.float32]:
    """Subtract offsets in float64 and return float32 values, shape (..., channels).

    Example
    -------
    >>> relative_to(np.array([[1e8 + 0.5]]), np.array([1e8])).tolist()
    [[0.5]]
    """
    if not offset.any():
        return values.astype(np.float32, copy=False)
    return (values.astype(np.float64, copy=False) - offset).astype(np.float32)


def absolute(values: NDArray[np.float32], offset: Doubles) -> NDArray[np.float32] | Doubles:
    """Return true values: float32, without a copy, if every offset is 0, else float64.

    Example
    -------
    >>> absolute(np.array([[0.5]], dtype=np.float32), np.array([1e8])).tolist()
    [[100000000.5]]
    """
    return values if not offset.any() else values.astype(np.float64) + offset


def shifted(values: NDArray[np.float32], shift: Doubles) -> NDArray[np.float32]:
    """Add a shift to each channel in float64; the same array if every shift is 0.

    Example
    -------
    >>> shifted(np.array([[0.5]], dtype=np.float32), np.array([2.0])).tolist()
    [[2.5]]
    """
    return values if not shift.any() else (values.astype(np.float64) + shift).astype(np.float32)


def unresolved(values: NDArray[np.float64], offset: float) -> bool:
    """Whether float32 does not resolve the steps of a channel even relative to its offset.

    Parameters
    ----------
    values
        Values of one channel in the order of their steps, float64, shape (steps,).
    offset
        What is subtracted.

    Returns
    -------
    bool
        True if rounding exceeds a tenth of the median change between consecutive values that differ.

    Example
    -------
    >>> levels = np.repeat([0.0, 5e9], 4) + np.tile([0.0, 1.0, 0.0, 1.0], 2)
    >>> unresolved(levels, choose_offset(levels))
    True
    """
    if values.dtype != np.float64:
        return False
    pieces = _pieces(values)
    changes = [np.abs(np.diff(piece[np.isfinite(piece)])) for piece in pieces]
    steps = np.concatenate(changes) if changes else np.zeros(0)
    steps = steps[steps > 0]
    if not len(steps):
        return False
    largest = max(float(np.nanmax(np.abs(piece - offset), initial=0.0)) for piece in pieces)
    return bool(ROUNDING * largest > 0.1 * float(np.median(steps)))


def unresolved_note(names: Iterable[str]) -> str:
    """Return the note on channels whose steps float32 does not resolve.

    Example
    -------
    >>> unresolved_note(["phase"])[:60]
    "the changes from step to step in channel 'phase' are too sma"
    """
    listed = ", ".join(f"{name!r}" for name in names)
    return (
        f"the changes from step to step in channel {listed} are too small beside its range for float32, so they are "
        "lost; subtract the level of each series, or use differences"
    )


def relative_arrays(
    arrays: Sequence[NDArray[Any]], channels: Sequence[str] | None = None
) -> tuple[list[NDArray[np.float32]], Doubles, list[str]]:
    """Convert series to float32 values relative to an offset for each channel.

    Parameters
    ----------
    arrays
        At least one array of shape (steps, channels), float32 or float64.
    channels
        Names of the channels, for the note; None numbers them.

    Returns
    -------
    tuple
        The values relative to the offset, in the same order; the offset, shape (channels,), see ``choose_offset``; and
        a note if float32 loses the changes from step to step even so.

    Example
    -------
    >>> values, offset, notes = relative_arrays([np.array([[1.0, 5e8 + 0.25], [2.0, 5e8 + 0.75]])])
    >>> values[0].tolist(), offset.tolist(), notes
    ([[1.0, -0.25], [2.0, 0.25]], [0.0, 500000000.5], [])
    """
    width = arrays[0].shape[1]
    if all(array.dtype == np.float32 for array in arrays):
        return [*arrays], np.zeros(width), []
    names = channels or [f"channel_{number}" for number in range(width)]
    offset, lost = np.zeros(width), []
    for column in range(width):
        values = np.concatenate([array[:, column] for array in arrays])
        offset[column] = choose_offset(values)
        lost += [names[column]] if unresolved(values, float(offset[column])) else []
    return [relative_to(array, offset) for array in arrays], offset, [unresolved_note(lost)] if lost else []
