"""Explanations of many series, part by part, in several processes or on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.explanation.explanation import Explanation
from limelight.explanation.perturbation import sample_background
from limelight.explanation.target import targets_for
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.predictor import consecutive_rows, parts_of
from limelight.parallel import run_parallel
from limelight.progress import late_bar

MOST_SERIES, MOST_STEPS = 100, 1 << 17
"""Series and steps of a part; a longer series is a part of its own."""
OF_A_SERIES = ("importance", "channels", "spread", "frequencies")
OF_ALL = ("target", "completeness", "base")


def explain_parts(
    function: Callable[..., Explanation],
    model: FittedModel,
    panel: Panel,
    target: Any,
    settings: Mapping[str, Any],
    *,
    jobs: int = 1,
    on: str | None = None,
) -> Explanation:
    """Explain the series of a panel part by part, in parallel.

    Parameters
    ----------
    function
        An explanation method.
    model
        Any fitted model.
    panel
        n series with the channels of the model, at least 1.
    target, settings
        Of the method. Background series are sampled here, for all series at once, so that a series has the same ones
        whatever part it is in.
    jobs, on
        As for ``run_parallel``.

    Returns
    -------
    Explanation
        Of all series, in the order of the panel.

    Raises
    ------
    ParameterError, DataError
        As for the method.
    """
    targets = targets_for(target, len(panel))
    of_part = _settings_by_part(function, model, panel, dict(settings))
    blocks = list(consecutive_rows(panel.lengths, MOST_SERIES, MOST_STEPS))
    calls = (
        (part, targets[rows].tolist() if targets.ndim else target, of_part(rows))
        for rows, part in zip(blocks, parts_of(panel, blocks, on), strict=True)
    )
    found = []
    with late_bar("explaining", len(panel), " series") as bar:
        for one in run_parallel(partial(_explain_part, function, model), calls, jobs, ordered=True, on=on):
            found.append(one)
            bar.update(len(one))
    return _joined_explanation(panel, found)


def _explain_part(
    function: Callable[..., Explanation], model: FittedModel, panel: Panel, target: Any, settings: dict[str, Any]
) -> Explanation:
    return function(model, panel, target, **settings)


def _settings_by_part(
    function: Callable[..., Explanation], model: FittedModel, panel: Panel, settings: dict[str, Any]
) -> Callable[[slice], dict[str, Any]]:
    """Return the settings of a part by its rows; a part gets only those background series that it needs."""
    parameters = signature(function).parameters
    if "background_rows" not in parameters:
        return lambda rows: settings
    background = settings.get("background")
    draws, seed = (settings.get(name, parameters[name].default) for name in ("draws", "seed"))
    drawn = settings.get("background_rows")
    if drawn is None:
        drawn = sample_background(model, panel, background, draws, seed)
    source = panel if background is None else background

    def of_part(rows: slice) -> dict[str, Any]:
        used, places = np.unique(drawn[rows], return_inverse=True)
        return {**settings, "background": source[used].compact(), "background_rows": places.reshape(drawn[rows].shape)}

    return of_part


def _joined_explanation(panel: Panel, parts: Sequence[Explanation]) -> Explanation:
    """Join the explanations of consecutive parts of a panel."""
    first = parts[0]

    def columns(name: str) -> Iterator[Any]:
        return (getattr(part, name) for part in parts)

    joined: dict[str, Any] = {name: _chained(columns(name)) for name in OF_A_SERIES}
    for name in OF_ALL:
        joined[name] = None if getattr(first, name) is None else np.concatenate([*columns(name)])
    for name in ("fields", "fields_spread"):
        joined[name] = {key: np.concatenate([one[key] for one in columns(name)]) for key in getattr(first, name)}
    prediction = _joined_prediction([part.prediction for part in parts])
    return replace(first, panel=panel, prediction=prediction, **joined)


def _joined_prediction(parts: Sequence[Prediction]) -> Prediction:
    first = parts[0]
    names = ("ids", "logits", "lengths", "novelty")
    joined: dict[str, Any] = {
        name: None if getattr(first, name) is None else np.concatenate([getattr(part, name) for part in parts])
        for name in names
    }
    return replace(first, attention=_chained(part.attention for part in parts), **joined)


def _chained(lists: Iterator[list[Any] | None]) -> Any:
    """Join lists, all of which are None if one is."""
    joined: list[Any] = []
    for one in lists:
        if one is None:
            return None
        joined += one
    return joined
