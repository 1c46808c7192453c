"""What the model would have predicted with another value of a metadata field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError, listing, nearest
from limelight.explanation.perturbation import fields_and_signals
from limelight.model.fitted import FittedModel
from limelight.model.other_metadata import OtherMetadata
from limelight.model.prediction import Prediction
from limelight.task import Task

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of numbers and dates in the background that are tried."""
MOST_SERIES_VARIED = 100
MOST_VALUES = 8
"""Maximum number of values of a field that are tried, the most common ones in the background."""


@dataclass(frozen=True, eq=False)
class FieldVariants:
    """Predictions of the same series with several values of one metadata field.

    Parameters
    ----------
    name
        Name of the field.
    own
        The value of each series, None if missing, length n.
    values
        The values that were tried.
    predictions
        The prediction of all series with each of these values.
    """

    name: str
    own: tuple[Any, ...]
    values: tuple[Any, ...]
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Predictions of series with other values of their metadata, one field at a time.

    Parameters
    ----------
    prediction
        The prediction with the own metadata of each of n series.
    fields
        The fields that were varied.
    """

    prediction: Prediction
    fields: tuple[FieldVariants, ...]

    @property
    def task(self) -> Task:
        """The classes or labels."""
        return self.prediction.task

    def summary(self) -> dict[str, dict[str, float]]:
        """Return how much each field matters.

        Returns
        -------
        dict[str, dict[str, float]]
            For each field ``turned``, the share of series whose prediction changes with at least one of the values, and
            ``change``, the largest change of a probability, averaged over the series; both in [0, 1].
        """
        return {one.name: self._matters(one) for one in self.fields}

    def _matters(self, field: FieldVariants) -> dict[str, float]:
        own = self.prediction
        decided = _decided(own)
        turned = np.zeros(len(decided), dtype=bool)
        change = np.zeros(len(decided))
        for other in field.predictions:
            turned |= (_decided(other) != decided).reshape(len(decided), -1).any(axis=1)
            change = np.maximum(change, np.abs(other.probabilities - own.probabilities).max(axis=1))
        return {"turned": float(turned.mean()), "change": float(change.mean())}

    def means(self) -> dict[str, list[dict[str, Any]]]:
        """Return the mean prediction with each value.

        Returns
        -------
        dict[str, list[dict[str, Any]]]
            For each field and value: ``value`` as text, ``own``, the share of series that have it, and
            ``probabilities``, the mean probability of each class or label over all series.
        """
        classes = [str(name) for name in self.task.classes]
        return {
            one.name: [
                {
                    "value": _text(value),
                    "own": float(np.mean([own == value for own in one.own])),
                    "probabilities": dict(zip(classes, other.probabilities.mean(axis=0).tolist(), strict=True)),
                }
                for value, other in zip(one.values, one.predictions, strict=True)
            ]
            for one in self.fields
        }

    def table(self) -> pa.Table:
        """Return one row for each series, field and value that was tried.

        Returns
        -------
        pyarrow.Table
            ``series_id``, ``field``, ``own`` (the value of the series, as text) and ``value``; ``prediction`` (not for
            several labels), and ``probability_`` of each class or label.
        """
        rows: dict[str, list[Any]] = {"series_id": [], "field": [], "own": [], "value": []}
        predicted: list[NDArray[Any]] = []
        probabilities: list[NDArray[np.float64]] = []
        for one in self.fields:
            for value, prediction in zip(one.values, one.predictions, strict=True):
                rows["series_id"] += [str(name) for name in prediction.ids.tolist()]
                rows["field"] += [one.name] * len(one.own)
                rows["own"] += [_text(own) for own in one.own]
                rows["value"] += [_text(value)] * len(one.own)
                probabilities.append(prediction.probabilities)
                if not self.task.multilabel:
                    predicted.append(prediction.labels)
        classes = [str(name) for name in self.task.classes]
        columns: dict[str, Any] = {name: pa.array(cells, pa.string()) for name, cells in rows.items()}
        if not self.task.multilabel:
            columns["prediction"] = pa.array([str(label) for part in predicted for label in part.tolist()], pa.string())
        stacked = np.concatenate([np.zeros((0, len(classes))), *probabilities])
        columns |= {f"probability_{name}": stacked[:, place] for place, name in enumerate(classes)}
        return pa.table(columns)


def what_if(
    model: FittedModel, panel: Panel, background: Panel | None = None, *, fields: Sequence[str] | None = None
) -> WhatIf:
    """Predict series with other values of their metadata, one field at a time, everything else unchanged.

    Parameters
    ----------
    model
        A model with labels per series that reads metadata.
    panel
        n series with metadata.
    background
        Series whose metadata provide the values, such as the training series; None takes ``panel``. Of a category the
        eight most common values are tried, of a number or date the quantiles at 5, 25, 50, 75 and 95 %.
    fields
        The fields to vary; None varies every field that the model reads, except texts.

    Returns
    -------
    WhatIf
        The predictions with each value.

    Raises
    ------
    ParameterError
        If the model reads no metadata, the labels are per step, or there is no such field.

    Source
    ------
    Individual conditional expectation at chosen values: Goldstein et al., Peeking Inside the Black Box, 2015.

    Example
    -------
    >>> from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.training.fit import fit
    >>> panel = generate_bumps(BumpSettings(dataset_size=300, num_points=40, width=6))[0]
    >>> model = fit(panel, task_of(panel), Architecture.of({"name": "rocket", "features": 840})).model
    >>> found = what_if(model, panel[:50])
    >>> found.fields[0].values, found.summary()["mode"]["turned"] > 0.9
    (('early', 'late'), True)
    """
    if model.task.by_step:
        raise ParameterError("expected a model with labels per series to vary metadata, got one with labels per step")
    read, _ = fields_and_signals(model, panel, *([] if background is None else [background]))
    chosen = _fields_to_vary(model, read, fields)
    background = panel if background is None else background
    same_series, found = OtherMetadata(model, panel), []
    assert panel.metadata is not None
    for name in chosen:
        place, column = panel.metadata.column_names.index(name), panel.metadata[name].combine_chunks()
        values = _values_to_try(model, background, name)
        predictions = []
        for value in values:
            changed = panel.metadata.set_column(place, name, pa.array([value.as_py()] * len(panel), column.type))
            predictions.append(same_series.predict(panel.replace(metadata=changed)))
        found.append(
            FieldVariants(name, tuple(column.to_pylist()), tuple(one.as_py() for one in values), tuple(predictions))
        )
    return WhatIf(same_series.predict(panel), tuple(found))


def measure_what_if(model: FittedModel, panel: Panel, background: Panel, *, seed: int = 0) -> dict[str, Any] | None:
    """Measure what other values of the metadata change, on at most 100 series.

    Parameters
    ----------
    model, panel, background
        As for ``what_if``.
    seed
        Of the choice of series.

    Returns
    -------
    dict[str, Any] | None
        Plain numbers, ready for JSON: ``series``, and for each of ``fields`` the numbers of ``WhatIf.summary``, with
        ``values`` from ``WhatIf.means``. None if the labels are per step or there are no metadata to vary.
    """
    if model.task.by_step or not len(panel) or not fields_and_signals(model, panel, background)[0]:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(panel))[:MOST_SERIES_VARIED])
    found = what_if(model, panel[rows], background)
    summary, means = found.summary(), found.means()
    return {"series": len(rows), "fields": {name: {**summary[name], "values": means[name]} for name in summary}}


def _fields_to_vary(model: FittedModel, read: Sequence[str], fields: Sequence[str] | None) -> list[str]:
    kinds = {} if model.vocabulary is None else {field.name: field.kind for field in model.vocabulary.fields}
    for name in () if fields is None else fields:
        if name not in read:
            known = listing(read) if read else "none"
            raise ParameterError(
                f"expected a metadata field that the model reads and the series have ({known}), got "
                f"{name!r}{nearest(name, read)}"
            )
    if not read:
        raise ParameterError(
            "expected a model and series with metadata to vary, got none in common; train with metadata, and pass them"
        )
    return [name for name in read if (kinds[name] != "text" if fields is None else name in fields)]


def _values_to_try(model: FittedModel, background: Panel, name: str) -> list[pa.Scalar]:
    """Return quantiles of a number or date in the background, else its most common values, in order."""
    assert background.metadata is not None
    assert model.vocabulary is not None
    kind = next(field.kind for field in model.vocabulary.fields if field.name == name)
    known = pc.drop_null(background.metadata[name].combine_chunks())
    counts = pc.value_counts(known)
    if not len(counts):
        return []
    values, numbers = counts.field("values"), counts.field("counts").to_numpy(zero_copy_only=False)
    if kind in ("number", "date") and len(values) > MOST_VALUES:
        ordered = known.take(pc.array_sort_indices(known))
        places = [round(quantile * (len(ordered) - 1)) for quantile in QUANTILES]
        return [ordered[place] for place in sorted(set(places))]
    common = values.take(pa.array(np.argsort(-numbers, kind="stable")[:MOST_VALUES]))
    return [common[place.as_py()] for place in pc.array_sort_indices(common)]


def _decided(prediction: Prediction) -> NDArray[Any]:
    return prediction.task.decide(prediction.probabilities, prediction.thresholds)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return f"{value:.4g}" if isinstance(value, float) else str(value)
