"""Faithfulness: whether the steps that an explanation calls important matter, measured by deletion and insertion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain, methods_of
from limelight.explanation.perturbation import predict_perturbed, sample_background
from limelight.explanation.quality.localisation import score_localisation
from limelight.explanation.target import Target, resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats, Rows

RANDOM = "random"
CLEAR = 2.0
"""Number of standard errors from which a difference is called clear."""
DELETION, INSERTION = 0, 1


def faithfulness(
    model: FittedModel,
    panel: Panel,
    methods: Sequence[str] | None = None,
    *,
    target: Any = None,
    background: Panel | None = None,
    series: int = 50,
    fractions: int = 20,
    draws: int = 2,
    orders: int = 3,
    seed: int = 0,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Measure how much the prediction depends on the steps that a method calls important.

    Deletion replaces the most important steps first and records the probability of the target; insertion starts from
    a completely replaced series and restores the most important steps first. A good explanation makes the deletion
    curve fall early and the insertion curve rise early. Steps are replaced by background values at the same relative
    position. Random orders of the steps are measured for comparison.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        Series with the channels used in training. If ``intervals`` are known, the overlap with them is measured too.
    methods
        Names of methods; None takes all that support the model.
    target
        As for ``explain``; attention is measured against it too.
    background
        Series to sample replacement values from, both for the curves and for methods that sample; None samples from
        the panel itself.
    series
        Maximum number of series to measure, drawn at random, at least 2.
    fractions
        Number of parts into which the steps of a series are split, at least 1.
    draws
        Number of background series for each series, at least 1. They differ from those that occlusion samples.
    orders
        Number of random orders, at least 1.
    seed
        The same seed gives the same result.
    settings
        Further settings of each method by its name, such as ``{"occlusion": {"draws": 10}}``.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON:

        - ``series``, ``fractions``, ``draws``, ``orders``, and ``shares``, the share of steps at each point of a curve;
        - ``methods``: for each method, and for ``"random"``, ``deletion`` and ``insertion``, the areas under the curves
          in [0, 1]; ``gain``, insertion minus deletion, minus the same for random orders; ``error``, the standard error
          of the gain over the series; ``curves``, the mean probability of the target at each of ``shares``; and
          ``overlap``, the localisation scores of the positive importance, None without known intervals;
        - ``trusted``: the methods that are clearly better than a random order and not clearly worse than the best
          method, best first;
        - ``said``: one sentence that names the methods to trust.

    Raises
    ------
    ParameterError
        If a method does not exist, the model does not support it, or a number is out of range.
    DataError
        If there are fewer than two series, or no background series.

    Source
    ------
    Petsiuk, Das and Saenko, RISE, 2018 (deletion and insertion). Perturbed series are unlike those used in training, so
    only the distance to a random order is meaningful. Occlusion perturbs series in the same way, which favours it.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> found = faithfulness(model, Panel.from_series(np.ones((4, 20))), ["attention"])
    >>> round(found["methods"]["attention"]["gain"], 6)
    0.0
    >>> found["said"]
    'Attention is not clearly better than a random order on these 4 series: trust no explanation.'
    """
    for name, number, least in (("series", series, 2), ("fractions", fractions, 1), ("orders", orders, 1)):
        if number < least:
            raise ParameterError(f"expected {name} of at least {least}, got {name}={number}; increase {name}")
    if len(panel) < 2:
        raise DataError(f"expected at least two series to measure explanations on, got {len(panel)}; add more series")
    names = methods_of(model) if methods is None else list(methods)
    source = panel if background is None else background
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(panel))[:series])
    chosen = panel[rows]
    prediction = model.predict(chosen)
    resolved = resolve_target(prediction, target)
    background_rows = sample_background(model, panel, background, draws, seed + 1)[rows]  # never the series itself
    explanations = {}
    for name in names:
        options = {**(settings or {}).get(name, {})}
        if name == "occlusion" and background is not None:
            options = {"background": background, **options}
        explanations[name] = explain(model, chosen, name, None if name == "attention" else resolved.names, **options)
    importance = {name: explanation.importance for name, explanation in explanations.items()}
    importance |= {
        f"{RANDOM} {order}": [random.random(length) for length in chosen.lengths.tolist()] for order in range(orders)
    }
    curves = {
        name: _curves(model, resolved, chosen, source, background_rows, numbers, fractions)
        for name, numbers in importance.items()
    }
    curves[RANDOM] = np.mean([curves.pop(f"{RANDOM} {order}") for order in range(orders)], axis=0)
    areas = {name: _areas_under(curves_of_method) for name, curves_of_method in curves.items()}
    scores = {name: _summary(curves[name], areas[name], areas[RANDOM]) for name in curves}
    for name in names:
        scores[name]["overlap"] = overlap(explanations[name])
    return {
        "series": len(chosen),
        "fractions": fractions,
        "draws": draws,
        "orders": orders,
        "shares": np.linspace(0, 1, fractions + 1).tolist(),
        "methods": scores,
        "trusted": _trusted(names, scores, areas),
        "said": _recommendation(names, scores, areas),
    }


