"""Headline scores per value of a metadata field, to find subgroups on which a model fails."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.metrics import balanced_accuracy_score

from limelight.errors import DataError
from limelight.evaluation.metrics.bootstrap import tally_intervals
from limelight.evaluation.metrics.counts import Tally, headline, rows_of_series, series_of_examples
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.task import UNKNOWN, Task, is_known
from limelight.types import Codes

MOST_GROUPS = 12
FEWEST_SERIES = 10
"""The smallest group that can be the worst one: smaller groups score low by chance."""
RANKED_BY = "balanced_accuracy"
PERMUTATIONS = 200


def score_groups(
    task: Task,
    codes: ArrayLike,
    probabilities: ArrayLike,
    values: ArrayLike,
    lengths: ArrayLike | None = None,
    *,
    thresholds: ArrayLike | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Score predictions separately for each value of a metadata field.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes, -1 if unknown, shape (N,), or (N, labels) if multi-label.
    probabilities
        The predicted probabilities, shape (N, classes) or (N, labels).
    values
        The value of the field for each series, shape (n,): strings, numbers, dates or booleans; None, NaN or "" if
        missing. More than 12 distinct numbers or dates are cut into quartiles; of more than 12 distinct strings, all
        but the 12 most frequent are pooled.
    lengths
        The number of steps of each series, shape (n,), summing to N; required for per-step tasks.
    thresholds
        As for ``score``.
    seed
        Seed of the bootstrap and of the permutation test.

    Returns
    -------
    dict[str, Any]
        ``groups``: for each group its ``value`` as text, its ``kind`` (``"value"``, ``"range"``, ``"other"`` or
        ``"missing"``), ``n`` (series with a known label), ``accuracy``, ``balanced_accuracy`` and ``f1`` as in
        ``score``, None if undefined, and ``interval``, the confidence interval of the balanced accuracy as in
        ``intervals``. ``worst``: the index in ``groups`` of the lowest balanced accuracy among groups of at least 10
        series, None if there are fewer than two such groups. ``chance``: the p-value of a score this low for the
        worst group if the field had no effect, in (0, 1].

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not match the task or each other.

    Source
    ------
    The p-value is from a permutation test: series are assigned at random to groups of the same sizes, 200 times, and
    each time the worst group is scored, which corrects for the number of groups.

    Example
    -------
    >>> right, wrong = [0.9, 0.1], [0.2, 0.8]
    >>> probabilities = [right] * 40 + [right, wrong] * 10
    >>> by_machine = score_groups(Task(("a", "b")), [0] * 60, probabilities, ["m1"] * 40 + ["m2"] * 20)
    >>> [(group["value"], group["n"], group["accuracy"]) for group in by_machine["groups"]]
    [('m1', 40, 1.0), ('m2', 20, 0.5)]
    >>> by_machine["worst"], by_machine["chance"] < 0.01
    (1, True)
    """
    predictions = LabelledPredictions.of(task, codes, probabilities, thresholds)
    series = series_of_examples(predictions, lengths)
    field = np.asarray(values)
    n = len(predictions.codes) if lengths is None else len(np.asarray(lengths))
    if field.shape != (n,):
        raise DataError(
            f"expected one value of the field for each of the {n} series, got an array of shape {field.shape}; pass "
            "them in the order of the series"
        )
    groups: list[dict[str, Any]] = []
    parts = _parts(field)
    for value, kind, members in parts:
        steps = None if lengths is None else np.asarray(lengths)[members]
        tally = Tally.of(predictions.at(members[series]), steps)
        scores = {name: score[0] for name, score in headline(task, tally.total()).items()}
        plain = {name: None if np.isnan(score) else float(score) for name, score in scores.items()}
        interval = tally_intervals(tally, seed, 1 / len(parts))[RANKED_BY]
        groups.append({"value": value, "kind": kind, "n": int(tally.times.sum()), **plain, "interval": interval})
    ranked = [index for index, one in enumerate(groups) if one["n"] >= FEWEST_SERIES and one[RANKED_BY] is not None]
    if len(ranked) < 2:
        return {"groups": groups, "worst": None, "chance": None}
    worst = min(ranked, key=lambda index: groups[index][RANKED_BY])
    group_of_series = np.full(n, -1)
    for number, index in enumerate(ranked):
        group_of_series[parts[index][2]] = number
    p_value = _permutation_test(task, rows_of_series(predictions, lengths), group_of_series, seed)
    return {"groups": groups, "worst": worst, "chance": p_value}


