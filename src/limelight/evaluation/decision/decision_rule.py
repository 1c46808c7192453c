"""The settings of a decision: calibration, thresholds and prediction sets. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from limelight.errors import ParameterError, nearest
from limelight.evaluation.decision.alarm_thresholds import require_alarm_goal
from limelight.evaluation.decision.conformal import Score
from limelight.evaluation.decision.thresholds import checked_rule, require_thresholds
from limelight.evaluation.events.rule import EventRule
from limelight.parts.base import build_checked
from limelight.task import Task

if TYPE_CHECKING:
    from limelight.data.panel import Panel

GOALS = ("error", "coverage")
"""The goals that abstention can have."""


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
        ``{"recall": 0.9}`` or ``{"cost": {"false_positive": 1, "false_negative": 5}}``; per step, ``{"false_alarms":
        "1/hour"}`` or ``{"false_alarms": {"rate": "2/day", "confidence": 0.95}}``, see the guide on events.
    coverage
        Target coverage of prediction sets: the share of sets that contain the true class, in (0, 1); None fits none.
    coverage_by
        Groups for each of which the coverage holds: ``"class"``, the true classes; the name of a metadata field, its
        values; None, all series together. Each group needs enough calibration series: 9 for a coverage of 0.9.
    set_score
        ``"lac"`` for the smallest sets, ``"aps"`` for sets that are never empty and larger if a series is uncertain.
    abstain
        When to predict nothing: ``{"error": 0.05}``, so that at most this share of the predictions is wrong, or
        ``{"coverage": 0.8}``, so that this share of the series has a prediction. Series much further from the training
        series than any calibration series have none either. None always predicts.

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

    @property
    def alarm_goal(self) -> Any:
        """The limit of false alarms by which thresholds are chosen; None if they are not."""
        return self.thresholds.get("false_alarms") if isinstance(self.thresholds, dict) else None

    def require_possible(self, task: Task, events: EventRule | None = None) -> None:
        """Require a task with thresholds if the rule chooses them; ParameterError for more than two classes."""
        if self.alarm_goal is not None:
            require_alarm_goal(task, self.alarm_goal, events or EventRule())
        require_thresholds(task, self.thresholds)
        if self.abstain is not None and (task.by_step or task.multilabel):
            raise ParameterError(
                "expected one class for each series to abstain from, got several labels or labels per step; drop "
                "abstain"
            )

    def require_series(self, panel: Panel | None) -> None:
        """Require validation series if the rule fits thresholds or sets; ParameterError if there are none."""
        if panel is None and (self.thresholds != "none" or self.needs_held_out):
            raise ParameterError(
                "expected validation series to fit thresholds, prediction sets or abstention on, got none or too few; "
                "enlarge the validation split, or remove thresholds, coverage and abstain"
            )


def checked_goal(rule: Any) -> tuple[str, float]:
    """Return goal and value of a rule such as ``{"error": 0.05}``; ParameterError if it is not valid."""
    if isinstance(rule, Mapping) and len(rule) == 1:
        goal, value = next(iter(rule.items()))
        if goal in GOALS and isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1:
            return str(goal), float(value)
        if goal not in GOALS:
            raise ParameterError(f"expected abstain with error or coverage, got {goal!r}{nearest(str(goal), GOALS)}")
    raise ParameterError(f'expected abstain as {{"error": 0.05}} or {{"coverage": 0.9}}, got {rule!r}')
