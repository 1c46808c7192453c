"""Measure early answers on labelled series: accuracy against the share of the series seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from limelight.evaluation.early.looks import Looks
from limelight.evaluation.early.rule import ALWAYS_WAIT, EarlyRule
from limelight.evaluation.metrics.exact_intervals import exact_interval
from limelight.task import UNKNOWN
from limelight.text import aligned
from limelight.types import Codes

POINTS_OF_CURVE = 41


def measure_early(looks: Looks, rule: EarlyRule, codes: Codes) -> dict[str, Any]:
    """Measure a rule for early answers on series that neither model nor rule was fitted on.

    Parameters
    ----------
    looks
        Of n series.
    rule
        As chosen on other series.
    codes
        Their true codes, -1 if unknown, shape (n,) or (n, labels).

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``goal``, ``value``, ``confidence``, ``margin``, ``waits`` and ``notes`` of the
        rule; ``n``; ``accuracy`` (of single labels if there are several) and ``accuracy_of_whole``; ``early``, the
        share answered before the end; ``seen``, the mean share of the steps (earliness); ``harmonic_mean`` of accuracy
        and 1 - seen; ``differ``, the share of the early answers that differ from those for whole series, with its exact
        95 % ``interval``, None without early answers; ``baseline``, the accuracy of the most frequent class, None for
        several labels; ``looks``: ``steps`` (None at the end), ``seen``, ``accuracy`` if all were answered there, and
        ``answered``, the share that the rule answers there; ``curve``: seen and accuracy at other margins.

    Source
    ------
    Harmonic mean: Schäfer and Leser, TEASER: early and accurate time series classification, 2020.

    Example
    -------
    >>> from limelight.task import Task
    >>> looks = Looks(Task(("a", "b")), np.array([5]), np.array([10, 10]), np.array([[0.9, 0.2], [1.0, 1.0]]),
    ...               np.array([[1, 0], [1, 1]]))
    >>> found = measure_early(looks, EarlyRule(0.5, "cost", 0.1), np.array([1, 1]))
    >>> found["accuracy"], found["seen"], found["early"], found["differ"], round(found["harmonic_mean"], 2)
    (1.0, 0.75, 0.5, 0.0, 0.4)
    """
    answers = looks.answer(rule.margin)
    count, changed = int(answers.early.sum()), int(looks.differing(answers)[answers.early].sum())
    accuracy, seen = accuracy_of_decisions(answers.decisions, codes), float(answers.seen.mean())
    return {
        "goal": rule.goal,
        "value": rule.value,
        "confidence": rule.confidence,
        "margin": rule.margin,
        "waits": rule.waits,
        "notes": list(rule.notes),
        "n": len(looks),
        "accuracy": accuracy,
        "accuracy_of_whole": accuracy_of_decisions(looks.decisions[-1], codes),
        "early": count / len(looks),
        "seen": seen,
        "harmonic_mean": harmonic_mean(accuracy, seen),
        "differ": changed / count if count else None,
        "interval": exact_interval(changed, count) if count else None,
        "baseline": _most_frequent(looks, codes),
        "looks": _at_each_look(looks, rule, codes),
        "curve": _curve(looks, codes),
    }


def accuracy_of_decisions(decisions: Codes, codes: Codes) -> float | None:
    """Return the share of known labels that are decided correctly; None if none is known."""
    known = codes != UNKNOWN
    return float((decisions == codes)[known].mean()) if known.any() else None


def harmonic_mean(accuracy: float | None, seen: float) -> float | None:
    """Compute the harmonic mean of an accuracy and the share of the steps that was not needed; 0 if either is 0.

    Example
    -------
    >>> harmonic_mean(1.0, 0.5), harmonic_mean(1.0, 1.0)
    (0.6666666666666666, 0.0)
    """
    if accuracy is None:
        return None
    saved = 1 - seen
    return 2 * accuracy * saved / (accuracy + saved) if accuracy + saved else 0.0


def _most_frequent(looks: Looks, codes: Codes) -> float | None:
    known = codes[codes != UNKNOWN]
    if looks.task.multilabel or not len(known):
        return None
    return float(np.bincount(known).max() / len(known))


def _at_each_look(looks: Looks, rule: EarlyRule, codes: Codes) -> list[dict[str, Any]]:
    """Return what would be answered if all series were answered at one look, and the share that the rule does there."""
    answered = np.bincount(looks.answer(rule.margin).looks, minlength=len(looks.steps) + 1) / len(looks)
    rows = []
    for look in range(len(looks.steps) + 1):
        last = look == len(looks.steps)
        there = np.zeros(len(looks), dtype=bool) if last else looks.before_end[look]
        chosen = np.where(there, look, len(looks.steps))
        seen = np.where(there, looks.steps[look] / looks.lengths, 1.0) if not last else np.ones(len(looks))
        decisions = looks.decisions[chosen, np.arange(len(looks))]
        rows.append(
            {
                "steps": None if last else int(looks.steps[look]),
                "seen": float(seen.mean()),
                "accuracy": accuracy_of_decisions(decisions, codes),
                "answered": float(answered[look]),
            }
        )
    return rows


def _curve(looks: Looks, codes: Codes) -> list[list[float]]:
    """Return the mean share seen and the accuracy at margins from never to always early."""
    margins = looks.margins[:-1][looks.before_end]
    if not len(margins) or not (codes != UNKNOWN).any():
        return []
    levels = [
        ALWAYS_WAIT,
        *np.unique(np.quantile(margins, np.linspace(0, 1, POINTS_OF_CURVE), method="lower"))[::-1].tolist(),
    ]
    points = []
    for margin in levels:
        answers = looks.answer(margin)
        points.append([float(answers.seen.mean()), float(accuracy_of_decisions(answers.decisions, codes) or 0.0)])
    return points


def early_lines(scores: Mapping[str, Any]) -> list[str]:
    """Format the measured early answers as a table for a terminal.

    Parameters
    ----------
    scores
        As returned by ``measure_early``.

    Returns
    -------
    list[str]
        Lines without line breaks.
    """
    rows = [["answered", "seen", "accuracy if all were answered there", "share answered there by the rule"]]
    for look in scores["looks"]:
        when = "at the end" if look["steps"] is None else f"after {look['steps']:,} steps"
        accuracy = "-" if look["accuracy"] is None else f"{look['accuracy']:.3f}"
        rows.append([when, f"{100 * look['seen']:.0f} %", accuracy, f"{100 * look['answered']:.1f} %"])
    return [*aligned(rows), "", early_sentence(scores)]


def early_sentence(scores: Mapping[str, Any]) -> str:
    """Describe in one sentence what the rule does on the measured series.

    Example
    -------
    >>> early_sentence({"waits": False, "n": 40, "accuracy": 0.9, "accuracy_of_whole": 0.925, "early": 0.5, "seen": 0.7,
    ...                 "differ": 0.05, "interval": [0.001, 0.249], "harmonic_mean": 0.45})
    'of 40 series 50.0 % are answered early, after 70.0 % of the steps on average over all series, with an accuracy of
    0.900 (0.925 at the end); 5.0 % of the early answers differ from those for whole series (0.1 to 24.9 %); harmonic
    mean 0.450'
    """
    if scores["waits"]:
        return f"the rule waits for the end of all {scores['n']:,} series"
    if scores["differ"] is None:
        return f"none of {scores['n']:,} series is answered early"
    low, high = scores["interval"]
    quality = ""
    if scores["accuracy"] is not None:
        quality = f", with an accuracy of {scores['accuracy']:.3f} ({scores['accuracy_of_whole']:.3f} at the end)"
    mean = "" if scores["harmonic_mean"] is None else f"; harmonic mean {scores['harmonic_mean']:.3f}"
    return (
        f"of {scores['n']:,} series {100 * scores['early']:.1f} % are answered early, after {100 * scores['seen']:.1f} "
        f"% of the steps on average over all series{quality}; {100 * scores['differ']:.1f} % of the early answers "
        f"differ from those for whole series ({100 * low:.1f} to {100 * high:.1f} %){mean}"
    )
