"""Padding: series of a Panel as padded arrays, in groups of similar lengths. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.precision import shifted
from limelight.errors import DataError

if TYPE_CHECKING:
    from limelight.model.vocabulary import EncodedMetadata

STEPS_PER_BATCH = 65_536
"""Maximum number of time steps, with padding, in a batch for prediction; speed is the same from 30k to 500k."""


class Padded(NamedTuple):
    """Where the steps of some series lie in padded arrays.

    Parameters
    ----------
    mask
        True for real steps, shape (batch, time).
    places
        The row of each step among all steps of the panel, that of the first step for padding, shape (batch, time).
    """

    mask: NDArray[np.bool_]
    places: NDArray[np.int64]


def padded_places(panel: Panel, rows: NDArray[np.int64]) -> Padded:
    """Return the mask of the selected series, padded to the same length, and the places of their steps."""
    lengths = panel.lengths[rows]
    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]
    return Padded(mask, panel.starts[rows][:, None] + np.where(mask, steps, 0))


def padded_arrays(
    panel: Panel,
    rows: NDArray[np.int64],
    padded: Padded,
    *,
    elapsed: bool = False,
    missing: bool = False,
    metadata: EncodedMetadata | None = None,
    offset: NDArray[np.float64] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return what a network reads of the selected series, by the names and with the shapes of ``Batch``.

    Parameters
    ----------
    panel, rows, elapsed, missing, metadata, offset
        As for ``make_batch``, which also lists the errors.
    padded
        From ``padded_places``.

    Returns
    -------
    dict[str, NDArray]
        The arrays that are not None in ``Batch``, without targets.

    Example
    -------
    >>> panel, rows = Panel.from_series([[1.0, 2.0], [3.0]]), np.array([0, 1])
    >>> arrays = padded_arrays(panel, rows, padded_places(panel, rows))
    >>> arrays["values"][:, :, 0].tolist(), arrays["mask"].tolist()
    ([[1.0, 2.0], [3.0, 0.0]], [[True, True], [True, False]])
    """
    mask, places = padded
    values = panel.values[places]
    if offset is not None:
        values = shifted(values, panel.offset - offset)
    values[~mask] = 0.0  # multiplying with the mask would keep NaN
    if not _all_allowed(values, missing):
        require_finite(panel[rows], missing=missing)
    arrays: dict[str, NDArray[Any]] = {"values": values, "mask": mask}
    if elapsed:
        arrays["elapsed"] = _elapsed(panel, rows, places, mask)
    panel.note_read(panel.lengths[rows])
    signals = _signals_at(panel, metadata, places, mask)
    if signals is not None:
        arrays["signals"] = signals
    return {**arrays, **_metadata_at(metadata, rows)}


def _metadata_at(metadata: EncodedMetadata | None, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Convert the metadata of the selected series by kind; kinds without a field are omitted."""
    if metadata is None:
        return {}
    kinds: dict[str, NDArray[Any]] = {
        "categories": metadata.categories,
        "numbers": metadata.numbers,
        "tokens": metadata.tokens,
        "vectors": metadata.vectors,
    }
    return {name: array[rows] for name, array in kinds.items() if array.shape[1]}


def _signals_at(
    panel: Panel, metadata: EncodedMetadata | None, places: NDArray[np.int64], mask: NDArray[np.bool_]
) -> NDArray[np.int64] | None:
    """Return the code of each side signal at each step, 0 for padding, shape (batch, time, signals)."""
    if metadata is None or not metadata.signals:
        return None
    codes = np.zeros((*places.shape, len(metadata.signals)), dtype=np.int64)
    for number, signal in enumerate(metadata.signals):
        if signal.column is not None and panel.signals is not None:
            codes[:, :, number] = np.where(mask, signal.codes[panel.signals.codes[places, signal.column]], 0)
    return codes


def _all_allowed(values: NDArray[np.float32], missing: bool) -> bool:
    """Whether all values are finite or, if allowed, missing."""
    with np.errstate(over="ignore", invalid="ignore"):  # the sum is faster to check than every value
        if np.isfinite(values.sum()):
            return True
    return missing and not np.isinf(values).any()


def _elapsed(
    panel: Panel, rows: NDArray[np.int64], places: NDArray[np.int64], mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    require_clock(panel)
    assert panel.times is not None
    between = np.diff(panel.times[places], axis=1)
    seconds = between / np.timedelta64(1, "s") if between.dtype.kind == "m" else between
    elapsed = np.zeros(places.shape, dtype=np.float32)
    elapsed[:, 1:] = np.where(mask[:, 1:], seconds, 0.0)
    if not np.isfinite(elapsed).all():
        place, step = np.argwhere(~np.isfinite(elapsed))[0]
        raise DataError(
            f"expected a time at every step, got none in series {str(panel.ids[rows[place]])!r} at step {step} or the "
            "step before; remove these steps"
        )
    return elapsed


def batches_by_length(
    panel: Panel, most_series: int = 512, steps: int = STEPS_PER_BATCH
) -> Iterator[NDArray[np.int64]]:
    """Split all rows into batches of similar lengths, the longest series first.

    Parameters
    ----------
    panel
        The series.
    most_series
        Maximum number of series per batch, at least 1.
    steps
        Maximum number of time steps, with padding, in a batch; a longer series is a batch of its own.

    Returns
    -------
    Iterator[NDArray[np.int64]]
        Row numbers of each batch; every row occurs exactly once.
    """
    order = np.argsort(-panel.lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(panel.lengths[order[start]])
        size = max(1, min(most_series, steps // longest))
        yield order[start : start + size]
        start += size


def require_finite(panel: Panel, *, missing: bool = False) -> None:
    """Raise DataError, naming the position, at the first infinite value or (unless ``missing``) missing value."""
    for block in panel.blocks():
        values = block.values
        bad = np.isinf(values) if missing else ~np.isfinite(values)
        if not bad.any():
            continue
        place, channel = np.unravel_index(int(bad.argmax()), bad.shape)
        row = int(np.searchsorted(block.starts, place, side="right")) - 1
        gap = np.isnan(values[place, channel])
        found = "a missing value (NaN)" if gap else "infinity"
        advice = "choose missing='mask', 'last', 'linear' or 'mean' for the model, fill it in" if gap else "correct it"
        raise DataError(
            f"expected a number everywhere, got {found} in series {str(block.ids[row])!r}, step "
            f"{place - block.starts[row]}, channel {panel.channels[channel]!r}; {advice}, or remove the series"
        )


def require_clock(panel: Panel) -> None:
    """Raise DataError if a panel has no times."""
    if panel.times is None:
        raise DataError(
            "expected series with a clock, as in training, got series without times; provide a time for every step, or "
            "train with clock='order'"
        )


def clock_kind(panel: Panel) -> str | None:
    """Return the kind of clock of a panel, ``"dates"`` or ``"numbers"``; None without a clock."""
    if panel.times is None:
        return None
    return "dates" if panel.times.dtype.kind == "M" else "numbers"


def require_same_clock(trained: Any, panel: Panel) -> None:
    """Raise DataError if the kind of clock differs from ``trained``, the kind in training; None accepts any clock."""
    given = clock_kind(panel)
    if trained is not None and given != trained:
        raise DataError(
            f"expected a clock of {trained}, as in training, got a clock of {given}; provide the times in the same "
            "form as in training"
        )
