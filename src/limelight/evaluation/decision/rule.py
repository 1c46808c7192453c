"""Deciding: temperature, thresholds and prediction sets of a model, chosen on series that did not fit its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.calibration import (
    Temperature,
    compare_calibration,
    fit_temperature,
    to_probabilities,
)
from limelight.evaluation.decision.conformal import ConformalSets, coverage, fit_conformal
from limelight.evaluation.decision.thresholds import Thresholds, checked_rule, choose_thresholds
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of
from limelight.parts.base import first_complaint
from limelight.task import Task
from limelight.types import Doubles

SCALED = "the scale of the logits was chosen with the head, on training series left out"


@dataclass(frozen=True)
class DecisionRule:
    """How answers should be read off the logits.

    Parameters
    ----------
    calibrate
        Whether one temperature (of several labels one each) makes the probabilities true on validation data.
    thresholds
        ``"none"``; or, for two classes or several labels, ``"f1"``, ``{"precision": 0.9}``, ``{"recall": 0.9}``,
        ``{"cost": {"false_positive": 1, "false_negative": 5}}``.
    coverage
        Of prediction sets: the share of sets that hold the truth, in (0, 1); None makes no sets.

    Raises
    ------
    ParameterError
        If a rule or a share cannot be.

    Example
    -------
    >>> DecisionRule(thresholds="f1").calibrate
    True
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    calibrate: bool = True
    thresholds: str | dict[str, Any] = "none"
    coverage: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None

    def __post_init__(self) -> None:
        checked_rule(self.thresholds)
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ParameterError(f"expected a coverage between 0 and 1, got {self.coverage!r}; use for example 0.9")

    @classmethod
    def of(cls, value: DecisionRule | Mapping[str, Any] | None) -> DecisionRule:
        """Build a checked rule from a rule, from its keywords as a dict, or from None for the defaults."""
        if isinstance(value, cls):
            return value
        if value is not None and not isinstance(value, Mapping):
            raise ParameterError(
                f"expected a decision rule as DecisionRule(...) or a dict of its keywords, got {value!r}"
            )
        try:
            return TypeAdapter(cls).validate_python(dict(value or {}))
        except ValidationError as error:
            raise ParameterError(first_complaint(error)) from None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the rule by name of its parameters, as scikit-learn's ``get_params`` does."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def require_series(self, panel: Panel | None) -> None:
        """Refuse a rule that needs validation series where there are none; ParameterError says what to do."""
        if panel is None and (self.thresholds != "none" or self.coverage is not None):
            raise ParameterError(
                "expected validation series to choose thresholds or sets on, got none, or too few; make the validation "
                "part larger, or leave thresholds and coverage out"
            )


def decide_on(
    model: FittedModel, panel: Panel | None, rule: DecisionRule, logits: Doubles | None = None
) -> FittedModel:
    """Choose temperature, thresholds and sets on series that did not fit the model.

    Parameters
    ----------
    model
        Fitted.
    panel
        Labelled validation series, n of them; None leaves the model as it is.
    rule
        What to choose.
    logits
        What models fitted without these series say about them, on the scale that they chose, shape (n, outputs); None
        asks the model, whose weights have not seen their labels then.

    Returns
    -------
    FittedModel
        With the same network and the new decision.

    Raises
    ------
    ParameterError
        If thresholds are asked for more than two classes, or anything without validation series.

    Source
    ------
    The order is: temperature, then thresholds and sets on calibrated probabilities. The same series serve all three,
    and stopped the training or chose the scale, so sets promise a little too much: measure their coverage on the test
    part.
    """
    rule.require_series(panel)
    if panel is None:
        return model
    task, codes = model.task, targets_of(model.task, panel).every()
    provenance: dict[str, Any] = {}
    temperature = None
    said = replace(model, decision=Decision()).predict(panel).logits if logits is None else logits
    if rule.calibrate:
        temperature = fit_temperature(task, said, codes) if logits is None else _unchanged(task)
        provenance["temperature"] = temperature.to_json()
        said = temperature.apply(said)
    probabilities = to_probabilities(task, said)
    thresholds = choose_thresholds(task, probabilities, codes, rule.thresholds) if rule.thresholds != "none" else None
    if thresholds is not None:
        provenance["thresholds"] = thresholds.to_json()
    if rule.coverage is not None:
        sets = fit_conformal(task, probabilities, codes, rule.coverage, groups=_series_of_steps(model, panel))
        provenance["sets"] = sets.to_json()
    values = None if temperature is None else temperature.values
    decision = Decision(values, None if thresholds is None else thresholds.values, provenance)
    return replace(model, decision=decision)


def score_decision(model: FittedModel, prediction: Prediction, panel: Panel) -> dict[str, Any] | None:
    """Say what the decision of a model is worth on series that did not choose it.

    Parameters
    ----------
    model
        With a decision.
    prediction, panel
        Its answers about labelled series, n of them.

    Returns
    -------
    dict[str, Any] | None
        ``calibration``: log loss, Brier score, calibration error and reliability curves before and after;
        ``thresholds``: as chosen; ``sets``: the stated and the measured coverage and the mean size. None where nothing
        was chosen.
    """
    provenance: Mapping[str, Any] = model.decision.provenance
    if not provenance:
        return None
    task, codes = model.task, targets_of(model.task, panel).every()
    found: dict[str, Any] = {}
    if "temperature" in provenance:
        raw = model.decision.undo_temperature(prediction.logits)
        found["calibration"] = compare_calibration(task, raw, codes, Temperature.from_json(provenance["temperature"]))
    if "thresholds" in provenance:
        found["thresholds"] = provenance["thresholds"]
    if "sets" in provenance:
        sets = ConformalSets.from_json(provenance["sets"])
        chosen = sets.sets(task, prediction.probabilities)
        found["sets"] = {"target": sets.target, **coverage(task, chosen, codes, _series_of_steps(model, panel))}
    return found


def decision_lines(model: FittedModel) -> list[str]:
    """Say in lines of plain text what was chosen on validation data."""
    provenance, lines = model.decision.provenance, []
    if "temperature" in provenance:
        lines += Temperature.from_json(provenance["temperature"]).describe()
    if "thresholds" in provenance:
        lines += Thresholds.from_json(provenance["thresholds"]).describe()
    if "sets" in provenance:
        lines += ConformalSets.from_json(provenance["sets"]).describe()
    return lines


def _unchanged(task: Task) -> Temperature:
    """Give the temperature of logits whose scale was chosen with the head."""
    return Temperature(np.ones(task.outputs if task.multilabel else 1), (SCALED,))


def _series_of_steps(model: FittedModel, panel: Panel) -> Any:
    """Say to which series each answer belongs where steps are answered, shape (N,); None for series."""
    return np.repeat(np.arange(len(panel)), panel.lengths) if model.task.by_step else None
