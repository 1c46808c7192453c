"""Rows of a Panel become a Batch, and all rows become few batches of similar lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.model.targets import Targets
from limelight.model.vocabulary import EncodedMetadata, Vocabulary
from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape

STEPS_PER_BATCH = 65_536
"""Time steps, padding included, that one batch of a prediction holds at most; measured flat from 30k to 500k."""


def make_batch(
    panel: Panel,
    rows: NDArray[np.int64],
    targets: Targets | None = None,
    *,
    elapsed: bool = False,
    missing: bool = False,
    facts: EncodedMetadata | None = None,
) -> Batch:
    """Pad some series to one length.

    Parameters
    ----------
    panel
        Where the series are.
    rows
        Which of them, in the order wanted, shape (batch,).
    targets
        The truth about the panel, or None.
    elapsed
        Whether the batch has the time between steps.
    missing
        Whether values may be missing (NaN).
    facts
        The metadata of every series of the panel as numbers, or None.

    Returns
    -------
    Batch
        Values of shape (batch, longest of these series, channels).

    Raises
    ------
    DataError
        If a value is infinite, or missing where it may not, naming series, step and channel; or if the time between
        steps is wanted and the series have no clock, or one with gaps.

    Example
    -------
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]])
    >>> make_batch(panel, np.array([0, 1])).values[:, :, 0].tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    lengths = panel.lengths[rows]
    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]
    places = panel.starts[rows][:, None] + np.where(mask, steps, 0)
    values = panel.values[places]
    values[~mask] = 0.0  # not times the mask: a missing value would stay one
    if not _all_fine(values, missing):
        require_finite(panel[rows], missing=missing)
    between = torch.from_numpy(_elapsed(panel, rows, places, mask)) if elapsed else None
    panel.note_read(lengths)
    signals = _signals_at(panel, facts, places, mask)
    truth = None if targets is None else torch.from_numpy(targets.at(rows, places, mask))
    known = _facts_at(facts, rows)
    return Batch(torch.from_numpy(values), torch.from_numpy(mask), truth, between, **known, signals=signals)


def _facts_at(facts: EncodedMetadata | None, rows: NDArray[np.int64]) -> dict[str, torch.Tensor]:
    """Return the metadata of some series as tensors, without kinds of fields that do not occur."""
    if facts is None:
        return {}
    kinds: dict[str, NDArray[Any]] = {
        "categories": facts.categories,
        "numbers": facts.numbers,
        "tokens": facts.tokens,
        "vectors": facts.vectors,
    }
    return {name: torch.from_numpy(array[rows]) for name, array in kinds.items() if array.shape[1]}


def _signals_at(
    panel: Panel, facts: EncodedMetadata | None, places: NDArray[np.int64], mask: NDArray[np.bool_]
) -> torch.Tensor | None:
    """Return the code of each signal at each step, 0 on padding, shape (batch, time, signals)."""
    if facts is None or not facts.signals:
        return None
    coded = np.zeros((*places.shape, len(facts.signals)), dtype=np.int64)
    for number, one in enumerate(facts.signals):
        if one.column is not None and panel.signals is not None:
            coded[:, :, number] = np.where(mask, one.codes[panel.signals.codes[places, one.column]], 0)
    return torch.from_numpy(coded)


def _all_fine(values: NDArray[np.float32], missing: bool) -> bool:
    """Look at the sum first, which is faster than to look at every value."""
    with np.errstate(over="ignore", invalid="ignore"):
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
            "one before; leave these steps out"
        )
    return elapsed


def shape_of(vocabulary: Vocabulary | None) -> ContextShape:
    """Return the context sizes of a network that reads the metadata of a vocabulary; empty without one."""
    return ContextShape() if vocabulary is None else ContextShape(**vocabulary.sizes())


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


def require_finite(panel: Panel, *, missing: bool = False) -> None:
    """Check that values are finite, or missing if that is allowed; DataError names the first that is not."""
    for block in panel.blocks():
        values = block.values
        bad = np.isinf(values) if missing else ~np.isfinite(values)
        if not bad.any():
            continue
        place, channel = np.unravel_index(int(bad.argmax()), bad.shape)
        row = int(np.searchsorted(block.starts, place, side="right")) - 1
        gap = np.isnan(values[place, channel])
        said = "a missing value (NaN)" if gap else "infinity"
        advice = "choose missing='mask', 'last', 'linear' or 'mean' for the model, fill it in" if gap else "correct it"
        raise DataError(
            f"expected a number everywhere, got {said} in series {str(block.ids[row])!r}, step "
            f"{place - block.starts[row]}, channel {panel.channels[channel]!r}; {advice}, or leave the series out"
        )


def require_clock(panel: Panel) -> None:
    """Check that a panel has a clock; DataError otherwise."""
    if panel.times is None:
        raise DataError(
            "expected series with a clock, as in training, got series without times; give a time for every step, or "
            "train with clock='order'"
        )


def clock_kind(panel: Panel) -> str | None:
    """Return the kind of clock of a panel, ``"dates"`` or ``"numbers"``; None without a clock."""
    if panel.times is None:
        return None
    return "dates" if panel.times.dtype.kind == "M" else "numbers"


def require_same_clock(trained: Any, panel: Panel) -> None:
    """Check that a panel has the same kind of clock as in training; None accepts any."""
    given = clock_kind(panel)
    if trained is not None and given != trained:
        raise DataError(
            f"expected a clock of {trained}, as in training, got a clock of {given}; give the times as they were in "
            "training"
        )
