"""From which probability on a class or label is answered, chosen on validation data by a stated rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import ModelFolderError, ParameterError, counted
from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities, one_vs_rest
from limelight.task import Task
from limelight.text import aligned
from limelight.types import Doubles

Rule = str | Mapping[str, Any]
HALF = 0.5
FEWEST, FEW = 5, 10
"""Fewer examples of a label, or without it, choose no threshold, or make one rough."""
MOST_LABELS = 40
RULE_NAMES = ("none", "f1")
LEAST = ("precision", "recall")
ERRORS = {"false_positive", "false_negative"}
THRESHOLD_SCORES = {"precision": "precision", "recall": "recall", "f1": "F1", "cost": "cost"}


@dataclass(frozen=True, eq=False)
class Thresholds:
    """From which probability on the positive class, or each label, is answered, and what that costs.

    Parameters
    ----------
    values
        In [0, 1], or a little above 1 where never answering is best; shape (1,) for two classes, of the positive one,
        or (labels,). None for more than two classes, of which the most probable is answered.
    rule
        How they were chosen: ``"none"``, ``"f1"``, ``{"precision": p}``, ``{"recall": r}`` or
        ``{"cost": [[tn, fp], [fn, tp]]}``.
    notes
        What could not be had, and what is rough, one sentence each.
    table
        For each value ``label``, ``known`` (examples), ``positives`` (of them with the label), ``threshold``, and
        under ``half`` and ``chosen`` what answering from 0.5 and from the threshold gives on them: ``precision``,
        ``recall``, ``f1``, ``answered``, and ``cost`` (mean for each example) where the rule has one.

    Example
    -------
    >>> two = Thresholds(np.array([0.25]), "f1")
    >>> Thresholds.from_json(two.to_json()).values.tolist()
    [0.25]
    """

    values: Doubles | None
    rule: Rule
    notes: tuple[str, ...] = ()
    table: tuple[dict[str, Any], ...] = ()

    def describe(self) -> list[str]:
        """Say the thresholds in lines of plain text: the rule, what changes for each label, the notes."""
        if self.values is None:
            return ["the most probable class is answered, without thresholds"]
        lines = [f"thresholds for {_rule_in_words(self.rule)}, on series held out; from 0.5 -> from the threshold"]
        names = [name for name in THRESHOLD_SCORES if self.table and name in self.table[0]["half"]]
        rows = [["label", "threshold", *(THRESHOLD_SCORES[name] for name in names), "answered", "true", "known"]]
        for one in self.table[:MOST_LABELS]:
            before, after = one["half"], one["chosen"]
            changes = [f"{before[name]:.3f} -> {after[name]:.3f}" for name in names]
            answered = f"{before['answered']:,} -> {after['answered']:,}"
            counts = [answered, f"{one['positives']:,}", f"{one['known']:,}"]
            rows.append([one["label"], f"{one['threshold']:.4g}", *changes, *counts])
        return [*lines, *aligned(rows, len(self.table) - MOST_LABELS), *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Say the thresholds in a form that JSON can hold."""
        return {
            "values": None if self.values is None else self.values.tolist(),
            "rule": self.rule if isinstance(self.rule, str) else dict(self.rule),
            "notes": list(self.notes),
            "table": list(self.table),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Thresholds:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        try:
            given = content["values"]
            values = None if given is None else np.array(given, dtype=np.float64)
            if values is not None and (values.ndim != 1 or not np.isfinite(values).all()):
                raise ValueError("thresholds are finite numbers")
            rule, _ = checked_rule(content["rule"])
            return cls(values, rule, tuple(map(str, content["notes"])), tuple(map(dict, content["table"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected thresholds, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def choose_thresholds(
    task: Task, probabilities: ArrayLike, codes: ArrayLike, rule: Rule, *, fewest: int = FEWEST
) -> Thresholds:
    """Choose on validation data from which probability on the positive class, or each label, is answered.

    A threshold lies half-way between two neighbouring probabilities of the data, so that a little noise changes no
    answer. Of equally good ones the nearest to 0.5 is taken, and of two as near the higher. A label that never occurs,
    always does, or has too few examples keeps 0.5.

    Parameters
    ----------
    task
        What is asked: two classes or several labels.
    probabilities
        Shape (N, 2) for two classes, or (N, labels), in [0, 1].
    codes
        The truth, -1 where it is not known (left out), shape (N,) or (N, labels).
    rule
        - ``"f1"``: the best F1;
        - ``{"precision": p}``: a precision of at least p, in (0, 1], and of those the best recall;
        - ``{"recall": r}``: a recall of at least r, in (0, 1], and of those the best precision;
        - ``{"cost": {"false_positive": a, "false_negative": b}}``, or ``{"cost": [[tn, fp], [fn, tp]]}`` laid out as a
          confusion matrix of scikit-learn: the least total cost;
        - ``"none"``: 0.5 for all.
    fewest
        A label with fewer examples, or with fewer examples without it, keeps 0.5; at least 1.

    Returns
    -------
    Thresholds
        With notes where the precision cannot be reached (the best reachable is taken), a label keeps 0.5, or there
        are fewer than 10 examples with or without a label.

    Raises
    ------
    ParameterError
        If the rule is not one of these, or is not ``"none"`` for more than two classes.
    DataError, LabelError
        If the arrays do not fit the task.

    Source
    ------
    Counts at every threshold are from ``sklearn.metrics.confusion_matrix_at_thresholds``. The numbers in the table are
    of the data that the thresholds were chosen on: a little too good for other data. Elkan, The Foundations of
    Cost-Sensitive Learning, 2001.

    Example
    -------
    >>> task = Task(("fault", "ok"), positive="fault")
    >>> chances = np.array([0.1, 0.2, 0.3, 0.4])
    >>> found = choose_thresholds(task, np.stack([chances, 1 - chances], axis=1), [1, 1, 0, 0], "f1", fewest=2)
    >>> found.values.tolist(), found.table[0]["half"]["f1"], found.table[0]["chosen"]["f1"]
    ([0.25], 0.0, 1.0)
    """
    normal, aim = checked_rule(rule)
    chances = checked_probabilities(task, probabilities)
    truth = checked_codes(task, codes, len(chances))
    if task.kind == "multiclass":
        if normal != "none":
            raise ParameterError(
                f"expected no rule for thresholds of {len(task.classes)} classes, got {_rule_in_words(normal)}; the "
                "most probable class is answered: leave the rule out, or make each class a label of its own"
            )
        return Thresholds(None, normal)
    places = range(len(task.classes)) if task.multilabel else [task.positive_index]
    notes: list[str] = []
    table = []
    for place in places:
        present, chance = one_vs_rest(task, place, chances, truth)
        label = str(task.classes[place])
        row, told = _choose_one(label, present, chance, normal, aim, fewest)
        table.append(row)
        notes += told
    return Thresholds(np.array([row["threshold"] for row in table]), normal, tuple(notes), tuple(table))


def checked_rule(rule: Rule) -> tuple[Rule, Any]:
    """Give a rule as it is kept, and the number or the matrix in it."""
    if isinstance(rule, str) and rule in RULE_NAMES:
        return rule, None
    if not isinstance(rule, Mapping) or len(rule) != 1 or (name := next(iter(rule))) not in (*LEAST, "cost"):
        raise ParameterError(
            f"expected a rule for thresholds, got {rule!r}; write 'f1', 'none', {{'precision': 0.9}}, "
            "{'recall': 0.9} or {'cost': {'false_positive': 1, 'false_negative': 5}}"
        )
    value = rule[name]
    if name == "cost":
        matrix = _checked_cost(value)
        return {name: matrix.tolist()}, matrix
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ParameterError(f"expected a {name} above 0 and at most 1, got {value!r}; use for example 0.9")
    return {name: float(value)}, float(value)


def _checked_cost(cost: Any) -> Doubles:
    """Give costs as a matrix [[tn, fp], [fn, tp]]."""
    if isinstance(cost, Mapping) and set(cost) == ERRORS:
        cost = [[0, cost["false_positive"]], [cost["false_negative"], 0]]
    try:
        matrix = np.array(cost, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.array(np.nan)
    if matrix.shape != (2, 2) or not np.isfinite(matrix).all():
        raise ParameterError(
            f"expected costs as {{'false_positive': a, 'false_negative': b}} or [[tn, fp], [fn, tp]], got {cost!r}; "
            "give finite numbers"
        )
    if not (matrix[0, 1] > matrix[0, 0] and matrix[1, 0] > matrix[1, 1]):
        raise ParameterError(
            f"expected an error to cost more than the right answer, got [[tn, fp], [fn, tp]] = {matrix.tolist()}; "
            "raise the cost of the false positive or of the false negative"
        )
    return matrix


def _rule_in_words(rule: Rule) -> str:
    if isinstance(rule, str):
        return {"f1": "the best F1", "none": "no rule, 0.5 for all"}[rule]
    name, value = next(iter(rule.items()))
    if name == "cost":
        return f"the least cost [[tn, fp], [fn, tp]] = {value}"
    return f"a {name} of at least {value:g}"


def _choose_one(
    label: str, present: NDArray[np.bool_], chance: Doubles, rule: Rule, aim: Any, fewest: int
) -> tuple[dict[str, Any], list[str]]:
    """Choose one threshold; give its row of the table, and the notes on it."""
    known, positives = len(present), int(np.count_nonzero(present))
    threshold, notes = HALF, []
    rarer = min(positives, known - positives)
    examples = f"{counted(rarer, 'example')} {'with' if rarer == positives else 'without'} it"
    if rule != "none" and not rarer:
        how_often = "never" if not positives else "always"
        notes = [f"{label!r} is {how_often} true among {counted(known, 'known answer')}; its threshold stays 0.5"]
    elif rule != "none" and rarer < fewest:
        notes = [f"the threshold of {label!r} stays 0.5: {examples}, and {fewest} are needed"]
    elif rule != "none":
        threshold, reached = _best_cut(present, chance, rule, aim)
        if isinstance(rule, Mapping) and "precision" in rule and reached < aim:
            notes.append(
                f"no threshold gives {label!r} a precision of {aim:g}; the best reachable is {reached:.3f}, "
                f"{aim - reached:.3f} less"
            )
        answered = int(np.count_nonzero(chance >= threshold))
        if answered in (0, known):
            how_often = "always" if answered else "never"
            notes.append(f"{label!r} is {how_often} answered on series held out: no threshold between does better")
        if rarer < FEW:
            notes.append(f"the threshold of {label!r} is rough: {examples}")
    matrix = aim if isinstance(rule, Mapping) and "cost" in rule else None
    row = {
        "label": label,
        "known": known,
        "positives": positives,
        "threshold": threshold,
        "half": _scores(present, chance >= HALF, matrix),
        "chosen": _scores(present, chance >= threshold, matrix),
    }
    return row, notes


def _best_cut(present: NDArray[np.bool_], chance: Doubles, rule: Rule, aim: Any) -> tuple[float, float]:
    """Find the best threshold by a rule, and the precision there."""
    from sklearn.metrics import confusion_matrix_at_thresholds  # not for those who choose no threshold

    tn, fp, fn, tp, scores = confusion_matrix_at_thresholds(present, chance)
    nobody = np.zeros(1)  # answered: what a threshold above the highest score gives
    tn, fp = np.concatenate([[tn[0] + fp[0]], tn]), np.concatenate([nobody, fp])
    fn, tp = np.concatenate([[fn[0] + tp[0]], fn]), np.concatenate([nobody, tp])
    cuts = _between(scores)
    precision, recall = tp / np.maximum(tp + fp, 1), tp / (tp + fn)
    keys: list[Doubles]
    if rule == "f1":
        keys = [2 * tp / (2 * tp + fp + fn)]
    elif isinstance(rule, Mapping) and "cost" in rule:
        keys = [-(aim[0, 0] * tn + aim[0, 1] * fp + aim[1, 0] * fn + aim[1, 1] * tp)]
    elif isinstance(rule, Mapping) and "precision" in rule:
        keys = [np.minimum(precision, aim), tp, precision]
    else:
        keys = [np.minimum(recall, aim), precision, tp]
    best = _greatest(*keys, -np.abs(cuts - HALF), cuts)
    return float(cuts[best]), float(precision[best])


def _between(scores: Doubles) -> Doubles:
    """Give the middles between 1, falling scores and 0, each above its lower neighbour; shape (scores + 1,)."""
    top = 1.0 if scores[0] < 1 else np.nextafter(1.0, 2.0)
    upper, lower = np.concatenate([[top], scores]), np.concatenate([scores, [0.0]])
    middle = lower + (upper - lower) / 2
    cuts: Doubles = np.where(middle > lower, middle, upper)
    return cuts


def _greatest(*keys: Doubles) -> int:
    """Find the place that is greatest by the first key, then by the second, and so on."""
    places = np.arange(len(keys[0]))
    for key in keys:
        here = key[places]
        places = places[here == here.max()]
    return int(places[0])


def _scores(present: NDArray[np.bool_], answered: NDArray[np.bool_], cost: Doubles | None) -> dict[str, Any]:
    """Score answers; a precision of no answers or a recall of nothing counts as 0."""
    known, positives, given = len(present), int(present.sum()), int(answered.sum())
    hits = int(np.count_nonzero(present & answered))
    scores = {
        "precision": hits / max(given, 1),
        "recall": hits / max(positives, 1),
        "f1": 2 * hits / max(given + positives, 1),
        "answered": given,
    }
    if cost is not None:
        counts = np.array([[known - given - positives + hits, given - hits], [positives - hits, hits]])
        scores["cost"] = float((cost * counts).sum() / max(known, 1))
    return scores
