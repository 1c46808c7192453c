"""Whether explanations are right about a model: what happens when what they call important is hidden or shown first."""

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
from limelight.explanation.perturbation import answers_with_hidden, sample_background
from limelight.explanation.quality.localisation import score_localisation
from limelight.explanation.target import Target, resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats, Rows

RANDOM = "random"
CLEAR = 2.0
"""Standard errors from which a difference is called clear."""


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
    """Measure how well the steps that a method calls important carry the answer.

    Deletion hides the most important steps first and asks how probable the target still is; insertion hides everything
    and shows the most important steps first. A good explanation lets the first curve fall early and the second rise
    early. What is hidden gets the values of other series at the same relative place. The same is done in random orders.

    Parameters
    ----------
    model
        Any.
    panel
        Series with the channels of the training; where ``intervals`` are known, the overlap with them is measured too.
    methods
        Names; None takes all that the model has.
    target
        As for ``explain``; attention is measured by it too.
    background
        Where other series are drawn from, here and by the methods that draw; None takes the panel itself.
    series
        How many series are measured at most, drawn at random, at least 2.
    fractions
        Into how many parts the steps of a series are cut, at least 1.
    draws
        How many other series stand in, at least 1. They are not those that occlusion drew.
    orders
        How many random orders, at least 1.
    seed
        The same seed draws the same.
    settings
        Further settings of each method by its name, such as ``{"occlusion": {"draws": 10}}``.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON:

        - ``series``, ``fractions``, ``draws``, ``orders``, and ``shares``, the share of steps at each point of a curve;
        - ``methods``: by name, and ``"random"``: ``deletion`` and ``insertion``, the areas below the curves, in [0, 1];
          ``gain``, insertion less deletion, less the same of random orders, and ``error``, its standard error over the
          series; ``curves``, the mean probability of the target at each of ``shares``; ``overlap``, what
          ``score_localisation`` says of what speaks for the target, None without known stretches;
        - ``trusted``: the methods that are clearly better than a random order and not clearly worse than the best of
          them, the best first;
        - ``said``: one sentence on which explanation deserves trust.

    Raises
    ------
    ParameterError
        If there is no such method, the model does not have it, or a number is out of range.
    DataError
        If there are fewer than two series, or none to draw from.

    Source
    ------
    Petsiuk, Das and Saenko, RISE, 2018 (deletion and insertion). Hidden steps make series that training did not have,
    which is why only the distance to a random order is read. Occlusion hides in the same way, so it is at home here.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))
    >>> found = faithfulness(model, Panel.from_series(np.ones((4, 20))), ["attention"])
    >>> round(found["methods"]["attention"]["gain"], 6)
    0.0
    >>> found["said"]
    'Of attention no explanation is clearly better than a random order on these 4 series: trust none of them.'
    """
    for name, number, least in (("series", series, 2), ("fractions", fractions, 1), ("orders", orders, 1)):
        if number < least:
            raise ParameterError(f"expected {name} of at least {least}, got {name}={number}; make it larger")
    if len(panel) < 2:
        raise DataError(f"expected at least two series to measure explanations on, got {len(panel)}; give more")
    names = methods_of(model) if methods is None else list(methods)
    source = panel if background is None else background
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(panel))[:series])
    chosen = panel[rows]
    prediction = model.predict(chosen)
    question = resolve_target(prediction, target)
    others = sample_background(model, panel, background, draws, seed + 1)[rows]  # of a series never itself
    given = {}
    for name in names:
        asked = {**(settings or {}).get(name, {})}
        if name == "occlusion" and background is not None:
            asked = {"background": background, **asked}
        given[name] = explain(model, chosen, name, None if name == "attention" else question.names, **asked)
    numbers = {name: one.importance for name, one in given.items()}
    numbers |= {
        f"{RANDOM} {order}": [random.random(length) for length in chosen.lengths.tolist()] for order in range(orders)
    }
    curves = {name: _curves(model, question, chosen, source, others, one, fractions) for name, one in numbers.items()}
    curves[RANDOM] = np.mean([curves.pop(f"{RANDOM} {order}") for order in range(orders)], axis=0)
    areas = {name: _below(one) for name, one in curves.items()}
    found = {name: _summary(curves[name], areas[name], areas[RANDOM]) for name in curves}
    for name in names:
        found[name]["overlap"] = overlap(given[name])
    return {
        "series": len(chosen),
        "fractions": fractions,
        "draws": draws,
        "orders": orders,
        "shares": np.linspace(0, 1, fractions + 1).tolist(),
        "methods": found,
        "trusted": _trusted(names, found, areas),
        "said": _sentence(names, found, areas),
    }


