"""Verdict: how good a model is, and whether it is shown to be better than guessing, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def verdict(metrics: Mapping[str, Any], unit: str | None = None) -> str:
    """Summarise in plain words how good the model is.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``.
    unit
        The noun for what is predicted, in the plural; None takes steps or series, according to the scores.

    Returns
    -------
    str
        Two sentences: the share of correct predictions, and whether it is shown to exceed that of the baseline, which
        predicts the most frequent class: if the whole 95 % interval of the accuracy, or else of the balanced accuracy,
        lies above. For multi-label, the share of correct single labels, and the balanced accuracy.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75, "intervals": {"accuracy": [0.3, 0.95]}}
    >>> verdict({"test": test, "baseline": {"accuracy": 0.5}})
    '3 of 4 series were classified correctly (75.0 %). The model is not shown to be better than guessing: always
    predicting the most frequent class would be correct for 50.0 %, which lies within its 95 % interval.'
    """
    first, (_, second) = _parts(metrics, unit or _unit_of(metrics["test"]))
    return f"{first} {second}"


def verdict_answers(metrics: Mapping[str, Any], unit: str | None = None) -> dict[str, Any]:
    """Describe in plain words whether the model is better than guessing, how sure that is, and where it fails.

    Parameters
    ----------
    metrics, unit
        As for ``verdict``.

    Returns
    -------
    dict[str, Any]
        ``headline_sentence``, and ``answers``: for each question its ``question``, a short ``answer``, a ``sentence``,
        and ``tone``: ``"good"``, ``"bad"`` or ``"open"``.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75, "intervals": {"accuracy": [0.3, 0.95]}}
    >>> test["confusion"] = {"labels": ["ok", "worn"], "counts": [[2, 0], [1, 1]]}
    >>> for one in verdict_answers({"test": test, "baseline": {"accuracy": 0.5}})["answers"]:
    ...     print(one["answer"])
    Not shown
    30.0 % to 95.0 %
    1 of 4 series
    """
    test = metrics["test"]
    unit = unit or _unit_of(test)
    first, (standing, second) = _parts(metrics, unit)
    tones = {YES: "good", NOT_SHOWN: "open", NO: "bad"}
    better = {
        "question": "Is it better than guessing?",
        "answer": standing,
        "sentence": _reason(second),
        "tone": tones[standing],
    }
    return {"headline_sentence": first, "answers": [better, _certainty(test, unit), _failures(metrics, unit)]}


YES, NOT_SHOWN, NO = "Yes", "Not shown", "No"
WIDE = 0.2
"""An interval of the accuracy that is wider says little."""
CERTAIN_GROUP = 0.05
"""A group stands out if its score would be as low by chance in fewer cases."""


def _unit_of(test: Mapping[str, Any]) -> str:
    return "steps" if test.get("level") == "step" else "series"


def _parts(metrics: Mapping[str, Any], unit: str) -> tuple[str, tuple[str, str]]:
    """Return the sentence on correct predictions, and the comparison with guessing: an answer and a sentence."""
    test, baseline = metrics["test"], metrics["baseline"]
    if "hamming_loss" in test:
        correct, constant = 1 - test["hamming_loss"], 1 - baseline["hamming_loss"]
        return _correct_labels(test, correct, unit), _comparison(test, baseline, correct, constant, None)
    correct, constant = test["accuracy"], baseline["accuracy"]
    number, n = round(correct * test["n"]), test["n"]
    first = f"{number:,} of {n:,} {unit} were classified correctly ({_percent(correct)})."
    first = f"All {n:,} {unit} were classified correctly." if number == n > 1 else first
    interval = (test.get("intervals") or {}).get("accuracy")
    return first, _comparison(test, baseline, correct, constant, interval)


def _reason(sentence: str) -> str:
    """Return what follows the statement whether the model is better than guessing."""
    statement, _, reason = sentence.partition(": ")
    return f"{reason[:1].upper()}{reason[1:]}" if statement.startswith("The model is") else sentence


def _certainty(test: Mapping[str, Any], unit: str) -> dict[str, str]:
    """Describe the 95 % interval of the share of correct predictions."""
    question = "How sure is that?"
    ends, n = (test.get("intervals") or {}).get("accuracy"), test["n"]
    if ends is None:
        sentence = f"{n:,} {unit} were tested, which give no interval."
        return {"question": question, "answer": "Unknown", "sentence": sentence, "tone": "open"}
    share = "with all labels correct" if "hamming_loss" in test else "predicted correctly"
    more = "; more test series would narrow it" if ends[1] - ends[0] > WIDE / 2 else ""
    sentence = (
        f"The 95 % interval for the share of new {unit} {share}, from {n:,} {unit} that were not used in "
        f"training{more}."
    )
    tone = "open" if ends[1] - ends[0] > WIDE else "good"
    answer = f"{_percent(ends[0])} to {_percent(ends[1])}"
    return {"question": question, "answer": answer, "sentence": sentence, "tone": tone}


def _failures(metrics: Mapping[str, Any], unit: str) -> dict[str, str]:
    """Describe the most frequent mistake, the class that is recognised least, and groups that stand out."""
    test = metrics["test"]
    sentences = [*_worst_labels(test), *_weak_groups(metrics.get("groups") or {})]
    n = test["n"]
    if "hamming_loss" in test:
        wrong, what = test["hamming_loss"], "of the single labels"
        answer = f"{_percent(wrong)} {what}" if wrong else "No mistake"
    else:
        number = round((1 - test["accuracy"]) * n)
        wrong, answer = number / n, f"{number:,} of {n:,} {unit}" if number else "No mistake"
    if not wrong and not sentences:
        sentences = [f"None of these {n:,} {unit} is predicted wrongly; others may be."]
    tone = "good" if not wrong else "open"
    return {"question": "Where does it fail?", "answer": answer, "sentence": " ".join(sentences), "tone": tone}


def _worst_labels(test: Mapping[str, Any]) -> list[str]:
    labels, counts = test["confusion"]["labels"], test["confusion"]["counts"]
    if "hamming_loss" in test:
        missed = [(fn / (fn + tp), fn, fn + tp, name) for name, (_, (fn, tp)) in zip(labels, counts, strict=True) if fn]
        if not missed:
            return []
        _, fn, present, name = max(missed)
        return [f"{name!r} is missed most often: {fn:,} of {present:,}."]
    pairs = [
        (count, true, predicted)
        for true, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    if not pairs:
        return []
    count, true, predicted = max(pairs, key=lambda one: one[0])
    found = [
        f"The most frequent mistake: {labels[true]!r} is taken for {labels[predicted]!r} ({count:,} of "
        f"{sum(counts[true]):,})."
    ]
    recalls = [(row[place] / sum(row), place) for place, row in enumerate(counts) if sum(row)]
    _, least = min(recalls)
    if len(labels) > 2 or least != true:
        found.append(f"{labels[least]!r} is recognised least: {counts[least][least]:,} of {sum(counts[least]):,}.")
    return found


def _weak_groups(groups: Mapping[str, Any]) -> list[str]:
    found = []
    for field, scored in groups.items():
        if stands_out(scored):
            worst = scored["groups"][scored["worst"]]
            found.append(
                f"It is weaker for {field} = {worst['value']}: balanced accuracy {worst['balanced_accuracy']:.3f}."
            )
    return found


def stands_out(scored: Mapping[str, Any]) -> bool:
    """Whether the lowest score among the groups of a metadata field is lower than chance explains."""
    if scored["worst"] is None or scored["chance"] >= CERTAIN_GROUP:
        return False
    return bool(scored["groups"][scored["worst"]]["balanced_accuracy"] < 1)


def _correct_labels(test: Mapping[str, Any], correct: float, unit: str) -> str:
    labels = len(test["per_class"])
    subset = test["accuracy"]  # None if all labels are known for none of the examples
    of_all = "" if labels < 2 or subset is None else f"; all labels are correct for {_percent(subset)} of the {unit}"
    return f"Of the single labels, {_percent(correct)} are correct{of_all}."


def _comparison(
    test: Mapping[str, Any],
    baseline: Mapping[str, Any],
    correct: float,
    constant: float,
    interval: Sequence[float] | None,
) -> tuple[str, str]:
    """Return whether the model is shown to be better than a constant prediction, as an answer and a sentence."""
    what = "value of each label" if "hamming_loss" in test else "class"
    rule = f"always predicting the most frequent {what} would be correct for {_percent(constant)}"
    if interval is not None and interval[0] > constant:
        return YES, (
            f"The model is shown to be better than guessing: its accuracy is at least {_percent(interval[0])} "
            f"(95 % interval), and {rule}."
        )
    balanced, chance = test.get("balanced_accuracy"), baseline.get("balanced_accuracy")
    ends = (test.get("intervals") or {}).get("balanced_accuracy")
    if ends is not None and chance is not None and ends[0] > chance:
        reached = f"its balanced accuracy is at least {ends[0]:.3f} (95 % interval) compared with {chance:.3f}"
        if correct > constant:
            return YES, f"The model is shown to be better than guessing: {reached}, and {rule}."
        return YES, (
            f"{rule[0].upper()}{rule[1:]}; but if every class counts equally, the model is shown to be better than "
            f"guessing: {reached}."
        )
    if correct > constant:
        if interval is None:
            return NOT_SHOWN, f"The model is not shown to be better than guessing: {rule}."
        return (
            NOT_SHOWN,
            f"The model is not shown to be better than guessing: {rule}, which lies within its 95 % interval.",
        )
    if balanced is None or chance is None or balanced <= chance:
        return NO, f"The model is no better than guessing: {rule}."
    return NOT_SHOWN, (
        f"The model is not shown to be better than guessing: {rule}; if every class counts equally, it is better, but "
        f"not beyond chance: a balanced accuracy of {balanced:.3f} compared with {chance:.3f}."
    )


def _percent(share: float) -> str:
    rounded = f"{100 * share:.1f} %"
    return "more than 99.9 %" if rounded == "100.0 %" and share < 1 else rounded
