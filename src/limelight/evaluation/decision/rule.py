"""Fit the decision of a model on held-out series: temperature, thresholds and prediction sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from limelight.data.annotations import RECORDING
from limelight.data.panel import Panel
from limelight.evaluation.decision.abstention import Abstention, fit_abstention
from limelight.evaluation.decision.alarm_thresholds import (
    FALSE_ALARMS,
    choose_alarm_thresholds,
    chosen_alarm_lines,
    require_alarm_goal,
)
from limelight.evaluation.decision.calibration import (
    Temperature,
    compare_calibration,
    fit_mixing,
    fit_temperature,
    to_probabilities,
)
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.decision.held_out import HeldOut
from limelight.evaluation.decision.prediction_sets import PredictionSets, fit_prediction_sets
from limelight.evaluation.decision.thresholds import Thresholds, choose_thresholds
from limelight.evaluation.events.rule import EventRule
from limelight.model.decision import Decision, Mixing
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

TEMPERATURE_PRIOR = 5.0
"""Precision of the prior on the logarithm of the temperature, as if 5 series had shown it with a variance of 1 each.

Chosen from 0 to 20 by cross-validation on the training parts of 17 data sets; ``docs/background/decisions.md`` has
the numbers."""


def fit_decision(
    model: FittedModel,
    panel: Panel | None,
    rule: DecisionRule,
    logits: Doubles | None = None,
    group: str | None = None,
    events: EventRule | None = None,
) -> FittedModel:
    """Fit temperature, thresholds and prediction sets on held-out series.

    Parameters
    ----------
    model
        The fitted model.
    panel
        Labelled held-out series, n of them; with None, only the mixture is fitted, to the training series.
    rule
        What to fit.
    logits
        Held-out logits of these series, from models fitted without them that also fitted the scale of the logits,
        shape (n, outputs); None predicts the series with ``model``, which must not have been fitted on their labels.
    group
        The metadata field that groups these series, such as the subject; None if they are independent, or windows of
        recordings.
    events
        What makes an event, if thresholds are chosen by false alarms; None is the default rule.

    Returns
    -------
    FittedModel
        The same network with the fitted decision.

    Raises
    ------
    ParameterError
        If the rule has thresholds for more than two classes, or needs validation series and there are none.

    Source
    ------
    Thresholds and sets are fitted after the temperature, on calibrated probabilities. The same series are used for all
    three, and before that for early stopping or for the scale of the logits. The coverage of the sets is therefore
    slightly optimistic; measure it on the test set.
    """
    rule.require_series(panel)
    if panel is None:
        return replace(model, decision=Decision(mixing=_mixing_of_training(model) if rule.calibrate else None))
    task, codes = model.task, targets_of(model.task, panel).every()
    provenance: dict[str, Any] = {}
    temperature = mixing = None
    scaled = replace(model, decision=Decision()).predict(panel).logits if logits is None else logits
    if rule.calibrate:
        groups = panel.groups(group)
        units = len(panel) if groups is None else len(np.unique(groups))
        mixing = fit_mixing(task, codes, units)
        temperature = fit_temperature(task, scaled, codes, mixing=mixing, units=units, prior=TEMPERATURE_PRIOR)
        provenance["temperature"] = temperature.to_json()
        scaled = temperature.apply(scaled)
    probabilities = to_probabilities(task, scaled)
    probabilities = probabilities if mixing is None else mixing.apply(probabilities)
    thresholds, chosen = _thresholds(task, probabilities, codes, panel, rule, events or EventRule())
    provenance |= chosen
    if rule.coverage is not None:
        sets = fit_prediction_sets(
            task,
            probabilities,
            codes,
            panel,
            rule.coverage,
            score=rule.set_score,
            by=rule.coverage_by,
            group=RECORDING if group is None and panel.origin is not None else group,
        )
        provenance["sets"] = sets.to_json()
    limits = None if thresholds is None else thresholds.values
    correct = task.decide(probabilities, limits) == codes
    if rule.abstain is not None:
        furthest = None if model.novelty is None else model.novelty.furthest
        known, sure = codes != UNKNOWN, probabilities.max(axis=1)
        provenance["abstain"] = fit_abstention(rule.abstain, sure[known], correct[known], furthest).to_json()
    provenance["held_out"] = HeldOut.of(task, probabilities, codes, limits, len(panel)).to_json()
    values = None if temperature is None else temperature.values
    decision = Decision(values, limits, provenance, mixing)
    return replace(model, decision=decision)


def _thresholds(
    task: Task, probabilities: Doubles, codes: Codes, panel: Panel, rule: DecisionRule, events: EventRule
) -> tuple[Thresholds | None, dict[str, Any]]:
    """Choose thresholds if the rule states how; return them and their provenance."""
    if rule.thresholds == "none":
        return None, {}
    if rule.alarm_goal is None:
        thresholds = choose_thresholds(task, probabilities, codes, rule.thresholds)
        return thresholds, {"thresholds": thresholds.to_json()}
    found = choose_alarm_thresholds(
        task,
        probabilities,
        codes,
        panel.lengths,
        rule.alarm_goal,
        events,
        panel.compact().times,
        panel.units.get("time", "s"),
    )
    return found.thresholds, {"thresholds": found.thresholds.to_json(), FALSE_ALARMS: found.chosen}


def limit_false_alarms(model: FittedModel, panel: Panel, goal: Any, events: EventRule | None = None) -> FittedModel:
    """Choose the thresholds of a fitted model anew, by the false alarms on held-out recordings.

    Parameters
    ----------
    model
        A model with labels per step.
    panel
        Labelled recordings that it was not fitted on.
    goal, events
        As for ``choose_alarm_thresholds``; None is the default rule.

    Returns
    -------
    FittedModel
        The same network and calibration, with the thresholds.

    Raises
    ------
    ParameterError
        As of ``choose_alarm_thresholds``.
    """
    rule = events or EventRule()
    require_alarm_goal(model.task, goal, rule)
    codes = targets_of(model.task, panel).every()
    probabilities = model.predict(panel).probabilities
    chosen = DecisionRule(thresholds={FALSE_ALARMS: goal})
    thresholds, provenance = _thresholds(model.task, probabilities, codes, panel, chosen, rule)
    decision = model.decision
    values = None if thresholds is None else thresholds.values
    provenance = {**decision.provenance, **provenance}
    return replace(model, decision=replace(decision, thresholds=values, provenance=provenance))


def score_decision(model: FittedModel, prediction: Prediction, panel: Panel) -> dict[str, Any] | None:
    """Evaluate calibration and prediction sets of a model on series that neither was fitted on.

    Parameters
    ----------
    model
        A model with a fitted decision.
    prediction, panel
        Its predictions of n labelled series, and these series.

    Returns
    -------
    dict[str, Any] | None
        ``calibration``: log loss, Brier score, calibration error and reliability curves before and after the
        temperature; ``thresholds``: how they were chosen; ``sets``: as returned by ``PredictionSets.score``.
        None if the decision has none of these.
    """
    provenance: Mapping[str, Any] = model.decision.provenance
    if not provenance:
        return None
    task, codes = model.task, targets_of(model.task, panel).every()
    scores: dict[str, Any] = {}
    if "temperature" in provenance:
        raw = model.decision.undo_temperature(prediction.logits)
        temperature = Temperature.from_json(provenance["temperature"])
        scores["calibration"] = compare_calibration(task, raw, codes, temperature, model.decision.mixing)
    if "thresholds" in provenance:
        scores["thresholds"] = provenance["thresholds"]
    if "sets" in provenance:
        fitted = PredictionSets.from_json(provenance["sets"])
        scores["sets"] = fitted.score(model, prediction.probabilities, codes, panel)
    if "abstain" in provenance:
        scores["abstain"] = Abstention.from_json(provenance["abstain"]).score(prediction, codes)
    return scores or None


def decision_lines(model: FittedModel) -> list[str]:
    """Describe the fitted temperature, thresholds and prediction sets of a model, in lines of plain text."""
    provenance, lines = model.decision.provenance, []
    if "temperature" in provenance:
        lines += Temperature.from_json(provenance["temperature"]).describe()
    if model.decision.mixing is not None:
        lines.append(
            f"probabilities are mixed with the class shares, with a weight of {model.decision.mixing.weight:.3g}"
        )
    if "thresholds" in provenance:
        lines += Thresholds.from_json(provenance["thresholds"]).describe()
    if FALSE_ALARMS in provenance:
        lines += chosen_alarm_lines(provenance[FALSE_ALARMS])
    if "sets" in provenance:
        lines += PredictionSets.from_json(provenance["sets"]).describe()
    if "abstain" in provenance:
        lines += Abstention.from_json(provenance["abstain"]).describe()
    return lines


def _mixing_of_training(model: FittedModel) -> Mixing | None:
    """Return the mixture for a model without calibration series; None if its training is unknown."""
    shares, series = model.fitted_on.get("shares"), model.fitted_on.get("training_series")
    if shares is None or series is None or not all(0 < share < 1 for share in shares):
        return None
    return Mixing(1 / (series + 2), np.array(shares, dtype=np.float64))
