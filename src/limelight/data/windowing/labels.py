"""Derive the labels of windows from per-step labels or from the labels of recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from limelight.data.labels import names_of_columns
from limelight.data.panel import Panel
from limelight.data.ragged import BLOCK_STEPS
from limelight.errors import LabelError, ParameterError, counted, listing, nearest
from limelight.task import UNKNOWN
from limelight.types import Integers


class WindowSpans(Protocol):
    """Windows sorted by recording and first step; each array has shape (windows,)."""

    @property
    def rows(self) -> Integers:
        """The row of the recording of each window."""

    @property
    def offsets(self) -> Integers:
        """The first step of each window within its recording."""

    @property
    def lengths(self) -> Integers:
        """The number of steps of each window."""


def labels_of_windows(
    panel: Panel, cut: WindowSpans, label: str, positive: str | None
) -> tuple[NDArray[Any] | None, tuple[str, ...] | None, NDArray[np.bool_]]:
    """Return the labels of windows.

    Parameters
    ----------
    panel
        The recordings.
    cut
        The windows.
    label, positive
        As for ``cut_windows``.

    Returns
    -------
    labels : NDArray | None
        Shape (windows,), or (windows, labels) for multi-label; None if the windows have no label of their own.
    label_names : tuple[str, ...] | None
        The names of the labels, for multi-label.
    known : NDArray[np.bool_]
        Whether at least one label of each window is known, shape (windows,).

    Raises
    ------
    LabelError
        If the rule does not fit the labels, or no window has a known label.
    ParameterError
        If ``positive`` is not a class.
    """
    step_labels, all_windows = panel.step_labels, np.ones(len(cut.rows), dtype=bool)
    if step_labels is None and panel.labels is not None:
        if label == "step":
            raise LabelError("expected per-step labels for label='step', got labels of series; use label='majority'")
        return panel.labels[cut.rows], panel.label_names, all_windows
    if step_labels is None or label == "step":
        return None, None, all_windows
    order = _negative_and_positive(step_labels.classes, positive) if label == "any" else range(len(step_labels.classes))
    columns = []
    for column in range(len(step_labels.names)):
        if label == "last":
            columns.append(step_labels.codes[panel.starts[cut.rows] + cut.offsets + cut.lengths - 1, column])
        else:
            columns.append(_votes(panel, column, cut, order, by_count=label == "majority"))
    codes = np.stack(columns, axis=1)
    known = (codes != UNKNOWN).any(axis=1)
    if not known.any():
        raise LabelError(
            f"expected a window with a known label, got {counted(len(codes), 'window')} without; label some steps"
        )
    if len(step_labels.names) > 1:
        return np.where(codes == UNKNOWN, np.nan, codes), names_of_columns(step_labels.names), known
    return np.array(step_labels.classes)[codes[:, 0]], None, known


def _negative_and_positive(classes: Sequence[str], positive: str | None) -> tuple[int, int]:
    if len(classes) != 2:
        raise LabelError(f"expected two classes for label='any', got {listing(classes)}; use label='majority'")
    if positive not in (None, *classes):
        raise ParameterError(f"expected positive to be a class, got {positive!r}{nearest(str(positive), classes)}")
    return (1, 0) if positive == classes[0] else (0, 1)


def _votes(panel: Panel, column: int, cut: WindowSpans, order: Sequence[int], by_count: bool) -> NDArray[np.int16]:
    """Choose the class of each window for one label, counting classes by differences of running sums.

    By count, the most frequent class wins, the last in ``order`` in a tie; otherwise the last class in ``order`` that
    occurs in the window wins.
    """
    assert panel.step_labels is not None
    all_codes = panel.step_labels.codes
    best = np.full(len(cut.rows), UNKNOWN, dtype=np.int16)
    before = np.cumsum(panel.lengths) - panel.lengths
    begins = before[cut.rows] + cut.offsets
    ends = begins + cut.lengths
    for part in groups_in_memory(begins, ends):
        low, high = begins[part.start], ends[part.stop - 1]
        rows = np.arange(cut.rows[part.start], cut.rows[part.stop - 1] + 1)
        skipped = np.maximum(low - before[rows], 0)
        steps = np.minimum(high - before[rows], panel.lengths[rows]) - skipped
        codes = all_codes[panel._with(starts=panel.starts[rows] + skipped, lengths=steps).step_positions(), column]
        most = np.zeros(part.stop - part.start, dtype=np.int64)
        for code in order:
            running = np.append(0, np.cumsum(codes == code))
            counts = running[ends[part] - low] - running[begins[part] - low]
            better = (counts > 0) & (counts >= most)
            best[part][better] = code
            most[better] = counts[better] * by_count
        panel.note_read(steps)
    return best


def groups_in_memory(begins: Integers, ends: Integers) -> Iterator[slice]:
    """Yield slices of sorted windows, each spanning about ``BLOCK_STEPS`` steps, to bound the memory used."""
    start = 0
    while start < len(begins):
        stop = max(start + 1, int(np.searchsorted(ends, begins[start] + BLOCK_STEPS, side="right")))
        yield slice(start, stop)
        start = stop