def _permutation_test(task: Task, rows: csr_array, group: NDArray[np.int64], seed: int) -> float:
    """Estimate the probability that the worst of randomly assigned groups scores as low as the worst actual group."""
    random = np.random.default_rng(seed)
    known = (np.diff(rows.indptr) > 0) & (group >= 0)
    rows, group = rows[known], group[known]

    def worst(assigned: NDArray[np.int64]) -> float:
        shape = (group.max() + 1, len(assigned))
        members = csr_array((np.ones(len(assigned)), (assigned, np.arange(len(assigned)))), shape=shape)
        return float(np.nanmin(headline(task, (members @ rows).toarray())[RANKED_BY]))

    limit = worst(group) + 1e-12
    as_low = sum(worst(random.permutation(group)) <= limit for _ in range(PERMUTATIONS))
    return (1 + as_low) / (1 + PERMUTATIONS)


def _parts(field: NDArray[Any]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Group series by the value of a field: name, kind and mask of each group that is not empty."""
    known = ~np.isnat(field) if field.dtype.kind == "M" else is_known(field)
    values = field[known]
    if values.dtype.kind == "O":
        numeric = not any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values.tolist())
        values = values.astype(np.float64) if numeric and len(values) else values.astype(str)
    distinct, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_GROUPS and values.dtype.kind in "iufM":
        parts = _quartiles(values)
    else:
        commonest = np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS])
        parts = [(_text_of(distinct[code]), "value", codes == code) for code in commonest.tolist()]
        parts.append(("other", "other", ~np.isin(codes, commonest)))
    groups = []
    for name, kind, members in parts:
        mask = np.zeros(len(field), dtype=bool)
        mask[known] = members
        groups.append((name, kind, mask))
    groups.append(("missing", "missing", ~known))
    return [group for group in groups if group[2].any()]


def _quartiles(values: NDArray[Any]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Cut numbers or dates at values that occur, into quarters of the series as far as ties allow."""
    ordered = np.sort(values)
    cuts = np.unique(ordered[[len(values) * quarter // 4 for quarter in (1, 2, 3)]])
    higher = ordered[ordered > ordered[0]]
    cuts = cuts[cuts > ordered[0]] if cuts[-1] > ordered[0] else higher[:1]
    quarters = np.searchsorted(cuts, values, side="right")
    texts = [_text_of_cut(cut) for cut in cuts]
    middle = [f"{low} to below {high}" for low, high in pairwise(texts)]
    names = [f"below {texts[0]}", *middle, f"from {texts[-1]}"]
    return [(name, "range", quarters == index) for index, name in enumerate(names)]


def _text_of(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, (float, np.floating)) else str(value)


def _text_of_cut(value: Any) -> str:
    """Format a cut: a float with four digits, or without decimals from 1000; an integer or a date in full."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.0f}" if abs(float(value)) >= 1000 else f"{value:.4g}"
    return str(value)


def balanced_accuracy(codes: Codes, decisions: Codes) -> float:
    """Compute the balanced accuracy over known codes; if multi-label, the mean over the labels.

    Parameters
    ----------
    codes, decisions
        The true codes, -1 if unknown, and the predicted codes, shape (N,) or (N, labels).

    Returns
    -------
    float
        In [0, 1]; NaN if only one class is known, or, if multi-label, no label is both present and absent.

    Example
    -------
    >>> balanced_accuracy(np.array([0, 0, 0, 1, -1]), np.array([0, 0, 0, 0, 1]))
    0.5
    """
    columns = zip(codes.T, decisions.T, strict=True) if codes.ndim == 2 else [(codes, decisions)]
    scores = [
        balanced_accuracy_score(truth[truth != UNKNOWN], predicted[truth != UNKNOWN])
        for truth, predicted in columns
        if len(np.unique(truth[truth != UNKNOWN])) > 1
    ]
    return float(np.mean(scores)) if scores else float("nan")
