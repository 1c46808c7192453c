"""Scores of events: which true events were found, which predicted ones are true, and how late they begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, ParameterError, counted, listing
from limelight.evaluation.events.detection import Events, checked_step_codes
from limelight.evaluation.events.rule import event_labels
from limelight.task import UNKNOWN, Label, Task
from limelight.text import aligned
from limelight.types import Integers

EVENT_SCORES = ("precision", "recall", "f1", "any_precision", "any_recall", "onset_delay")
WHY = {
    "precision": ("precision", "none was predicted"),
    "recall": ("recall", "there is no true one"),
    "f1": ("F1", "there is neither a true nor a predicted one"),
    "onset_delay": ("onset delay", "none was matched"),
}
"""For each score that may be undefined its title, and what is missing then."""


class _Counts(NamedTuple):
    true: int
    predicted: int
    matched: int
    touched_true: int  # true events with any step in a predicted one
    touched_predicted: int
    delay: int  # of all matched events together, in steps
    unscored: int  # predicted events without a known step


def score_events(
    predicted: Events,
    true: Events,
    task: Task,
    lengths: ArrayLike,
    codes: ArrayLike | None = None,
    *,
    overlap: float = 0.5,
    background: Label | None = None,
) -> dict[str, Any]:
    """Compare predicted events with true ones of the same label in the same series.

    A predicted and a true event match if their intersection over union, counted in steps, reaches ``overlap``. Each
    matches one at most: as many as possible are matched and, of all ways to do so, those with the highest sum of
    intersections over unions. Steps whose truth is not known are taken out first, as if they had never been there: a
    predicted event wholly inside is not scored, and two with nothing else between them count as one.

    Parameters
    ----------
    predicted, true
        From ``find_events`` and ``true_events``. Events of one label must not overlap each other.
    task
        The classes or labels.
    lengths
        How many steps belong to each series, shape (n,).
    codes
        The truth about all steps as for ``true_events``, to tell which are not known; None if all are.
    overlap
        The least intersection over union of a match, above 0, at most 1.
    background
        As for ``EventRule``.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON, never NaN; None where a score is not defined:

        - ``overlap``; ``unscored``: how many predicted events lie wholly in steps that are not known;
        - ``per_label``: by name ``true``, ``predicted`` and ``matched`` (how many events), ``precision`` (share of the
          predicted that are matched), ``recall`` (share of the true), ``f1`` (twice the matched over true and predicted
          together), ``any_precision`` and ``any_recall`` (shares with any step in an event of the other side), and
          ``onset_delay`` (mean of predicted minus true first step over the matched, in known steps; below 0 if early);
        - ``micro``: the same over the events of all labels together;
        - ``macro``: means of the six scores over the labels where they are defined;
        - ``undefined``: for each score that a label has not, one sentence with the reason; those of ``precision`` and
          ``recall`` hold for any overlap too.

    Raises
    ------
    ParameterError
        If ``overlap`` is out of range, or ``background`` does not fit the task.
    DataError
        If events are outside the series, of labels without events, or overlap, or the shapes do not fit together.

    Source
    ------
    Events beside steps: Ward, Lukowicz and Gellersen, Performance metrics for activity recognition, 2011; Mesaros,
    Heittola and Virtanen, Metrics for polyphonic sound event detection, 2016. Intersection over union as in detection:
    Everingham et al., The Pascal visual object classes challenge, 2010.

    Example
    -------
    >>> from limelight.evaluation.events.detection import true_events
    >>> task = Task(("rest", "run"), level="step")
    >>> true = true_events(task, [0, 1, 1, 1, 0, 0, 1, 0], [8])
    >>> predicted = true_events(task, [0, 0, 1, 1, 0, 0, 0, 0], [8])
    >>> scores = score_events(predicted, true, task, [8])
    >>> [scores["micro"][name] for name in ("precision", "recall", "any_recall", "onset_delay")]
    [1.0, 0.5, 0.5, 1.0]
    """
    if not 0 < overlap <= 1:
        raise ParameterError(
            f"expected an overlap above 0 and at most 1, got {overlap!r}; events that touch at all are scored besides"
        )
    places, steps = event_labels(task, background), np.asarray(lengths, dtype=np.int64)
    truth = None if codes is None else checked_step_codes(task, codes, steps)[0]
    for events in (predicted, true):
        _check_inside(events, task, places, steps)
    each = {}
    for place in places:
        column = None if truth is None else truth[:, place] if task.multilabel else truth
        known = np.ones(int(steps.sum()), dtype=bool) if column is None else column != UNKNOWN
        before = np.append(0, np.cumsum(known))
        answered, there = (_among_known(events, place, task, steps, before) for events in (predicted, true))
        each[str(task.classes[place])] = _count(answered, there, overlap)
    total = _Counts(*(sum(counts) for counts in zip(*each.values(), strict=True)))
    per_label = {name: _scores(counts) for name, counts in each.items()}
    return {
        "overlap": float(overlap),
        "unscored": total.unscored,
        "micro": _scores(total),
        "macro": {name: _mean(scores[name] for scores in per_label.values()) for name in EVENT_SCORES},
        "per_label": per_label,
        "undefined": _why_undefined(per_label),
    }


def event_lines(scores: Mapping[str, Any]) -> list[str]:
    """Lay the scores of events out for a terminal.

    Parameters
    ----------
    scores
        From ``score_events``.

    Returns
    -------
    list[str]
        Lines without line ends: all labels together, their mean, any overlap, each label, what is undefined and why.

    Example
    -------
    >>> from limelight.evaluation.events.detection import true_events
    >>> task = Task(("rest", "run"), level="step")
    >>> true, predicted = (true_events(task, codes, [6]) for codes in ([0, 1, 1, 1, 0, 1], [0, 0, 1, 1, 0, 0]))
    >>> print("\\n".join(event_lines(score_events(predicted, true, task, [6]))))
    events                         precision  recall     F1
    overlap of 0.5 or more             1.000   0.500  0.667
    any overlap                        1.000   0.500
    <BLANKLINE>
    label  true  predicted  matched  precision  recall     F1  onset delay
    run       2          1        1      1.000   0.500  0.667         +1.0
    """
    micro, macro, per_label = scores["micro"], scores["macro"], scores["per_label"]
    least = f"overlap of {scores['overlap']:g} or more"
    rows = [["events", "precision", "recall", "F1"], [least, *_numbers(micro)]]
    rows += [[f"{least}, mean of labels", *_numbers(macro)]] if len(per_label) > 1 else []
    rows += [["any overlap", _number(micro["any_precision"]), _number(micro["any_recall"]), ""]]
    header = ["label", "true", "predicted", "matched", "precision", "recall", "F1", "onset delay"]
    each = [
        [label, *(str(one[name]) for name in header[1:4]), *_numbers(one), _number(one["onset_delay"], "+.1f")]
        for label, one in per_label.items()
    ]
    lines = [*aligned(rows), "", *aligned([header, *each])]
    lines += [f"({sentence})" for sentence in scores["undefined"].values()]
    if scores["unscored"]:
        lines.append(f"({counted(scores['unscored'], 'predicted event')} not scored: no step whose truth is known)")
    return lines


class _Side(NamedTuple):
    """The events of one label, rising and apart, by their places among the known steps of all series."""

    start: Integers
    stop: Integers
    unscored: int


def _check_inside(events: Events, task: Task, places: list[int], lengths: Integers) -> None:
    """Refuse events that are not of these labels and series."""
    rows = events.series
    outside = (rows < 0) | (rows >= len(lengths))
    if not outside.any():
        outside = events.stop > lengths[rows]
    if outside.any():
        raise DataError(
            f"expected events inside the {len(lengths)} series, got event {listing(np.flatnonzero(outside).tolist())} "
            "outside; give the lengths of the series that they are of"
        )
    other = np.setdiff1d(events.label, places).tolist()
    if other:
        names = [task.classes[place] if 0 <= place < len(task.classes) else place for place in other]
        raise DataError(
            f"expected events of {listing(task.classes[place] for place in places)}, got some of {listing(names)}; "
            "find them for the same task and background"
        )


def _among_known(events: Events, place: int, task: Task, lengths: Integers, before: Integers) -> _Side:
    """Take the events of one label, without steps that are not known; ``before`` counts the known ones up to each."""
    chosen = np.flatnonzero(events.label == place)
    order = chosen[np.lexsort((events.start[chosen], events.series[chosen]))]
    series = events.series[order]
    shift = (np.cumsum(lengths) - lengths)[series]
    first, last = events.start[order] + shift, events.stop[order] + shift
    if (first[1:] < last[:-1]).any():
        raise DataError(
            f"expected events of {task.classes[place]!r} that do not overlap each other, got some that do in one "
            "series; join them"
        )
    start, stop = before[first], before[last]
    known = stop > start
    first, last, start, stop, series = (one[known] for one in (first, last, start, stop, series))
    apart = (start[1:] > stop[:-1]) | (first[1:] == last[:-1]) | (series[1:] != series[:-1])
    begins = np.append(True, apart)[: len(start)]
    return _Side(start[begins], stop[np.append(apart, True)[: len(stop)]], int((~known).sum()))


def _count(predicted: _Side, true: _Side, overlap: float) -> _Counts:
    """Pair the events that share a step, and match them."""
    low = np.searchsorted(predicted.stop, true.start, side="right")
    counts = np.searchsorted(predicted.start, true.stop, side="left") - low
    mine = np.repeat(np.arange(len(true.start)), counts)
    other = np.arange(len(mine)) + np.repeat(low - (np.cumsum(counts) - counts), counts)
    shared = np.minimum(true.stop[mine], predicted.stop[other]) - np.maximum(true.start[mine], predicted.start[other])
    both = (true.stop - true.start)[mine] + (predicted.stop - predicted.start)[other] - shared
    ratio = shared / both
    enough = np.flatnonzero(ratio >= overlap)
    matched = enough[_best_pairs(mine[enough], other[enough], ratio[enough])]
    return _Counts(
        true=len(true.start),
        predicted=len(predicted.start),
        matched=len(matched),
        touched_true=int((counts > 0).sum()),
        touched_predicted=len(np.unique(other)),
        delay=int((predicted.start[other[matched]] - true.start[mine[matched]]).sum()),
        unscored=predicted.unscored,
    )


def _best_pairs(mine: Integers, other: Integers, ratio: NDArray[np.float64]) -> Integers:
    """Choose as many pairs as possible without using an event twice, then those of the highest ratios together.

    Events of one side do not overlap, so both sides rise from pair to pair, and pairs that share an event follow each
    other. That makes it a schedule of weighted intervals, solved exactly pair by pair; an equal later choice never
    displaces an earlier one. Pairs whose events occur once need no choice.
    """
    alone = (np.bincount(mine)[mine] == 1) & (np.bincount(other)[other] == 1)
    rest = np.flatnonzero(~alone)
    left, right = mine[rest], other[rest]
    previous = np.minimum(np.searchsorted(left, left), np.searchsorted(right, right)).tolist()
    best = [(0, 0.0)]
    for place, weight in zip(previous, ratio[rest].tolist(), strict=True):
        best.append(max(best[-1], (best[place][0] + 1, best[place][1] + weight)))
    chosen, place = [], len(rest)
    while place:
        if best[place] == best[place - 1]:
            place -= 1
        else:
            chosen.append(place - 1)
            place = previous[place - 1]
    return np.sort(np.append(np.flatnonzero(alone), rest[chosen[::-1]]))


def _scores(counts: _Counts) -> dict[str, Any]:
    return {
        "true": counts.true,
        "predicted": counts.predicted,
        "matched": counts.matched,
        "precision": _share(counts.matched, counts.predicted),
        "recall": _share(counts.matched, counts.true),
        "f1": _share(2 * counts.matched, counts.true + counts.predicted),
        "any_precision": _share(counts.touched_predicted, counts.predicted),
        "any_recall": _share(counts.touched_true, counts.true),
        "onset_delay": _share(counts.delay, counts.matched),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _why_undefined(per_label: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Say for each score which labels have none, and why."""
    sentences = {}
    for score, (title, reason) in WHY.items():
        without = [name for name, scores in per_label.items() if scores[score] is None]
        if without:
            left_out = "" if len(without) == len(per_label) else "; the mean of labels is over the others"
            sentences[score] = f"no {title} for events of {listing(without)}: {reason}{left_out}"
    return sentences


def _numbers(scores: Mapping[str, Any]) -> list[str]:
    return [_number(scores[name]) for name in ("precision", "recall", "f1")]


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
