"""Fit the decision of a model on held-out series: temperature, thresholds and prediction sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from limelight.data.annotations import RECORDING
from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.abstention import Abstention, checked_goal, fit_abstention, require_one_class
from limelight.evaluation.decision.calibration import (
    Temperature,
    compare_calibration,
    fit_mixing,
    fit_temperature,
    to_probabilities,
)
from limelight.evaluation.decision.conformal import Score
from limelight.evaluation.decision.held_out import HeldOut
from limelight.evaluation.decision.prediction_sets import PredictionSets, fit_prediction_sets
from limelight.evaluation.decision.thresholds import Thresholds, checked_rule, choose_thresholds, require_thresholds
from limelight.model.decision import Decision, Mixing
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of
from limelight.parts.base import build_checked
from limelight.task import UNKNOWN, Task
from limelight.types import Doubles

TEMPERATURE_PRIOR = 5.0
"""Precision of the prior on the logarithm of the temperature, as if 5 series had shown it with a variance of 1 each.

Chosen from 0 to 20 by cross-validation on the training parts of 17 data sets; ``docs/decisions.md`` has the numbers."""


@dataclass(frozen=True)
class DecisionRule:
    """How to turn logits into probabilities, predicted labels and prediction sets.

    Parameters
    ----------
    calibrate
        Whether to calibrate probabilities: by a temperature, one per label if multi-label, and by a mixture with the
        class shares, so that no prediction is more certain than the number of calibration series supports.
    thresholds
        How to choose thresholds: ``"none"``; or, if binary or multi-label, ``"f1"``, ``{"precision": 0.9}``,
        ``{"recall": 0.9}`` or ``{"cost": {"false_positive": 1, "false_negative": 5}}``.
    coverage
        Target coverage of prediction sets: the share of sets that contain the true class, in (0, 1); None fits none.
    coverage_by
        What the coverage holds for separately: ``"class"``, each true class; the name of a metadata field, each of its
        values; None, all series together. Each needs enough calibration series: 9 for a coverage of 0.9.
    set_score
        ``"lac"`` for the smallest sets, ``"aps"`` for sets that are never empty and larger if a series is uncertain.
    abstain
        When not to answer: ``{"error": 0.05}``, so that at most this share of the answers is wrong, or
        ``{"coverage": 0.8}``, so that this share of the series is answered; series much further from training
        than any calibration series are not answered either. None answers always.

    Raises
    ------
    ParameterError
        If the rule for thresholds is unknown, or a value is out of range.

    Example
    -------
    >>> DecisionRule(thresholds="f1").calibrate
    True
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    calibrate: bool = True
    thresholds: str | dict[str, Any] = "none"
    coverage: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    coverage_by: str | None = None
    set_score: Score = "lac"
    abstain: dict[str, float] | None = None

    def __post_init__(self) -> None:
        checked_rule(self.thresholds)
        if self.abstain is not None:
            checked_goal(self.abstain)
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ParameterError(f"expected a coverage between 0 and 1, got {self.coverage!r}; use for example 0.9")

    @classmethod
    def of(cls, value: DecisionRule | Mapping[str, Any] | None) -> DecisionRule:
        """Build a checked rule from a rule, from its keywords as a dict, or from None for the defaults."""
        if isinstance(value, cls):
            value = value.get_params()
        if value is not None and not isinstance(value, Mapping):
            raise ParameterError(
                f"expected a decision rule as DecisionRule(...) or a dict of its keywords, got {value!r}"
            )
        return build_checked(cls, value or {}, "decision")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the rule by name of its parameters, as scikit-learn's ``get_params`` does."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def calibration_only(self) -> DecisionRule:
        """Return the rule without thresholds and prediction sets, which scores of probabilities do not depend on."""
        return DecisionRule(calibrate=self.calibrate)

    @property
    def needs_held_out(self) -> bool:
        """Whether the rule measures on held-out series what a temperature alone does not need."""
        return self.coverage is not None or self.abstain is not None

    def require_possible(self, task: Task) -> None:
        """Require a task with thresholds if the rule chooses them; ParameterError for more than two classes."""
        require_thresholds(task, self.thresholds)
        if self.abstain is not None:
            require_one_class(task)

    def require_series(self, panel: Panel | None) -> None:
        """Require validation series if the rule fits thresholds or sets; ParameterError if there are none."""
        if panel is None and (self.thresholds != "none" or self.needs_held_out):
            raise ParameterError(
                "expected validation series to fit thresholds, prediction sets or abstention on, got none or too few; "
                "enlarge the validation split, or remove thresholds, coverage and abstain"
            )


def fit_decision(
    model: FittedModel,
    panel: Panel | None,
    rule: DecisionRule,
    logits: Doubles | None = None,
    group: str | None = None,
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
    thresholds = choose_thresholds(task, probabilities, codes, rule.thresholds) if rule.thresholds != "none" else None
    if thresholds is not None:
        provenance["thresholds"] = thresholds.to_json()
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
