"""Perturbation: masked values are replaced by background values at the same relative position, never by zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepSignals
from limelight.data.panel import Panel
from limelight.data.precision import shifted
from limelight.errors import DataError, ParameterError
from limelight.explanation.target import Target
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.padding import require_finite
from limelight.types import Rows

CHUNK_VALUES = 1 << 20
"""Maximum number of values predicted at once: 4 MiB for the perturbed series and as much for their replacements."""

MaskFunction = Callable[[Panel, slice], NDArray[np.bool_]]
"""Returns the mask of a chunk of perturbed series: which values to replace, shape (steps, channels or 1).

Its arguments are the compact panel of the chunk and the slice of the chunk among all perturbed series.
"""


def sample_background(model: FittedModel, panel: Panel, background: Panel | None, draws: int, seed: int) -> Rows:
    """Sample the background series whose values replace masked values.

    Parameters
    ----------
    model
        The model to explain; the background needs its channels.
    panel
        The n series to perturb.
    background
        Series to sample from. None samples from the panel, but never a series as its own background.
    draws
        Number of background series for each series, at least 1.
    seed
        The same seed samples the same series.

    Returns
    -------
    NDArray[np.int64]
        Rows of the background, shape (n, draws).

    Raises
    ------
    ParameterError
        If ``draws`` is below 1.
    DataError
        If there is no background series to sample, or a sampled one has a missing or infinite value that the model
        does not accept.
    """
    if draws < 1:
        raise ParameterError(f"expected at least 1 draw, got draws={draws}; increase draws")
    random = np.random.default_rng(seed)
    if background is not None:
        model.require_channels(background)
        if not len(background):
            raise DataError("expected series as background, got none; pass the training series, for example")
        rows = random.integers(len(background), size=(len(panel), draws))
        require_finite(background[np.unique(rows)], missing=model.architecture.takes_missing)
        return rows
    if len(panel) == 1:
        raise DataError(
            "expected a background for a single series, as there are no other series to sample from; pass "
            "background=..., for example the training series"
        )
    rows = random.integers(max(len(panel) - 1, 1), size=(len(panel), draws))
    return rows + (rows >= np.arange(len(panel))[:, None])  # skips the series itself


def step_numbers(panel: Panel) -> NDArray[np.int64]:
    """Return the number of each step within its series, from 0, for a compact panel, shape (steps,)."""
    return np.arange(len(panel.values)) - np.repeat(panel.starts, panel.lengths)


def matching_steps(panel: Panel, background: Panel, background_rows: Rows) -> NDArray[np.int64]:
    """Find the background step at the same relative position for each step of a compact panel.

    Parameters
    ----------
    panel
        Compact panel of n series.
    background
        The background series.
    background_rows
        For each series of the panel, the row of its background series, shape (n,).

    Returns
    -------
    NDArray[np.int64]
        Indices into the values of the background, shape (steps,).

    Example
    -------
    >>> panel, background = Panel.from_series([np.zeros(4)]), Panel.from_series([[1.0, 2.0]])
    >>> matching_steps(panel, background, np.array([0])).tolist()
    [0, 0, 1, 1]
    """
    own_lengths = np.repeat(panel.lengths, panel.lengths)
    background_lengths = np.repeat(background.lengths[background_rows], panel.lengths)
    starts = np.repeat(background.starts[background_rows], panel.lengths)
    return starts + (2 * step_numbers(panel) + 1) * background_lengths // (2 * own_lengths)


def replace_masked(panel: Panel, background: Panel, background_rows: Rows, mask: NDArray[np.bool_]) -> Panel:
    """Replace the masked values of a compact panel by background values at the same relative position.

    Parameters
    ----------
    panel, background, background_rows
        As for ``matching_steps``.
    mask
        The values to replace, shape (steps, channels), or (steps, 1) for all channels.

    Returns
    -------
    Panel
        A panel with a new array of values.
    """
    replacements = background.values[matching_steps(panel, background, background_rows)]
    replacements = shifted(replacements, background.offset - panel.offset)
    return panel.replace(values=np.where(mask, replacements, panel.values), backing=None)


def replace_field(panel: Panel, background: Panel, name: str, background_rows: Rows) -> Panel:
    """Replace one metadata field by that of background series, given by a row for each series of the panel."""
    assert panel.metadata is not None
    assert background.metadata is not None
    place = panel.metadata.column_names.index(name)
    values = background.metadata[name].take(background_rows)
    return panel.replace(metadata=panel.metadata.set_column(place, name, values))


def replace_signal(panel: Panel, background: Panel, name: str, background_rows: Rows) -> Panel:
    """Replace one signal by that of background series, stretched to the same relative positions."""
    panel = panel.compact()
    own, other = panel.signals, background.signals
    assert own is not None
    assert other is not None
    column, other_column = own.names.index(name), other.names.index(name)
    codes = own.codes.copy()
    codes[:, column] = other.codes[matching_steps(panel, background, background_rows), other_column]
    classes = (*own.classes[:column], other.classes[other_column], *own.classes[column + 1 :])
    return panel.replace(signals=StepSignals(codes, own.names, classes), backing=None)


def fields_and_signals(model: FittedModel, *panels: Panel) -> tuple[list[str], list[str]]:
    """List the metadata fields and the signals that the model reads and every panel has."""
    vocabulary = model.vocabulary
    if vocabulary is None:
        return [], []
    read = vocabulary.fields if model.architecture.needs_metadata else ()
    fields = [field.name for field in read if field.kind != "ignore"]
    signals = [signal.name for signal in vocabulary.signals]
    for panel in panels:
        fields = [name for name in fields if panel.metadata is not None and name in panel.metadata.column_names]
        signals = [name for name in signals if panel.signals is not None and name in panel.signals.names]
    return fields, signals


def predict_perturbed(
    model: FittedModel, panel: Panel, background: Panel, rows: Rows, background_rows: Rows, mask: MaskFunction
) -> Iterator[tuple[slice, Prediction]]:
    """Predict many perturbations of the same series, in chunks.

    Parameters
    ----------
    model, panel, background
        As for ``sample_background``; the background must not be None.
    rows
        For each perturbation, the row of the series to perturb, shape (perturbations,).
    background_rows
        For each perturbation, the row of its background series, shape (perturbations,).
    mask
        Returns which values to replace.

    Yields
    ------
    tuple[slice, Prediction]
        The perturbations of one chunk and their predictions.
    """
    ends = np.cumsum(panel.lengths[rows]) * len(panel.channels)
    start = 0
    while start < len(rows):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_VALUES, side="right")))
        chunk = slice(start, stop)
        original = panel[rows[chunk]].compact()
        yield chunk, model.predict(replace_masked(original, background, background_rows[chunk], mask(original, chunk)))
        start = stop


def perturbed_log_odds(
    model: FittedModel,
    target: Target,
    panel: Panel,
    background: Panel,
    rows: Rows,
    background_rows: Rows,
    mask: MaskFunction,
) -> NDArray[np.float64]:
    """Compute the log odds of the target for many perturbations, shape (perturbations,).

    Parameters are those of ``predict_perturbed``.
    """
    found = np.empty(len(rows))
    for chunk, prediction in predict_perturbed(model, panel, background, rows, background_rows, mask):
        found[chunk] = target.at(rows[chunk]).log_odds(prediction)
    return found