def overlap(explanation: Explanation) -> dict[str, Any] | None:
    """Measure how much of the positive importance lies inside the known interval of each series.

    Parameters
    ----------
    explanation
        Explanation of series whose ``intervals`` are known. Negative importance counts as 0; a series without positive
        importance counts as uniform.

    Returns
    -------
    dict[str, Any] | None
        ``series``, ``inside`` and ``peak_inside``, and ``inside_uniform``, the value of uniform importance; None if no
        interval is known.
    """
    shares = []
    for importance in explanation.importance:
        positive = np.asarray(importance, dtype=np.float64).clip(min=0)
        total = positive.sum()
        share = positive / total if total > 0 else np.full(len(importance), 1 / len(importance))
        shares.append(share.astype(np.float32))
    scores = score_localisation(replace(explanation.prediction, attention=shares), explanation.panel)
    if scores is None:
        return None
    return {
        "series": scores["series"],
        "inside": scores["attention_inside"],
        "peak_inside": scores["peak_inside"],
        "inside_uniform": scores["attention_inside_uniform"],
    }


def _curves(
    model: FittedModel,
    target: Target,
    panel: Panel,
    source: Panel,
    background_rows: Rows,
    importance: Sequence[Floats],
    fractions: int,
) -> Floats:
    """Compute the probability of the target along deletion and insertion, shape (2, n, fractions + 1)."""
    rows = np.repeat(np.arange(len(panel)), fractions + 1)
    parts = np.tile(np.arange(fractions + 1), len(panel))
    ranks = [_ranks(numbers) for numbers in importance]
    sums = np.zeros((2, len(rows)))
    for curve in (DELETION, INSERTION):

        def mask(chosen: Panel, chunk: slice, insertion: bool = curve == INSERTION) -> NDArray[np.bool_]:
            rank = np.concatenate([ranks[row] for row in rows[chunk]])
            lengths = chosen.lengths
            most_important = rank < np.repeat(np.rint(parts[chunk] * lengths / fractions), lengths)
            return (~most_important if insertion else most_important)[:, None]

        for drawn in background_rows.T:
            for chunk, prediction in predict_perturbed(model, panel, source, rows, drawn[rows], mask):
                sums[curve, chunk] += target.at(rows[chunk]).probability(prediction)
    curves: Floats = sums.reshape(2, len(panel), fractions + 1) / background_rows.shape[1]
    return curves


def _areas_under(curves: Floats) -> Floats:
    """Compute the area under each curve, shape (2, n)."""
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[2] - 1), axis=2))


def _ranks(importance: Floats) -> NDArray[np.int64]:
    """Rank the steps from 0, the most important first, shape (time,)."""
    ranks = np.empty(len(importance), dtype=np.int64)
    ranks[np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")] = np.arange(len(importance))
    return ranks


def _summary(curves: Floats, areas: Floats, random: Floats) -> dict[str, Any]:
    gains = (areas[INSERTION] - areas[DELETION]) - (random[INSERTION] - random[DELETION])
    deletion, insertion = areas.mean(axis=1).tolist()
    return {
        "deletion": deletion,
        "insertion": insertion,
        "gain": float(gains.mean()),
        "error": float(gains.std(ddof=1) / np.sqrt(len(gains))),
        "curves": {
            "deletion": curves[DELETION].mean(axis=0).tolist(),
            "insertion": curves[INSERTION].mean(axis=0).tolist(),
        },
        "overlap": None,
    }


def _better(names: list[str], scores: dict[str, Any]) -> list[str]:
    """List the methods that are clearly better than a random order."""
    return [name for name in names if scores[name]["gain"] > CLEAR * scores[name]["error"] and scores[name]["gain"] > 0]


def _trusted(names: list[str], scores: dict[str, Any], areas: dict[str, Floats]) -> list[str]:
    better = sorted(_better(names, scores), key=lambda name: -float(scores[name]["gain"]))
    return [*better[:1], *(name for name in better[1:] if not _clearly_better(areas[better[0]], areas[name]))]


def _recommendation(names: list[str], scores: dict[str, Any], areas: dict[str, Floats]) -> str:
    series = areas[RANDOM].shape[1]
    trusted = _trusted(names, scores, areas)
    if not trusted:
        subject = f"{names[0].capitalize()} is not" if len(names) == 1 else f"None of {_listed(names)} is"
        return f"{subject} clearly better than a random order on these {series} series: trust no explanation."
    best, *tied = trusted
    better = _better(names, scores)
    worse = [name for name in names if name not in better]
    text = (
        f"Trust {best} most for this model: if the steps that it ranks highest are removed first, the mean probability "
        f"of the target is {scores[best]['deletion']:.2f}, compared with {scores[RANDOM]['deletion']:.2f} for a random "
        f"order ({series} series)"
    )
    text += f"; {_listed(tied)} {'is' if len(tied) == 1 else 'are'} not clearly worse" if tied else ""
    text += f"; {_listed(worse)} {'is' if len(worse) == 1 else 'are'} no better than chance" if worse else ""
    return f"{text}."


def _clearly_better(best: Floats, other: Floats) -> bool:
    """Whether one method is better than another on the same series by more than two standard errors."""
    differences = (best[INSERTION] - best[DELETION]) - (other[INSERTION] - other[DELETION])
    return bool(differences.mean() > CLEAR * differences.std(ddof=1) / np.sqrt(len(differences)))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
