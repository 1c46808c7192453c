"""Hiding: values are replaced by those that other series have at the same relative place, never by zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepSignals
from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.target import Target
from limelight.model.batching import require_finite
from limelight.model.fitted import FittedModel, Prediction
from limelight.types import Rows

CHUNK_VALUES = 1 << 20
"""How many values the series that are asked about at once have at most: 4 MiB, and as much again for others."""

Hidden = Callable[[Panel, slice], NDArray[np.bool_]]
"""Says for changed series, and which of all changes they are, what is hidden, shape (steps, channels or 1)."""


def sample_background(model: FittedModel, panel: Panel, background: Panel | None, draws: int, seed: int) -> Rows:
    """Draw the series whose values stand in for what is hidden.

    Parameters
    ----------
    model
        Whose channels the series should have.
    panel
        The series in which something is hidden, n of them.
    background
        Where to draw from; None draws from the panel, never a series itself.
    draws
        How many for each series, at least 1.
    seed
        The same seed draws the same.

    Returns
    -------
    NDArray[np.int64]
        Rows of the background, shape (n, draws).

    Raises
    ------
    ParameterError
        If there are no draws.
    DataError
        If there is no other series to draw, or one that was drawn has a value that the model does not take.
    """
    if draws < 1:
        raise ParameterError(f"expected at least 1 draw, got draws={draws}; draw more")
    random = np.random.default_rng(seed)
    if background is not None:
        model.require_channels(background)
        if not len(background):
            raise DataError("expected series as background, got none; give those of the training")
        drawn = random.integers(len(background), size=(len(panel), draws))
        require_finite(background[np.unique(drawn)], missing=model.architecture.takes_missing)
        return drawn
    if len(panel) == 1:
        raise DataError(
            "expected other series whose values can stand in for what is hidden, got one series alone; give some "
            "with background=..., such as those of the training"
        )
    drawn = random.integers(max(len(panel) - 1, 1), size=(len(panel), draws))
    return drawn + (drawn >= np.arange(len(panel))[:, None])  # never the series itself


def steps_within(panel: Panel) -> NDArray[np.int64]:
    """Number the steps of each series of a compact panel from 0, shape (steps,)."""
    return np.arange(len(panel.values)) - np.repeat(panel.starts, panel.lengths)


def places_of_others(panel: Panel, background: Panel, others: Rows) -> NDArray[np.int64]:
    """Find for each step of a compact panel the step of another series at the same relative place.

    Parameters
    ----------
    panel
        Compact, n series.
    background
        Where the others are.
    others
        The row of the other series, shape (n,).

    Returns
    -------
    NDArray[np.int64]
        Places in the values of the background, shape (steps,).

    Example
    -------
    >>> panel, others = Panel.from_series([np.zeros(4)]), Panel.from_series([[1.0, 2.0]])
    >>> places_of_others(panel, others, np.array([0])).tolist()
    [0, 0, 1, 1]
    """
    own = np.repeat(panel.lengths, panel.lengths)
    theirs = np.repeat(background.lengths[others], panel.lengths)
    return np.repeat(background.starts[others], panel.lengths) + (2 * steps_within(panel) + 1) * theirs // (2 * own)


def with_hidden(panel: Panel, background: Panel, others: Rows, hidden: NDArray[np.bool_]) -> Panel:
    """Give a compact panel with what is hidden replaced.

    Parameters
    ----------
    panel, background, others
        As for ``places_of_others``.
    hidden
        What to replace, shape (steps, channels), or (steps, 1) for all channels.

    Returns
    -------
    Panel
        With values of its own.
    """
    replaced = background.values[places_of_others(panel, background, others)]
    return panel.replace(values=np.where(hidden, replaced, panel.values), backing=None)


def with_field_of(panel: Panel, background: Panel, name: str, others: Rows) -> Panel:
    """Give a panel with a metadata field of other series."""
    assert panel.metadata is not None
    assert background.metadata is not None
    place = panel.metadata.column_names.index(name)
    return panel.replace(metadata=panel.metadata.set_column(place, name, background.metadata[name].take(others)))


def with_signal_of(panel: Panel, background: Panel, name: str, others: Rows) -> Panel:
    """Give a panel with a signal of other series, at the same relative places."""
    panel = panel.compact()
    own, theirs = panel.signals, background.signals
    assert own is not None
    assert theirs is not None
    column, source = own.names.index(name), theirs.names.index(name)
    codes = own.codes.copy()
    codes[:, column] = theirs.codes[places_of_others(panel, background, others), source]
    classes = (*own.classes[:column], theirs.classes[source], *own.classes[column + 1 :])
    return panel.replace(signals=StepSignals(codes, own.names, classes), backing=None)


def fields_read(model: FittedModel, *panels: Panel) -> tuple[list[str], list[str]]:
    """Name the metadata fields and the signals that a model reads and all panels have."""
    vocabulary = model.vocabulary
    if vocabulary is None:
        return [], []
    read = vocabulary.fields if model.architecture.needs_metadata else ()
    fields = [one.name for one in read if one.kind != "ignore"]
    signals = [one.name for one in vocabulary.signals]
    for panel in panels:
        fields = [name for name in fields if panel.metadata is not None and name in panel.metadata.column_names]
        signals = [name for name in signals if panel.signals is not None and name in panel.signals.names]
    return fields, signals


def answers_with_hidden(
    model: FittedModel, panel: Panel, background: Panel, rows: Rows, others: Rows, hidden: Hidden
) -> Iterator[tuple[slice, Prediction]]:
    """Ask a model about many changes of the same series, some at a time.

    Parameters
    ----------
    model, panel, background
        As for ``sample_background``; the background is not None.
    rows
        The series of the panel that each change is of, shape (changes,).
    others
        The series of the background that stands in, shape (changes,).
    hidden
        Says what is hidden.

    Returns
    -------
    Iterator[tuple[slice, Prediction]]
        Which changes, and the answers about them.
    """
    ends = np.cumsum(panel.lengths[rows]) * len(panel.channels)
    start = 0
    while start < len(rows):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_VALUES, side="right")))
        which = slice(start, stop)
        chosen = panel[rows[which]].compact()
        yield which, model.predict(with_hidden(chosen, background, others[which], hidden(chosen, which)))
        start = stop


def log_odds_with_hidden(
    model: FittedModel, question: Target, panel: Panel, background: Panel, rows: Rows, others: Rows, hidden: Hidden
) -> NDArray[np.float64]:
    """Give the log odds asked about for many changes, shape (changes,); parameters as for ``answers_with_hidden``."""
    found = np.empty(len(rows))
    for which, answers in answers_with_hidden(model, panel, background, rows, others, hidden):
        found[which] = question.at(rows[which]).log_odds(answers)
    return found
