"""Labels of windows, made of the labels of their steps or recordings."""

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


class Stretches(Protocol):
    """Windows in the order of their recordings and steps: the recording of each, where it begins, and its steps."""

    @property
    def rows(self) -> Integers:
        """The recording of each."""

    @property
    def offsets(self) -> Integers:
        """The step at which each begins."""

    @property
    def lengths(self) -> Integers:
        """The steps of each."""


def labels_of_windows(
    panel: Panel, cut: Stretches, label: str, positive: str | None
) -> tuple[NDArray[Any] | None, tuple[str, ...] | None, NDArray[np.bool_]]:
    """Make a label for each window, or several.

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
    tuple[NDArray | None, tuple[str, ...] | None, NDArray[np.bool_]]
        Labels, shape (windows,) or (windows, labels), or None; the names of several; and where at least one is known.

    Raises
    ------
    LabelError, ParameterError
        If the labels cannot be made so, or no window has a known one.
    """
    facts, every = panel.step_labels, np.ones(len(cut.rows), dtype=bool)
    if facts is None and panel.labels is not None:
        if label == "step":
            raise LabelError("expected labels of steps for label='step', got labels of series; say label='majority'")
        return panel.labels[cut.rows], panel.label_names, every
    if facts is None or label == "step":
        return None, None, every
    order = _other_and_positive(facts.classes, positive) if label == "any" else range(len(facts.classes))
    found = []
    for column in range(len(facts.names)):
        if label == "last":
            found.append(facts.codes[panel.starts[cut.rows] + cut.offsets + cut.lengths - 1, column])
        else:
            found.append(_votes(panel, column, cut, order, by_count=label == "majority"))
    codes = np.stack(found, axis=1)
    known = (codes != UNKNOWN).any(axis=1)
    if not known.any():
        raise LabelError(
            f"expected a window with a known label, got {counted(len(codes), 'window')} without; label some"
        )
    if len(facts.names) > 1:
        return np.where(codes == UNKNOWN, np.nan, codes), names_of_columns(facts.names), known
    return np.array(facts.classes)[codes[:, 0]], None, known


def _other_and_positive(classes: Sequence[str], positive: str | None) -> tuple[int, int]:
    if len(classes) != 2:
        raise LabelError(f"expected two classes for label='any', got {listing(classes)}; say label='majority'")
    if positive not in (None, *classes):
        raise ParameterError(f"expected positive to be a class, got {positive!r}{nearest(str(positive), classes)}")
    return (1, 0) if positive == classes[0] else (0, 1)


def _votes(panel: Panel, column: int, cut: Stretches, order: Sequence[int], by_count: bool) -> NDArray[np.int16]:
    """Count each class in all windows by differences of running sums; a later class wins a tie, or always."""
    assert panel.step_labels is not None
    every = panel.step_labels.codes
    best = np.full(len(cut.rows), UNKNOWN, dtype=np.int16)
    before = np.cumsum(panel.lengths) - panel.lengths
    begins = before[cut.rows] + cut.offsets
    ends = begins + cut.lengths
    for part in groups_in_memory(begins, ends):
        low, high = begins[part.start], ends[part.stop - 1]
        rows = np.arange(cut.rows[part.start], cut.rows[part.stop - 1] + 1)
        skipped = np.maximum(low - before[rows], 0)
        steps = np.minimum(high - before[rows], panel.lengths[rows]) - skipped
        codes = every[panel._with(starts=panel.starts[rows] + skipped, lengths=steps).step_places(), column]
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
    """Part windows, in rising order, into groups that span about as many steps as fit into memory."""
    start = 0
    while start < len(begins):
        stop = max(start + 1, int(np.searchsorted(ends, begins[start] + BLOCK_STEPS, side="right")))
        yield slice(start, stop)
        start = stop