def overlap(explanation: Explanation) -> dict[str, Any] | None:
    """Measure how much of what speaks for the target lies in the stretch where the label is known to show.

    Parameters
    ----------
    explanation
        Of series whose ``intervals`` are known. What speaks against the target counts as nothing; where nothing speaks
        for it, every step counts alike.

    Returns
    -------
    dict[str, Any] | None
        ``series``, ``inside`` and ``peak_inside``, and ``inside_uniform``, what every step alike would reach; None
        without any known stretch.
    """
    shares = []
    for one in explanation.importance:
        positive = np.asarray(one, dtype=np.float64).clip(min=0)
        total = positive.sum()
        shares.append((positive / total if total > 0 else np.full(len(one), 1 / len(one))).astype(np.float32))
    found = score_localisation(replace(explanation.prediction, attention=shares), explanation.panel)
    if found is None:
        return None
    return {
        "series": found["series"],
        "inside": found["attention_inside"],
        "peak_inside": found["peak_inside"],
        "inside_uniform": found["attention_inside_uniform"],
    }


def _curves(
    model: FittedModel,
    question: Target,
    panel: Panel,
    source: Panel,
    others: Rows,
    importance: Sequence[Floats],
    fractions: int,
) -> Floats:
    """Give the probability of the target along deletion and insertion, shape (2, n, fractions + 1)."""
    places = np.arange(fractions + 1)
    rows = np.repeat(np.arange(len(panel)), fractions + 1)
    counts = np.tile(places, len(panel))
    ranks = [_ranks(one) for one in importance]
    found = np.zeros((2, len(rows)))
    for way in range(2):

        def hidden(chosen: Panel, which: slice, showing: bool = way == 1) -> NDArray[np.bool_]:
            rank = np.concatenate([ranks[row] for row in rows[which]])
            lengths = chosen.lengths
            early = rank < np.repeat(np.rint(counts[which] * lengths / fractions), lengths)
            return (~early if showing else early)[:, None]

        for one in others.T:
            for which, answers in answers_with_hidden(model, panel, source, rows, one[rows], hidden):
                found[way, which] += question.at(rows[which]).probability(answers)
    curves: Floats = found.reshape(2, len(panel), fractions + 1) / others.shape[1]
    return curves


def _below(curves: Floats) -> Floats:
    """Give the area below each curve, shape (2, n)."""
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[2] - 1), axis=2))


def _ranks(importance: Floats) -> NDArray[np.int64]:
    """Say which place each step has, the most important first, shape (time,)."""
    ranks = np.empty(len(importance), dtype=np.int64)
    ranks[np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")] = np.arange(len(importance))
    return ranks


def _summary(curves: Floats, areas: Floats, random: Floats) -> dict[str, Any]:
    gains = (areas[1] - areas[0]) - (random[1] - random[0])
    deletion, insertion = areas.mean(axis=1).tolist()
    return {
        "deletion": deletion,
        "insertion": insertion,
        "gain": float(gains.mean()),
        "error": float(gains.std(ddof=1) / np.sqrt(len(gains))),
        "curves": {"deletion": curves[0].mean(axis=0).tolist(), "insertion": curves[1].mean(axis=0).tolist()},
        "overlap": None,
    }


def _better(names: list[str], found: dict[str, Any]) -> list[str]:
    """Name the methods that are clearly better than a random order."""
    return [name for name in names if found[name]["gain"] > CLEAR * found[name]["error"] and found[name]["gain"] > 0]


def _trusted(names: list[str], found: dict[str, Any], areas: dict[str, Floats]) -> list[str]:
    better = sorted(_better(names, found), key=lambda name: -float(found[name]["gain"]))
    return [*better[:1], *(name for name in better[1:] if not _clear(areas[better[0]], areas[name]))]


def _sentence(names: list[str], found: dict[str, Any], areas: dict[str, Floats]) -> str:
    series = areas[RANDOM].shape[1]
    if not _trusted(names, found, areas):
        return (
            f"Of {_listed(names)} no explanation is clearly better than a random order on these {series} series: trust "
            "none of them."
        )
    best, *tied = _trusted(names, found, areas)
    told = found[best]
    better = _better(names, found)
    worse = [name for name in names if name not in better]
    said = (
        f"For this model {best} deserves most trust: hiding first what it calls important leaves the target a mean "
        f"probability of {told['deletion']:.2f}, a random order {found[RANDOM]['deletion']:.2f} ({series} series)"
    )
    said += f"; {_listed(tied)} {'is' if len(tied) == 1 else 'are'} not clearly worse" if tied else ""
    said += f"; {_listed(worse)} {'is' if len(worse) == 1 else 'are'} no better than chance" if worse else ""
    return f"{said}."


def _clear(best: Floats, other: Floats) -> bool:
    """Say whether one is better than the other on the same series by more than two standard errors."""
    differences = (best[1] - best[0]) - (other[1] - other[0])
    return bool(differences.mean() > CLEAR * differences.std(ddof=1) / np.sqrt(len(differences)))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
