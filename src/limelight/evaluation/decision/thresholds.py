"""Decision thresholds of binary and multi-label tasks, chosen on held-out data by a given rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import ModelFolderError, ParameterError, counted
from limelight.evaluation.events.alarm_rate import read_alarm_rate
from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities, one_vs_rest
from limelight.task import Task
from limelight.text import aligned
from limelight.types import Doubles

Rule = str | Mapping[str, Any]
HALF = 0.5
ABOVE_ONE = float(np.nextafter(1.0, 2.0))
"""A threshold that no probability reaches."""
FEWEST, FEW = 5, 10
"""With fewer positive or negative examples, no threshold is chosen, or it is reported as imprecise."""
MOST_LABELS = 40
"""The most rows of the printed table."""
RULE_NAMES = ("none", "f1")
LEAST = ("precision", "recall")
GOALS_OF_RULES = (*LEAST, "cost", "false_alarms")
ERRORS = {"false_positive", "false_negative"}
THRESHOLD_SCORES = {"precision": "precision", "recall": "recall", "f1": "F1", "cost": "cost"}


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The lowest probability at which the positive class, or each label, is predicted, and the scores that result.

    Parameters
    ----------
    values
        In [0, 1], or slightly above 1 if it is best never to predict the label; shape (1,) for the positive class if
        binary, (labels,) if multi-label. None if multi-class, where the most probable class is predicted.
    rule
        How the thresholds were chosen: ``"none"``, ``"f1"``, ``{"precision": p}``, ``{"recall": r}`` or
        ``{"cost": [[tn, fp], [fn, tp]]}``, or ``{"false_alarms": rate}``.
    notes
        Targets that were not reached and imprecise thresholds, one sentence each.
    table
        For each threshold ``label``, ``known`` (number of examples), ``positives`` (number of positive examples),
        ``threshold``, and the scores on these examples at 0.5 and at the threshold, under ``half`` and ``chosen``:
        ``precision``, ``recall``, ``f1``, ``answered`` (number of positive predictions), and ``cost`` (mean per
        example) if the rule has costs.

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
        """Describe the thresholds in lines of plain text: the rule, the scores of each label, the notes."""
        if self.values is None:
            return ["no thresholds: the most probable class is predicted"]
        title = f"thresholds for {_describe_rule(self.rule)}, chosen on held-out series; at 0.5 -> at the threshold"
        names = [name for name in THRESHOLD_SCORES if self.table and name in self.table[0]["half"]]
        rows = [["label", "threshold", *(THRESHOLD_SCORES[name] for name in names), "predicted", "positive", "known"]]
        for row in self.table[:MOST_LABELS]:
            before, after = row["half"], row["chosen"]
            changes = [f"{before[name]:.3f} -> {after[name]:.3f}" for name in names]
            predicted = f"{before['answered']:,} -> {after['answered']:,}"
            counts = [predicted, f"{row['positives']:,}", f"{row['known']:,}"]
            rows.append([row["label"], f"{row['threshold']:.4g}", *changes, *counts])
        return [title, *aligned(rows, len(self.table) - MOST_LABELS), *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Convert the thresholds to plain values for JSON."""
        return {
            "values": None if self.values is None else self.values.tolist(),
            "rule": self.rule if isinstance(self.rule, str) else dict(self.rule),
            "notes": list(self.notes),
            "table": list(self.table),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Thresholds:
        """Restore thresholds from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            numbers = content["values"]
            values = None if numbers is None else np.array(numbers, dtype=np.float64)
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
    """Choose the threshold of the positive class, or of each label, on held-out data.

    A threshold lies halfway between two neighbouring probabilities of the data, so that a little noise changes no
    prediction. Of equally good thresholds the one nearest to 0.5 is chosen, or the higher of two equally near ones. A
    label that is always or never true, or has too few examples, keeps a threshold of 0.5.

    Parameters
    ----------
    task
        The classes of a binary task, or the labels.
    probabilities
        Shape (N, 2) if binary, (N, labels) if multi-label, in [0, 1].
    codes
        The true codes, -1 if unknown (ignored), shape (N,) or (N, labels).
    rule
        - ``"f1"``: the best F1;
        - ``{"precision": p}``: the best recall at a precision of at least p, in (0, 1];
        - ``{"recall": r}``: the best precision at a recall of at least r, in (0, 1];
        - ``{"cost": {"false_positive": a, "false_negative": b}}``, or ``{"cost": [[tn, fp], [fn, tp]]}`` in the
          layout of scikit-learn's confusion matrix: the lowest total cost;
        - ``"none"``: 0.5 for all.
    fewest
        A label with fewer positive or fewer negative examples keeps a threshold of 0.5; at least 1.

    Returns
    -------
    Thresholds
        With a note if the precision cannot be reached (the highest one is chosen instead), if a label keeps 0.5, or
        if there are fewer than 10 positive or negative examples of a label.

    Raises
    ------
    ParameterError
        If the rule is unknown, or is not ``"none"`` for more than two classes.
    DataError, LabelError
        If the arrays do not match the task.

    Source
    ------
    Counts at every threshold are from ``sklearn.metrics.confusion_matrix_at_thresholds``. The scores in the table are
    those on the data that the thresholds were chosen on, so they are slightly optimistic. Elkan, The Foundations of
    Cost-Sensitive Learning, 2001.

    Example
    -------
    >>> task = Task(("fault", "ok"), positive="fault")
    >>> fault = np.array([0.1, 0.2, 0.3, 0.4])
    >>> chosen = choose_thresholds(task, np.stack([fault, 1 - fault], axis=1), [1, 1, 0, 0], "f1", fewest=2)
    >>> chosen.values.tolist(), chosen.table[0]["half"]["f1"], chosen.table[0]["chosen"]["f1"]
    ([0.25], 0.0, 1.0)
    """
    normal, goal = checked_rule(rule)
    if isinstance(normal, Mapping) and "false_alarms" in normal:
        raise ParameterError(
            "expected series with their steps to limit false alarms, got single examples; use choose_alarm_thresholds"
        )
    predicted = checked_probabilities(task, probabilities)
    true_codes = checked_codes(task, codes, len(predicted))
    require_thresholds(task, normal)
    if task.kind == "multiclass":
        return Thresholds(None, normal)
    indices = range(len(task.classes)) if task.multilabel else [task.positive_index]
    notes: list[str] = []
    table = []
    for index in indices:
        truth, probability = one_vs_rest(task, index, predicted, true_codes)
        row, notes_of_label = _choose_one(str(task.classes[index]), truth, probability, normal, goal, fewest)
        table.append(row)
        notes += notes_of_label
    return Thresholds(np.array([row["threshold"] for row in table]), normal, tuple(notes), tuple(table))


def require_thresholds(task: Task, rule: Rule) -> None:
    """Require a binary or multi-label task, or no threshold rule; ParameterError otherwise."""
    normal, _ = checked_rule(rule)
    if task.kind == "multiclass" and normal != "none":
        raise ParameterError(
            f"expected no threshold rule for {len(task.classes)} classes, got {_describe_rule(normal)}; remove it, "
            "as the most probable class is predicted, or make each class a label of its own"
        )


def checked_rule(rule: Rule) -> tuple[Rule, Any]:
    """Check a threshold rule; return it in its normal form, with the number or cost matrix in it."""
    if isinstance(rule, str) and rule in RULE_NAMES:
        return rule, None
    if not isinstance(rule, Mapping) or len(rule) != 1 or (name := next(iter(rule))) not in GOALS_OF_RULES:
        raise ParameterError(
            f"expected a threshold rule, got {rule!r}; use 'f1', 'none', {{'precision': 0.9}}, "
            "{'recall': 0.9}, {'cost': {'false_positive': 1, 'false_negative': 5}} or {'false_alarms': '1/hour'}"
        )
    value = rule[name]
    if name == "false_alarms":
        return {name: value}, checked_alarm_goal(value)
    if name == "cost":
        matrix = _checked_cost(value)
        return {name: matrix.tolist()}, matrix
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ParameterError(f"expected a {name} above 0 and at most 1, got {value!r}; use for example 0.9")
    return {name: float(value)}, float(value)


def checked_alarm_goal(value: Any) -> tuple[str, float | None]:
    """Return rate and confidence of a limit of false alarms; ParameterError if it is not valid.

    Example
    -------
    >>> checked_alarm_goal("1/hour"), checked_alarm_goal({"rate": "2/day", "confidence": 0.9})
    (('1/hour', None), ('2/day', 0.9))
    """
    rate, confidence = value, None
    if isinstance(value, Mapping) and set(value) == {"rate", "confidence"}:
        rate, confidence = value["rate"], value["confidence"]
    read_alarm_rate(rate)
    if confidence is None:
        return rate, None
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ParameterError(f"expected a confidence between 0 and 1, got {confidence!r}; use for example 0.95")
    return rate, float(confidence)


def _checked_cost(cost: Any) -> Doubles:
    """Convert costs to a checked matrix [[tn, fp], [fn, tp]]."""
    if isinstance(cost, Mapping) and set(cost) == ERRORS:
        cost = [[0, cost["false_positive"]], [cost["false_negative"], 0]]
    try:
        matrix = np.array(cost, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.array(np.nan)
    if matrix.shape != (2, 2) or not np.isfinite(matrix).all():
        raise ParameterError(
            f"expected costs as {{'false_positive': a, 'false_negative': b}} or [[tn, fp], [fn, tp]], got {cost!r}; "
            "pass finite numbers"
        )
    if not (matrix[0, 1] > matrix[0, 0] and matrix[1, 0] > matrix[1, 1]):
        raise ParameterError(
            f"expected an error to cost more than a correct prediction, got [[tn, fp], [fn, tp]] = {matrix.tolist()}; "
            "raise the cost of the false positive or of the false negative"
        )
    return matrix


def _describe_rule(rule: Rule) -> str:
    if isinstance(rule, str):
        return {"f1": "the best F1", "none": "no rule, 0.5 for all"}[rule]
    name, value = next(iter(rule.items()))
    if name == "cost":
        return f"the lowest cost [[tn, fp], [fn, tp]] = {value}"
    if name == "false_alarms":
        return describe_alarm_goal(value)
    return f"a {name} of at least {value:g}"


def describe_alarm_goal(value: Any) -> str:
    """Describe a limit of false alarms in words.

    Example
    -------
    >>> describe_alarm_goal({"rate": "1/hour", "confidence": 0.95})
    'at most 1 false alarm an hour with a confidence of 0.95'
    """
    rate, confidence = checked_alarm_goal(value)
    ending = "" if confidence is None else f" with a confidence of {confidence:g}"
    return f"{read_alarm_rate(rate).describe()}{ending}"


def _choose_one(
    label: str, truth: NDArray[np.bool_], probability: Doubles, rule: Rule, goal: Any, fewest: int
) -> tuple[dict[str, Any], list[str]]:
    """Choose one threshold; return its row of the table, and notes on it."""
    known, positives = len(truth), int(np.count_nonzero(truth))
    threshold, notes = HALF, []
    rarer = min(positives, known - positives)
    examples = counted(rarer, "positive example" if rarer == positives else "negative example")
    if rule != "none" and not rarer:
        how_often = "never" if not positives else "always"
        notes = [
            f"the threshold of {label!r} is left at 0.5: it is {how_often} true in {counted(known, 'known example')}"
        ]
    elif rule != "none" and rarer < fewest:
        notes = [f"the threshold of {label!r} is left at 0.5: {examples}, at least {fewest} are needed"]
    elif rule != "none":
        threshold, reached = _best_cut(truth, probability, rule, goal)
        if isinstance(rule, Mapping) and "precision" in rule and reached < goal:
            notes.append(
                f"no threshold reaches a precision of {goal:g} for {label!r}; the highest is {reached:.3f}, which is "
                f"{goal - reached:.3f} lower"
            )
        predicted = int(np.count_nonzero(probability >= threshold))
        if predicted in (0, known):
            how_often = "always" if predicted else "never"
            notes.append(f"{label!r} is {how_often} predicted for the held-out series: no other threshold is better")
        if rarer < FEW:
            notes.append(f"the threshold of {label!r} is imprecise: only {examples}")
    matrix = goal if isinstance(rule, Mapping) and "cost" in rule else None
    return threshold_row(label, truth, probability, threshold, matrix), notes


def threshold_row(
    label: str, truth: NDArray[np.bool_], probability: Doubles, threshold: float, cost: Doubles | None = None
) -> dict[str, Any]:
    """Score a label at 0.5 and at a threshold: a row of ``Thresholds.table``."""
    return {
        "label": label,
        "known": len(truth),
        "positives": int(np.count_nonzero(truth)),
        "threshold": threshold,
        "half": _scores(truth, probability >= HALF, cost),
        "chosen": _scores(truth, probability >= threshold, cost),
    }


def _best_cut(truth: NDArray[np.bool_], probability: Doubles, rule: Rule, goal: Any) -> tuple[float, float]:
    """Find the best threshold by a rule, and the precision at it."""
    from sklearn.metrics import confusion_matrix_at_thresholds  # a slow import that few models need

    tn, fp, fn, tp, scores = confusion_matrix_at_thresholds(truth, probability)
    none = np.zeros(1)  # a threshold above the highest score predicts no example as positive
    tn, fp = np.concatenate([[tn[0] + fp[0]], tn]), np.concatenate([none, fp])
    fn, tp = np.concatenate([[fn[0] + tp[0]], fn]), np.concatenate([none, tp])
    cuts = _midpoints(scores)
    precision, recall = tp / np.maximum(tp + fp, 1), tp / (tp + fn)
    keys: list[Doubles]
    if rule == "f1":
        keys = [2 * tp / (2 * tp + fp + fn)]
    elif isinstance(rule, Mapping) and "cost" in rule:
        keys = [-(goal[0, 0] * tn + goal[0, 1] * fp + goal[1, 0] * fn + goal[1, 1] * tp)]
    elif isinstance(rule, Mapping) and "precision" in rule:
        keys = [np.minimum(precision, goal), tp, precision]
    else:
        keys = [np.minimum(recall, goal), precision, tp]
    best = _lexicographic_argmax(*keys, -np.abs(cuts - HALF), cuts)
    return float(cuts[best]), float(precision[best])


def _midpoints(scores: Doubles) -> Doubles:
    """Compute midpoints of 1, the falling scores and 0, each above its lower neighbour; shape (scores + 1,)."""
    top = 1.0 if scores[0] < 1 else np.nextafter(1.0, 2.0)
    upper, lower = np.concatenate([[top], scores]), np.concatenate([scores, [0.0]])
    middle = lower + (upper - lower) / 2
    cuts: Doubles = np.where(middle > lower, middle, upper)
    return cuts


def _lexicographic_argmax(*keys: Doubles) -> int:
    """Find the index of the maximum by the first key; ties are broken by the second key, and so on."""
    indices = np.arange(len(keys[0]))
    for key in keys:
        values = key[indices]
        indices = indices[values == values.max()]
    return int(indices[0])


def _scores(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], cost: Doubles | None) -> dict[str, Any]:
    """Score predictions; precision without predictions and recall without positive examples are 0."""
    known, positives, predictions = len(truth), int(truth.sum()), int(predicted.sum())
    hits = int(np.count_nonzero(truth & predicted))
    scores = {
        "precision": hits / max(predictions, 1),
        "recall": hits / max(positives, 1),
        "f1": 2 * hits / max(predictions + positives, 1),
        "answered": predictions,
    }
    if cost is not None:
        counts = np.array([[known - predictions - positives + hits, predictions - hits], [positives - hits, hits]])
        scores["cost"] = float((cost * counts).sum() / max(known, 1))
    return scores
