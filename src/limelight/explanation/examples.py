"""Examples: the training series that a prediction resembles, and the smallest change that turns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.perturbation import predict_perturbed, step_numbers
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.types import Codes, Doubles, Rows

MOST_EXAMPLES = 500
CELLS_OF_A_SERIES = 16
"""A change begins and ends at a sixteenth of the series."""
CHANGES_OF_A_SERIES = CELLS_OF_A_SERIES * (CELLS_OF_A_SERIES + 1) // 2
LEAST_FEATURE_SPREAD = 0.1
"""Features that hardly vary count as if they had this share of the mean standard deviation."""


@dataclass(frozen=True, eq=False)
class Examples:
    """For each of n series: the nearest example of each class, and the smallest change that turns the prediction.

    Parameters
    ----------
    ids
        The series, shape (n,).
    classes
        The classes of the model.
    predicted
        The predicted class of each series, shape (n,).
    nearest
        The id of the nearest example of each class, shape (n, classes); empty if a class has none.
    distances
        Distance to it in the features of the model, in units of their spread, shape (n, classes); infinite without.
    turned_by, turned_into
        The id of the nearest example that has, and is predicted as, another class, and this class, shape (n,); empty if
        there is none.
    start, stop
        The stretch that, replaced by that of the example, turns the prediction into the class of the example: first
        step and the step after the last, shape (n,); both -1 if even the whole series does not.
    probability
        The probability of that class with the change, shape (n,); NaN without.
    """

    ids: NDArray[Any]
    classes: tuple[Any, ...]
    predicted: NDArray[Any]
    nearest: NDArray[Any]
    distances: Doubles
    turned_by: NDArray[Any]
    turned_into: NDArray[Any]
    start: Rows
    stop: Rows
    probability: Doubles

    def table(self) -> pa.Table:
        """Convert to a table with a row for each series and class.

        Returns
        -------
        pyarrow.Table
            ``series_id``, ``predicted``, ``class``, ``nearest`` and ``distance``; for the class that the change turns
            the prediction into also ``start``, ``stop`` and ``probability``, null for the others.
        """
        n, k = self.distances.shape
        names = np.tile(np.array([str(name) for name in self.classes]), n)
        into = np.repeat(self.turned_into.astype(str), k) == names
        turns = into & np.repeat(self.start >= 0, k)
        has = np.isfinite(self.distances).reshape(-1)

        def where(mask: NDArray[np.bool_], values: NDArray[Any]) -> pa.Array:
            return pa.array(values, mask=~mask)

        return pa.table(
            {
                "series_id": np.repeat(self.ids, k),
                "predicted": np.repeat(self.predicted.astype(str), k),
                "class": names,
                "nearest": where(has, self.nearest.reshape(-1).astype(str)),
                "distance": where(has, self.distances.reshape(-1)),
                "start": where(turns, np.repeat(self.start, k)),
                "stop": where(turns, np.repeat(self.stop, k)),
                "probability": where(turns, np.repeat(self.probability, k)),
            }
        )


def find_examples(model: FittedModel, panel: Panel, background: Panel, *, seed: int = 0) -> Examples:
    """Find the training series that each prediction resembles, and the smallest change that turns it.

    The change exchanges one stretch, in all channels, with the same stretch of the nearest example of another class;
    metadata stay as they are. Shorter stretches come first; of equal ones, the most probable.

    Parameters
    ----------
    model
        A fitted model that predicts one class for each series.
    panel
        n series with the channels used in training.
    background
        Labelled series to choose from, for example the training series; 500 at most are read.
    seed
        Of that choice.

    Returns
    -------
    Examples
        For each series.

    Raises
    ------
    ParameterError
        If the model predicts labels per step or multi-label.
    DataError
        If no series of the background has a label.

    Source
    ------
    The change is that of Delaney, Greene and Keane, Instance-based Counterfactual Explanations for Time Series
    Classification, 2021, with the importance replaced by a search over all stretches.

    Example
    -------
    >>> from limelight.data.synthetic.planted import generate_planted
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.training.fit import fit
    >>> panel = generate_planted("peak", size=60, points=48).panel
    >>> model = fit(panel, task_of(panel), Architecture.of({"name": "rocket", "features": 840})).model
    >>> found = find_examples(model, panel[:2], panel)
    >>> found.predicted.tolist(), found.turned_into.tolist(), (found.stop - found.start).tolist()
    (['none', 'peak'], ['peak', 'none'], [9, 3])
    """
    task = model.task
    if task.by_step or task.multilabel:
        raise ParameterError(
            "expected a model that predicts one class for each series to find examples, got "
            f"{task.kind} predictions for each {task.level}; use an explanation method instead"
        )
    panel, background = model.with_channels(panel), model.with_channels(background)
    if background.labels is None or not (targets_of(task, background).every() >= 0).any():
        raise DataError("expected labelled series to choose examples from, got none; pass the training series")
    known = np.flatnonzero(targets_of(task, background).every() >= 0)
    examples = background[np.sort(np.random.default_rng(seed).permutation(known)[:MOST_EXAMPLES])]
    codes = targets_of(task, examples).every()
    predicted = model.predict(panel)
    own, of_examples = predicted.labels, model.predict(examples).labels
    distances = _distances(model, panel, examples)
    n, classes = len(panel), len(task.classes)
    nearest_rows = np.zeros((n, classes), dtype=np.int64)
    shortest = np.full((n, classes), np.inf)
    for code in np.unique(codes).tolist():
        rows = np.flatnonzero(codes == code)
        place = distances[:, rows].argmin(axis=1)
        nearest_rows[:, code], shortest[:, code] = rows[place], distances[np.arange(n), rows[place]]
    names = np.array(task.classes)
    usable = (of_examples == names[codes])[None] & (of_examples[None] != own[:, None])
    guides = np.where(usable, distances, np.inf).argmin(axis=1)
    found = usable.any(axis=1)
    start, stop, probability = _smallest_changes(model, panel, examples, guides, codes[guides], found)
    return Examples(
        panel.ids,
        task.classes,
        own,
        np.where(np.isfinite(shortest), examples.ids.astype(str)[nearest_rows], ""),
        shortest,
        np.where(found, examples.ids.astype(str)[guides], ""),
        np.where(found, names[codes[guides]].astype(str), ""),
        start,
        stop,
        probability,
    )


def _distances(model: FittedModel, panel: Panel, examples: Panel) -> Doubles:
    """Compute the distance of each series to each example in scaled features, shape (n, examples)."""
    own, others = (_features(model, one) for one in (panel, examples))
    spread = others.std(dim=0, correction=0)
    floor = LEAST_FEATURE_SPREAD * float(spread.mean())
    scale = spread.clamp(min=floor if floor > 0 else 1.0) * spread.numel() ** 0.5
    return np.asarray(torch.cdist(own / scale, others / scale))


def _features(model: FittedModel, panel: Panel) -> torch.Tensor:
    """Compute what the head reads for each series, float64, shape (n, width)."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(panel)
    device = next(model.network.parameters()).device
    model.network.eval()
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            output = model.network(batch.to(device))
            features = output.logits if output.features is None else output.features
            for row, own in zip(rows, features.cpu().double(), strict=True):
                found[row] = own
    return torch.stack(found)


