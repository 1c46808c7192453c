"""Scores of a model on labelled series: the main part of ``metrics.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.evaluation.decision.alarm_thresholds import alarm_rate_of, with_chosen_length
from limelight.evaluation.decision.rule import score_decision
from limelight.evaluation.events.detection import Events, find_events, true_events
from limelight.evaluation.events.false_alarms import score_alarms
from limelight.evaluation.events.rule import EventRule, event_labels
from limelight.evaluation.events.scores import score_events
from limelight.evaluation.metrics.bootstrap import intervals
from limelight.evaluation.metrics.grouped import score_groups
from limelight.evaluation.metrics.scoring import score, score_constant
from limelight.explanation.quality.localisation import localise, summarise_localisation
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of


def localise_attention(model: FittedModel, panel: Panel) -> dict[str, Any] | None:
    """Score the attention inside annotated intervals, block by block; None if no series has one."""
    if panel.intervals is None or not model.has_attention:
        return None
    known = panel[panel.intervals[:, 0] >= 0]
    blocks, start = [], 0
    for prediction in model.predict_blocks(known, attention=True):
        rows = slice(start, start + len(prediction.ids))
        blocks.append(localise(prediction, known[rows]))
        start = rows.stop
    return summarise_localisation(blocks)


def score_predictions(
    model: FittedModel, prediction: Prediction, panel: Panel, rule: EventRule | None = None
) -> dict[str, Any]:
    """Score a prediction next to a baseline that predicts the class frequencies; the main part of ``metrics.json``."""
    task, codes = model.task, targets_of(model.task, panel).every()
    probabilities, thresholds, lengths = prediction.probabilities, prediction.thresholds, prediction.lengths
    scores = score(task, codes, probabilities, thresholds=thresholds)
    scores["intervals"] = intervals(task, codes, probabilities, lengths, thresholds=thresholds)
    return {
        "test": scores,
        "baseline": score_constant(task, _shares_of_training(model), codes),
        "groups": _score_fields(model, prediction, panel, codes),
        "decision": score_decision(model, prediction, panel),
        "events": None if rule is None else score_events_of(model, prediction, panel, codes, rule),
        "localisation": localise_attention(model, panel),
        "task": task.describe("series" if panel.origin is None else "window"),
    }


def _shares_of_training(model: FittedModel) -> NDArray[np.float64]:
    """Return the share of each class or label in training; uniform for a model that was not trained here."""
    info, classes = model.fitted_on, len(model.task.classes)
    if "class_counts" in info:  # model folders of an earlier version
        counts = np.array(info["class_counts"], dtype=np.float64)
        shares: NDArray[np.float64] = counts / counts.sum()
        return shares
    return np.array(info.get("shares", np.full(classes, 0.5 if model.task.multilabel else 1 / classes)))


def _score_fields(model: FittedModel, prediction: Prediction, panel: Panel, codes: NDArray[np.int64]) -> dict[str, Any]:
    """Score the series by each value of each metadata field: does the model fail on one machine?"""
    if panel.metadata is None:
        return {}
    scored = {}
    for name in panel.metadata.column_names:
        values = np.array(panel.metadata[name].to_pylist(), dtype=object)
        scored[name] = score_groups(
            model.task,
            codes,
            prediction.probabilities,
            values,
            prediction.lengths,
            thresholds=prediction.thresholds,
        )
    return scored


def events_of(model: FittedModel, prediction: Prediction, panel: Panel, rule: EventRule) -> Events:
    """Find the events in per-step predictions, with the minimum length chosen with the thresholds of the model."""
    assert prediction.lengths is not None
    rule = with_chosen_length(rule, model.decision.provenance)
    return find_events(
        prediction.task,
        prediction.probabilities,
        prediction.lengths,
        rule,
        prediction.thresholds,
        panel.compact().times,
        panel.units.get("time", "s"),
    )


def score_events_of(
    model: FittedModel, prediction: Prediction, panel: Panel, codes: NDArray[np.int64], rule: EventRule
) -> dict[str, Any] | None:
    """Score the events in per-step predictions; None for labels of whole series."""
    task, lengths = prediction.task, prediction.lengths
    if lengths is None or not event_labels(task, rule.background):
        return None
    found, true = events_of(model, prediction, panel, rule), true_events(task, codes, lengths, rule.background)
    provenance = model.decision.provenance
    alarms = score_alarms(
        found,
        true,
        task,
        lengths,
        codes,
        with_chosen_length(rule, provenance),
        panel.compact().times,
        panel.units.get("time", "s"),
        alarm_rate_of(provenance),
    )
    return {**score_events(found, true, task, lengths, codes, background=rule.background), "alarms": alarms}
