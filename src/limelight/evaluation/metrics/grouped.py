"""The headline scores for each value of a metadata field: whether the answers fail in one place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.metrics import balanced_accuracy_score

from limelight.errors import DataError
from limelight.evaluation.metrics.bootstrap import tally_intervals
from limelight.evaluation.metrics.counts import Tally, headline, rows_of_series, series_of_answers
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.task import UNKNOWN, Task, is_known
from limelight.types import Codes

MOST_GROUPS = 12
FEWEST_SERIES = 10
"""A group of fewer is no sign of a weak place."""
JUDGED = "balanced_accuracy"
DEALS = 200


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
    """Score the answers apart for each value of a metadata field.

    Parameters
    ----------
    task
        What was asked.
    codes
        The truth, -1 where it is not known, shape (N,), or (N, labels) when multi-label.
    probabilities
        Shape (N, classes) or (N, labels).
    values
        What the field says of each series, shape (n,): words, numbers, dates or booleans; None, NaN or "" where it
        says nothing. More than 12 different numbers or dates are cut into quartiles; of more than 12 words the
        commonest have a row each.
    lengths
        How many of the N steps belong to each series, shape (n,); needed for steps.
    thresholds
        As for ``score``.
    seed
        Of the intervals and the chance.

    Returns
    -------
    dict[str, Any]
        ``groups``: for each the ``value`` in words, its ``kind`` (``"value"``, ``"range"``, ``"other"`` or
        ``"missing"``), ``n`` (series with a known label), ``accuracy``, ``balanced_accuracy`` and ``f1`` as from
        ``score``, None where one is not defined, and ``interval`` of the balanced accuracy as from ``intervals``.
        ``worst``: the place in ``groups`` with the lowest balanced accuracy among those of at least 10 series, None
        where there are not two of them; ``chance``: how probable so low a worst one would be if the field said
        nothing, in (0, 1].

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not fit the task or each other.

    Source
    ------
    The chance is that of a permutation test: series are dealt out to groups of the same sizes at random, 200 times,
    and the worst of each deal is looked at, so that it allows for there being many groups.

    Example
    -------
    >>> right, wrong = [0.9, 0.1], [0.2, 0.8]
    >>> answers = [right] * 40 + [right, wrong] * 10
    >>> by_machine = score_groups(Task(("a", "b")), [0] * 60, answers, ["m1"] * 40 + ["m2"] * 20)
    >>> [(group["value"], group["n"], group["accuracy"]) for group in by_machine["groups"]]
    [('m1', 40, 1.0), ('m2', 20, 0.5)]
    >>> by_machine["worst"], by_machine["chance"] < 0.01
    (1, True)
    """
    answers = LabelledPredictions.of(task, codes, probabilities, thresholds)
    series = series_of_answers(answers, lengths)
    field = np.asarray(values)
    n = len(answers.codes) if lengths is None else len(np.asarray(lengths))
    if field.shape != (n,):
        raise DataError(
            f"expected one value of the field for each of the {n} series, got an array of shape {field.shape}; give "
            "them in the order of the series"
        )
    groups: list[dict[str, Any]] = []
    parts = _parts(field)
    for value, kind, mine in parts:
        counts = None if lengths is None else np.asarray(lengths)[mine]
        tally = Tally.of(answers.at(mine[series]), counts)
        scores = {name: score[0] for name, score in headline(task, tally.total()).items()}
        plain = {name: None if np.isnan(score) else float(score) for name, score in scores.items()}
        interval = tally_intervals(tally, seed, 1 / len(parts))[JUDGED]
        groups.append({"value": value, "kind": kind, "n": int(tally.times.sum()), **plain, "interval": interval})
    judged = [place for place, one in enumerate(groups) if one["n"] >= FEWEST_SERIES and one[JUDGED] is not None]
    if len(judged) < 2:
        return {"groups": groups, "worst": None, "chance": None}
    worst = min(judged, key=lambda place: groups[place][JUDGED])
    of_series = np.full(n, -1)
    for row, place in enumerate(judged):
        of_series[parts[place][2]] = row
    chance = _chance(task, rows_of_series(answers, lengths), of_series, seed)
    return {"groups": groups, "worst": worst, "chance": chance}


def _chance(task: Task, rows: csr_array, group: NDArray[np.int64], seed: int) -> float:
    """Say how often the worst of groups dealt at random is as bad as the worst of the groups that are."""
    draw = np.random.default_rng(seed)
    known = (np.diff(rows.indptr) > 0) & (group >= 0)
    rows, group = rows[known], group[known]

    def worst(dealt: NDArray[np.int64]) -> float:
        member = csr_array((np.ones(len(dealt)), (dealt, np.arange(len(dealt)))), shape=(group.max() + 1, len(dealt)))
        return float(np.nanmin(headline(task, (member @ rows).toarray())[JUDGED]))

    limit = worst(group) + 1e-12
    as_bad = sum(worst(draw.permutation(group)) <= limit for _ in range(DEALS))
    return (1 + as_bad) / (1 + DEALS)


def _parts(field: NDArray[Any]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Cut series by a field: name, kind and which series, for each part that has any."""
    known = ~np.isnat(field) if field.dtype.kind == "M" else is_known(field)
    given = field[known]
    if given.dtype.kind == "O":
        numbers = not any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in given.tolist())
        given = given.astype(np.float64) if numbers and len(given) else given.astype(str)
    names, codes, counts = np.unique(given, return_inverse=True, return_counts=True)
    if len(names) > MOST_GROUPS and given.dtype.kind in "iufM":
        parts = _quartiles(given)
    else:
        commonest = np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS])
        parts = [(_word(names[code]), "value", codes == code) for code in commonest.tolist()]
        parts.append(("other", "other", ~np.isin(codes, commonest)))
    whole = []
    for name, kind, mine in parts:
        every = np.zeros(len(field), dtype=bool)
        every[known] = mine
        whole.append((name, kind, every))
    whole.append(("missing", "missing", ~known))
    return [part for part in whole if part[2].any()]