def _smallest_changes(
    model: FittedModel, panel: Panel, examples: Panel, guides: Rows, into: Codes, found: NDArray[np.bool_]
) -> tuple[Rows, Rows, Doubles]:
    """Find the shortest stretch of each series whose exchange turns the prediction: start, stop and probability."""
    first, last = np.triu_indices(CELLS_OF_A_SERIES)
    rows = np.repeat(np.flatnonzero(found), len(first))
    lengths = panel.lengths[rows]
    starts = np.tile(first, int(found.sum())) * lengths // CELLS_OF_A_SERIES
    stops = (np.tile(last, int(found.sum())) + 1) * lengths // CELLS_OF_A_SERIES

    def mask(chosen: Panel, chunk: slice) -> NDArray[np.bool_]:
        steps = step_numbers(chosen)
        inside = (steps >= np.repeat(starts[chunk], chosen.lengths)) & (steps < np.repeat(stops[chunk], chosen.lengths))
        return inside[:, None]

    probabilities, turned = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    names = np.array(model.task.classes)
    for chunk, prediction in predict_perturbed(model, panel, examples, rows, guides[rows], mask):
        wanted = into[rows[chunk]]
        probabilities[chunk] = prediction.probabilities[np.arange(len(wanted)), wanted]
        turned[chunk] = prediction.labels == names[wanted]
    start, stop = np.full(len(panel), -1), np.full(len(panel), -1)
    probability = np.full(len(panel), np.nan)
    for row in np.flatnonzero(found).tolist():
        places = np.flatnonzero((rows == row) & turned & (stops > starts))
        if len(places):
            order = np.lexsort((-probabilities[places], (stops - starts)[places]))
            best = places[order[0]]
            start[row], stop[row], probability[row] = starts[best], stops[best], probabilities[best]
    return start, stop, probability
