"""Event scores: precision and recall of matched events, and their onset delay."""

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
UNDEFINED = {
    "precision": ("precision", "no predicted event"),
    "recall": ("recall", "no true event"),
    "f1": ("F1", "neither true nor predicted events"),
    "onset_delay": ("onset delay", "no matched event"),
}
"""The title of each score that may be undefined, and the reason if it is."""


class _Counts(NamedTuple):
    true: int
    predicted: int
    matched: int
    touched_true: int  # true events that overlap a predicted one
    touched_predicted: int
    delay: int  # summed over the matched events, in steps
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
    """Score predicted events against true events of the same label in the same series.

    A predicted and a true event match if their intersection over union (IoU), in steps, is at least ``overlap``. Each
    event is matched at most once; the matching has the most pairs and, among those, the highest sum of IoUs. Steps with
    an unknown label are removed first: a predicted event that consists of them is not scored, and two predicted events
    separated only by them count as one.

    Parameters
    ----------
    predicted, true
        As returned by ``find_events`` and ``true_events``. Events of one label must not overlap each other.
    task
        The classes or labels.
    lengths
        The number of steps of each series, shape (n,).
    codes
        True codes of all steps, as for ``true_events``, which mark the unknown steps; None if no step is unknown.
    overlap
        Lowest IoU that counts as a match, in (0, 1].
    background
        As for ``EventRule``.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON, never NaN; an undefined score is None:

        - ``overlap``; ``unscored``, the number of predicted events that consist of unknown steps;
        - ``per_label``: by name ``true``, ``predicted`` and ``matched`` (numbers of events), ``precision`` (matched
          share of the predicted events), ``recall`` (matched share of the true events), ``f1`` (twice the matches over
          the sum of true and predicted events), ``any_precision`` and ``any_recall`` (shares of predicted and of true
          events with any overlap), and ``onset_delay`` (mean first step of predicted minus true events over the
          matches, in known steps; negative if early);
        - ``micro``: the same over the pooled events of all labels;
        - ``macro``: the mean of each of the six scores over the labels for which it is defined;
        - ``undefined``: for each score that is undefined for some label, one sentence with the reason; that for
          ``precision`` and ``recall`` also applies to ``any_precision`` and ``any_recall``.

    Raises
    ------
    ParameterError
        If ``overlap`` is out of range, or ``background`` does not match the task.
    DataError
        If events lie outside the series, have labels without events, or overlap, or the shapes do not match.

    Source
    ------
    Event scores in addition to step scores: Ward, Lukowicz and Gellersen, Performance metrics for activity recognition,
    2011; Mesaros, Heittola and Virtanen, Metrics for polyphonic sound event detection, 2016. Intersection over union:
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
            f"expected an overlap above 0 and at most 1, got {overlap!r}; use for example 0.5 (any overlap at all is "
            "scored anyway)"
        )
    labels, steps = event_labels(task, background), np.asarray(lengths, dtype=np.int64)
    truth = None if codes is None else checked_step_codes(task, codes, steps)[0]
    for events in (predicted, true):
        _check_events(events, task, labels, steps)
    counts_by_name = {}
    for label in labels:
        column = None if truth is None else truth[:, label] if task.multilabel else truth
        known = np.ones(int(steps.sum()), dtype=bool) if column is None else column != UNKNOWN
        known_before = np.append(0, np.cumsum(known))
        predicted_known, true_known = (
            _known_events(events, label, task, steps, known_before) for events in (predicted, true)
        )
        counts_by_name[str(task.classes[label])] = _count(predicted_known, true_known, overlap)
    total = _Counts(*(sum(counts) for counts in zip(*counts_by_name.values(), strict=True)))
    per_label = {name: _scores(counts) for name, counts in counts_by_name.items()}
    return {
        "overlap": float(overlap),
        "unscored": total.unscored,
        "micro": _scores(total),
        "macro": {name: _mean(scores[name] for scores in per_label.values()) for name in EVENT_SCORES},
        "per_label": per_label,
        "undefined": _why_undefined(per_label),
    }


def event_lines(scores: Mapping[str, Any]) -> list[str]:
    """Format event scores as tables for a terminal.

    Parameters
    ----------
    scores
        As returned by ``score_events``.

    Returns
    -------
    list[str]
        Lines without line breaks: micro average, macro average, any overlap, each label, reasons for undefined scores.

    Example
    -------
    >>> from limelight.evaluation.events.detection import true_events
    >>> task = Task(("rest", "run"), level="step")
    >>> true, predicted = (true_events(task, codes, [6]) for codes in ([0, 1, 1, 1, 0, 1], [0, 0, 1, 1, 0, 0]))
    >>> print("\\n".join(event_lines(score_events(predicted, true, task, [6]))))
    events       precision  recall     F1
    IoU >= 0.5       1.000   0.500  0.667
    any overlap      1.000   0.500
    <BLANKLINE>
    label  true  predicted  matched  precision  recall     F1  onset delay
    run       2          1        1      1.000   0.500  0.667         +1.0
    """
    micro, macro, per_label = scores["micro"], scores["macro"], scores["per_label"]
    matching = f"IoU >= {scores['overlap']:g}"
    rows = [["events", "precision", "recall", "F1"], [matching, *_numbers(micro)]]
    rows += [[f"{matching}, macro average", *_numbers(macro)]] if len(per_label) > 1 else []
    rows += [["any overlap", _number(micro["any_precision"]), _number(micro["any_recall"]), ""]]
    header = ["label", "true", "predicted", "matched", "precision", "recall", "F1", "onset delay"]
    label_rows = [
        [label, *(str(one[name]) for name in header[1:4]), *_numbers(one), _number(one["onset_delay"], "+.1f")]
        for label, one in per_label.items()
    ]
    lines = [*aligned(rows), "", *aligned([header, *label_rows])]
    lines += [f"({sentence})" for sentence in scores["undefined"].values()]
    if scores["unscored"]:
        lines.append(f"({counted(scores['unscored'], 'predicted event')} not scored: no step has a known label)")
    return lines


class _Side(NamedTuple):
    """The sorted, disjoint events of one label, indexed among the known steps of all series."""

    start: Integers
    stop: Integers
    unscored: int


def _check_events(events: Events, task: Task, labels: list[int], lengths: Integers) -> None:
    """Reject events outside the series or of labels without events."""
    rows = events.series
    outside = (rows < 0) | (rows >= len(lengths))
    if not outside.any():
        outside = events.stop > lengths[rows]
    if outside.any():
        raise DataError(
            f"expected events inside the {len(lengths)} series, got event {listing(np.flatnonzero(outside).tolist())} "
            "outside; pass the lengths of the series that the events were found in"
        )
    foreign = np.setdiff1d(events.label, labels).tolist()
    if foreign:
        names = [task.classes[label] if 0 <= label < len(task.classes) else label for label in foreign]
        raise DataError(
            f"expected events of {listing(task.classes[label] for label in labels)}, got some of {listing(names)}; "
            "find the events with the same task and background"
        )


def _known_events(events: Events, label: int, task: Task, lengths: Integers, known_before: Integers) -> _Side:
    """Select the events of one label, without unknown steps; ``known_before`` is a cumulative count of known steps."""
    chosen = np.flatnonzero(events.label == label)
    order = chosen[np.lexsort((events.start[chosen], events.series[chosen]))]
    series = events.series[order]
    shift = (np.cumsum(lengths) - lengths)[series]
    first, last = events.start[order] + shift, events.stop[order] + shift
    if (first[1:] < last[:-1]).any():
        raise DataError(
            f"expected events of {task.classes[label]!r} that do not overlap each other, got overlapping ones in one "
            "series; join them"
        )
    start, stop = known_before[first], known_before[last]
    known = stop > start
    first, last, start, stop, series = (one[known] for one in (first, last, start, stop, series))
    apart = (start[1:] > stop[:-1]) | (first[1:] == last[:-1]) | (series[1:] != series[:-1])
    begins = np.append(True, apart)[: len(start)]
    return _Side(start[begins], stop[np.append(apart, True)[: len(stop)]], int((~known).sum()))


def _count(predicted: _Side, true: _Side, overlap: float) -> _Counts:
    """Match overlapping events and count the matches."""
    low = np.searchsorted(predicted.stop, true.start, side="right")
    counts = np.searchsorted(predicted.start, true.stop, side="left") - low
    left = np.repeat(np.arange(len(true.start)), counts)  # true event of each overlapping pair
    right = np.arange(len(left)) + np.repeat(low - (np.cumsum(counts) - counts), counts)  # its predicted event
    intersection = np.minimum(true.stop[left], predicted.stop[right])
    intersection = intersection - np.maximum(true.start[left], predicted.start[right])
    union = (true.stop - true.start)[left] + (predicted.stop - predicted.start)[right] - intersection
    iou = intersection / union
    enough = np.flatnonzero(iou >= overlap)
    matched = enough[_best_pairs(left[enough], right[enough], iou[enough])]
    return _Counts(
        true=len(true.start),
        predicted=len(predicted.start),
        matched=len(matched),
        touched_true=int((counts > 0).sum()),
        touched_predicted=len(np.unique(right)),
        delay=int((predicted.start[right[matched]] - true.start[left[matched]]).sum()),
        unscored=predicted.unscored,
    )


def _best_pairs(left: Integers, right: Integers, iou: NDArray[np.float64]) -> Integers:
    """Choose the most pairs in which no event occurs twice and, among such choices, the one with the highest IoU sum.

    Events of one side do not overlap, so both indices are non-decreasing and pairs that share an event are adjacent.
    The choice is therefore weighted interval scheduling, solved exactly by dynamic programming; of equally good choices
    the earlier pair is kept. Pairs whose events occur only once are chosen without it.
    """
    unique = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1)
    rest = np.flatnonzero(~unique)
    left, right = left[rest], right[rest]
    previous = np.minimum(np.searchsorted(left, left), np.searchsorted(right, right)).tolist()
    best = [(0, 0.0)]  # number of pairs and sum of IoUs after the first pairs
    for before, weight in zip(previous, iou[rest].tolist(), strict=True):
        best.append(max(best[-1], (best[before][0] + 1, best[before][1] + weight)))
    chosen, end = [], len(rest)
    while end:
        if best[end] == best[end - 1]:
            end -= 1
        else:
            chosen.append(end - 1)
            end = previous[end - 1]
    return np.sort(np.append(np.flatnonzero(unique), rest[chosen[::-1]]))


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
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _why_undefined(per_label: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Explain for each score for which labels it is undefined, and why."""
    sentences = {}
    for score, (title, reason) in UNDEFINED.items():
        labels = [name for name, scores in per_label.items() if scores[score] is None]
        if labels:
            average = "" if len(labels) == len(per_label) else "; the macro average is over the other labels"
            sentences[score] = f"{title} is undefined for events of {listing(labels)}: {reason}{average}"
    return sentences


def _numbers(scores: Mapping[str, Any]) -> list[str]:
    return [_number(scores[name]) for name in ("precision", "recall", "f1")]


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
