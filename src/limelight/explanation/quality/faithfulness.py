"""Faithfulness: whether the steps that an explanation calls important matter, and which method to trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain, methods_of
from limelight.explanation.perturbation import sample_background
from limelight.explanation.quality.agreement import MASKS, Agreement, mask_agreement
from limelight.explanation.quality.deletion import DELETION, INSERTION, areas_under, deletion_curves
from limelight.explanation.quality.localisation import score_localisation
from limelight.explanation.quality.skill import Skill, measure_skill
from limelight.explanation.target import resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats

RANDOM = "random"
CLEAR = 2.0
"""Number of standard errors from which a difference is called clear."""
LEAST_AGREEMENT = 0.1
"""An agreement below is chance: the best of several classes is above 0 by selection alone."""


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
    masks: int = MASKS,
    seed: int = 0,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Measure how much the prediction depends on the steps that a method calls important.

    The agreement decides which method to trust: random stretches are hidden, and the importance that they hide is
    correlated with the drop in log odds that they cause. It is the score of the class whose explanations agree most,
    as an explanation of a class that is recognised by what is absent shows nothing. The correlation is the better guide
    to the best method for one model. How good an explanation is across models and data sets is better predicted by the
    NDCG of its order of the values, by effects that are estimated from the same hidden stretches.

    Deletion and insertion are measured beside it. Deletion replaces the most important steps first and records the
    probability of the target; insertion starts from a completely replaced series and restores the most important
    steps first. Steps are replaced by background values at the same relative position. Random orders of the steps are
    measured for comparison.

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
    masks
        Number of random masks of each series, at least 3.
    seed
        The same seed gives the same result.
    settings
        Further settings of each method by its name, such as ``{"occlusion": {"draws": 10}}``.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON:

        - ``series``, ``fractions``, ``draws``, ``orders``, ``masks``, and ``shares``, the share of steps at each point
          of a curve;
        - ``methods``: for each method, and for ``"random"``, ``deletion`` and ``insertion``, the areas under the curves
          in [0, 1]; ``gain``, insertion minus deletion, minus the same for random orders; ``error``, the standard error
          of the gain over the series; ``curves``, the mean probability of the target at each of ``shares``;
          ``overlap``, the localisation scores of the positive importance, None without known intervals; and, except
          for ``"random"``, ``agreement``: ``score``, the mean correlation of the series of one ``class`` in [-1, 1],
          its standard ``error``, the means ``by_class``, the means over all series if only positive importance counts
          (``supporting``) or only negative (``opposing``), and ``ndcg`` and ``ndcg_by_chance`` in [0, 1], the means of
          the series of one class, ``ndcg_class``;
        - ``skill``: the balanced accuracy of the model on the labelled series of the panel, and whether it is clearly
          better than guessing; None if it is not measured, as for labels per step and multi-label;
        - ``trusted``: the methods whose agreement is clearly above 0 and not clearly below that of the best method,
          best first; none for a model that is not shown to be better than guessing;
        - ``chance``: the methods whose agreement is not clearly above 0;
        - ``verdict``: one sentence that names the methods to trust.

    Raises
    ------
    ParameterError
        If a method does not exist, the model does not support it, or a number is out of range.
    DataError
        If there are fewer than two series, or no background series.

    Source
    ------
    Bhatt, Weller and Moura, 2020 (agreement); Petsiuk, Das and Saenko, RISE, 2018 (deletion and insertion). Perturbed
    series are unlike those used in training, and occlusion perturbs series in the same way, which favours it. How well
    both scores predict the truth is measured on planted tasks.

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
    >>> found["verdict"]
    'Attention is no better than chance on these 4 series: trust no explanation.'
    """
    least_allowed = (("series", series, 2), ("fractions", fractions, 1), ("orders", orders, 1), ("masks", masks, 3))
    for name, number, least in least_allowed:
        if number < least:
            raise ParameterError(f"expected {name} of at least {least}, got {name}={number}; increase {name}")
    if len(panel) < 2:
        raise DataError(f"expected at least two series to measure explanations on, got {len(panel)}; add more series")
    names = methods_of(model) if methods is None else list(methods)
    source = panel if background is None else background
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(panel))[:series])
    chosen = panel[rows]
    resolved = resolve_target(model.predict(chosen), target)
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
        name: deletion_curves(model, resolved, chosen, source, background_rows, numbers, fractions)
        for name, numbers in importance.items()
    }
    curves[RANDOM] = np.mean([curves.pop(f"{RANDOM} {order}") for order in range(orders)], axis=0)
    areas = {name: areas_under(curves_of_method) for name, curves_of_method in curves.items()}
    scores = {name: _summary(curves[name], areas[name], areas[RANDOM]) for name in curves}
    agreements = mask_agreement(model, resolved, explanations, chosen, source, masks=masks, seed=seed)
    for name in names:
        scores[name] |= {"overlap": overlap(explanations[name]), "agreement": agreements[name].to_json()}
    skill = measure_skill(model, panel)
    return {
        "series": len(chosen),
        "fractions": fractions,
        "draws": draws,
        "orders": orders,
        "masks": masks,
        "shares": np.linspace(0, 1, fractions + 1).tolist(),
        "methods": scores,
        "skill": None if skill is None else skill._asdict(),
        **recommend(agreements, skill),
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


def recommend(agreements: Mapping[str, Agreement], skill: Skill | None = None) -> dict[str, Any]:
    """Return ``trusted``, ``chance`` and ``verdict`` of ``faithfulness``.

    Example
    -------
    >>> targets = np.array(["a", "a", "a"])
    >>> good = Agreement(np.array([0.6, 0.7, 0.8]), np.array([[0.9, 0.5]] * 3), None, None, targets)
    >>> poor = Agreement(np.array([-0.1, 0.0, 0.2]), np.array([[0.5, 0.5]] * 3), None, None, targets)
    >>> recommend({"occlusion": good, "attention": poor})["verdict"]
    'Trust occlusion most for this model: what it calls important agrees with what hiding stretches does to the
    prediction (correlation 0.70, NDCG 0.90, by chance 0.50; 3 series); attention is no better than chance.'
    """
    scores = {name: one.to_json() for name, one in agreements.items()}
    better = [name for name, one in scores.items() if one["score"] > max(CLEAR * one["error"], LEAST_AGREEMENT)]
    better.sort(key=lambda name: -float(scores[name]["score"]))
    chance = [name for name in agreements if name not in better]
    series = len(next(iter(agreements.values())).by_series) if agreements else 0
    if skill is not None and not skill.better:
        verdict = (
            f"The model is not shown to be better than guessing (balanced accuracy {skill.balanced_accuracy:.2f} on "
            f"{skill.series} series): trust no explanation."
        )
        return {"trusted": [], "chance": chance, "verdict": verdict}
    if not better:
        subject = f"{chance[0].capitalize()} is no" if len(chance) == 1 else f"None of {_listed(chance)} is"
        verdict = f"{subject} better than chance on these {series} series: trust no explanation."
        return {"trusted": [], "chance": chance, "verdict": verdict}
    best, *others = better
    tied = [name for name in others if not _clearly_better(agreements[best], agreements[name])]
    text = (
        f"Trust {best} most for this model: what it calls important agrees with what hiding stretches does to the "
        f"prediction (correlation {scores[best]['score']:.2f}, NDCG {scores[best]['ndcg']:.2f}, by chance "
        f"{scores[best]['ndcg_by_chance']:.2f}; {series} series)"
    )
    text += f"; {_listed(tied)} {'is' if len(tied) == 1 else 'are'} not clearly worse" if tied else ""
    text += f"; {_listed(chance)} {'is' if len(chance) == 1 else 'are'} no better than chance" if chance else ""
    return {"trusted": [best, *tied], "chance": chance, "verdict": f"{text}."}


def _clearly_better(best: Agreement, other: Agreement) -> bool:
    """Whether one method is better than another on the series of its best class by more than two standard errors."""
    name = best.best_class
    differences = best.of_class(name) - other.of_class(name)
    return bool(differences.mean() > CLEAR * differences.std(ddof=1) / np.sqrt(len(differences)))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