def _quartiles(given: NDArray[Any]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Cut numbers or dates at values that occur, a quarter of the series between two cuts as far as ties allow."""
    ordered = np.sort(given)
    cuts = np.unique(ordered[[len(given) * quarter // 4 for quarter in (1, 2, 3)]])
    higher = ordered[ordered > ordered[0]]
    cuts = cuts[cuts > ordered[0]] if cuts[-1] > ordered[0] else higher[:1]
    places = np.searchsorted(cuts, given, side="right")
    words = [_rounded(cut) for cut in cuts]
    middle = [f"{low} to below {high}" for low, high in pairwise(words)]
    names = [f"below {words[0]}", *middle, f"from {words[-1]}"]
    return [(name, "range", places == place) for place, name in enumerate(names)]


def _word(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, (float, np.floating)) else str(value)


def _rounded(value: Any) -> str:
    """Name a cut: four digits of a decimal number, all of a whole one."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.0f}" if abs(float(value)) >= 1000 else f"{value:.4g}"
    return str(value)


def balanced_accuracy(codes: Codes, decisions: Codes) -> float:
    """Give the mean recall of the classes over what is known; of several labels the mean over them.

    Parameters
    ----------
    codes, decisions
        The truth, -1 where not known, and the answers, shape (N,) or (N, labels).

    Returns
    -------
    float
        In [0, 1].

    Example
    -------
    >>> balanced_accuracy(np.array([0, 0, 0, 1, -1]), np.array([0, 0, 0, 0, 1]))
    0.5
    """
    columns = zip(codes.T, decisions.T, strict=True) if codes.ndim == 2 else [(codes, decisions)]
    found = [
        balanced_accuracy_score(truth[truth != UNKNOWN], said[truth != UNKNOWN])
        for truth, said in columns
        if len(np.unique(truth[truth != UNKNOWN])) > 1
    ]
    return float(np.mean(found)) if found else float("nan")
