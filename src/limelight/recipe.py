"""Recipe: what to fit and how, as one value with one ``fit``: hold out, fit, calibrate, decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from limelight.data.labels import stratify_by
from limelight.data.panel import Panel
from limelight.data.splitting.folds import make_folds
from limelight.data.splitting.grouped import can_leave_groups_out
from limelight.data.statistics import channel_statistics
from limelight.errors import ParameterError, nearest
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.events.rule import EventRule
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture, preset
from limelight.parts.encoders import Blocks, TrainingSummary
from limelight.task import Task
from limelight.training.devices import require_device
from limelight.training.encoder_choice import MOST_AT_ONCE, fitted_first, is_solved, may_train_network
from limelight.training.preparation import prepare
from limelight.training.settings import ShouldPrune, TrainingSettings
from limelight.training.validation_split import VALIDATION, HoldOut, enough_of, validation_split
from limelight.types import Doubles, Rows

if TYPE_CHECKING:
    from limelight.data.profile.training_profile import TrainingProfile
    from limelight.training.incremental import IncrementalHead
    from limelight.training.result import FitResult

MOST_GROUP_FOLDS = 5
"""The most folds in which groups are held out to calibrate prediction sets."""
FEWEST_GROUPS = 10
"""Groups of validation series from which they calibrate a head in closed form, rather than its training series."""
SIZED_FOR = Blocks.MANY + 1
"""Number of series for which an encoder is sized that further series are added to."""
SOLVED, SOLVED_BY_GROUP, TOO_FEW = "solved", "solved by group", "too few"
"""Why there is no validation split."""


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a fit except the series, the task and the seed.

    The estimator and the commands ``train``, ``validate``, ``compare`` and ``tune`` each build a recipe and call
    ``fit``, so the same training series give the same model whichever of them is used.

    Parameters
    ----------
    architecture
        The network.
    training
        How long and how fast to train.
    decision
        How logits become predictions: calibration, thresholds, prediction sets.
    hold_out
        How to split validation series off the training series.
    fields
        Kinds of metadata fields that should not be inferred from their values, such as ``{"badge": "ignore"}``. The
        field that groups the split is ignored unless it is among them.
    events
        What makes an event, if thresholds are chosen by false alarms.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> from limelight.model.targets import task_of
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> result = Recipe.of("lstm", {"max_epochs": 1}).fit(panel, task_of(panel), seed=0)
    >>> result.stopped, result.model.predict(panel[:2]).probabilities.shape
    ('all epochs done', (2, 2))
    """

    architecture: Architecture
    training: TrainingSettings = field(default_factory=TrainingSettings)
    decision: DecisionRule = field(default_factory=DecisionRule)
    hold_out: HoldOut = field(default_factory=HoldOut)
    fields: Mapping[str, str] = field(default_factory=dict)
    events: EventRule = field(default_factory=EventRule)

    @classmethod
    def of(
        cls,
        model: Architecture | Mapping[str, Any] | str | None = None,
        training: TrainingSettings | Mapping[str, Any] | None = None,
        decision: DecisionRule | Mapping[str, Any] | None = None,
        hold_out: HoldOut | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Recipe:
        """Build a recipe from values or from their plain forms.

        Parameters
        ----------
        model
            An architecture, its parts as in an experiment file, or the name of a preset; None is the default.
        training, decision
            Settings, or their keywords as a dict; None is the default.
        hold_out, fields
            As for the class; None is the default.

        Returns
        -------
        Recipe
            With every value checked.

        Raises
        ------
        ParameterError
            If a part, a setting or a rule is unknown or out of range.
        """
        architecture = preset(model) if isinstance(model, str) else model
        if not isinstance(architecture, Architecture):
            architecture = Architecture.from_json(architecture or {})
        return cls(
            architecture,
            TrainingSettings.of(training),
            DecisionRule.of(decision),
            hold_out or HoldOut(),
            dict(fields or {}),
        )

    def is_solved(self, panel: Panel) -> bool:
        """Whether out-of-sample predictions of a closed-form head will calibrate the model fitted on this panel.

        They leave out one series at a time, or one group of series, which takes too long for more than 4,000 series.
        """
        return self._has_honest_predictions(panel) and is_solved(panel, self.architecture, self.training)

    def _has_honest_predictions(self, panel: Panel) -> bool:
        """Whether the out-of-sample predictions of a closed-form head are like those of new series."""
        if panel.is_independent(self.hold_out.by, self.hold_out.group):
            return True
        groups = panel.groups(self.hold_out.group)
        if groups is None or panel.labels is None or self.hold_out.by != "random":
            return False
        return len(panel) <= MOST_AT_ONCE and can_leave_groups_out(panel.labels, groups)

    def _has_few_groups(self, validation: Panel | None, panel: Panel) -> bool:
        """Whether validation series without a stated share have few groups: below 10, and fewer than in training."""
        if validation is None or self.hold_out.share is not None:
            return False
        held_out, fitted = (one.groups(self.hold_out.group) for one in (validation, panel))
        if held_out is None or fitted is None:
            return False
        return len(np.unique(held_out)) < min(len(np.unique(fitted)), FEWEST_GROUPS)

    def may_train_network(self, panel: Panel) -> bool:
        """Whether a fit on this panel trains a network by gradient descent, or may do so to compare it."""
        return may_train_network(panel, self.architecture, self.training)

    def validation_share(self, panel: Panel) -> tuple[float, str]:
        """Decide which share of some training series to hold out for validation.

        Parameters
        ----------
        panel
            Labelled training series.

        Returns
        -------
        tuple[float, str]
            The share, in [0, 1), and why it is 0 if it was not set to 0: ``"solved"`` or ``"solved by group"`` if a
            closed-form head needs no validation series, ``"too few"`` if they would be too few to stop a training by;
            else ``""``.
        """
        stated = self.hold_out.share
        if stated is None and self.is_solved(panel):
            independent = panel.is_independent(self.hold_out.by, self.hold_out.group)
            return 0.0, SOLVED if independent else SOLVED_BY_GROUP
        share = VALIDATION if stated is None else stated
        return (share, "") if enough_of(panel, share) or not share else (0.0, TOO_FEW)

    def kinds(self, panel: Panel) -> dict[str, str]:
        """Return the kinds of metadata fields that are not inferred from their values.

        The field that groups the split only names the group, which is a new one at prediction time, so it is ignored
        unless its kind is stated.

        Parameters
        ----------
        panel
            The series.

        Returns
        -------
        dict[str, str]
            The stated kinds, and ``"ignore"`` for the field that groups the split.

        Example
        -------
        >>> import pyarrow as pa
        >>> panel = Panel.from_series([[1.0], [2.0]], metadata=pa.table({"machine": ["a", "b"]}))
        >>> Recipe.of(hold_out=HoldOut(group="machine")).kinds(panel)
        {'machine': 'ignore'}
        """
        return {**dict.fromkeys(self._ignored_groups(panel), "ignore"), **self.fields}

    def notes_about(self, panel: Panel) -> tuple[str, ...]:
        """Return a note if the field that groups the split is ignored for that reason."""
        return tuple(
            f"metadata {name!r} names the groups of the split and is not a feature; state its kind in fields to use it"
            for name in self._ignored_groups(panel)
        )

    def _ignored_groups(self, panel: Panel) -> list[str]:
        """Return the field that groups the split, unless its kind is stated or it is no metadata field."""
        names = [] if panel.metadata is None else panel.metadata.column_names
        return [name for name in names if name == self.hold_out.group and name not in self.fields]

    def check(self, panel: Panel, task: Task, *, validation: Panel | None = None) -> None:
        """Raise what ``fit`` would raise before it trains.

        Parameters
        ----------
        panel, task
            As for ``fit``.
        validation
            Series for early stopping and calibration, or None.

        Raises
        ------
        DataError, LabelError, ParameterError
            As ``fit``.
        """
        self.decision.require_possible(task, self.events)
        if validation is None and not (self.is_solved(panel) or self._calibrates_by_group(panel)):
            self.decision.require_series(None)
        require_device(self.training)
        for one in (panel,) if validation is None else (panel, validation):
            targets_of(task, one)
        first = fitted_first(panel, self.architecture, self.training)
        prepare(panel, task, first, validation, self.kinds(panel))

    def split(self, panel: Panel, seed: int) -> tuple[Rows, Rows]:
        """Split training series into those to fit on and those to validate on.

        Parameters
        ----------
        panel
            Labelled training series, n of them.
        seed
            At least 0.

        Returns
        -------
        tuple
            Rows to fit on and rows to validate on, together n; the latter are empty if nothing is to be held out.

        Raises
        ------
        DataError, ParameterError
            As ``Panel.split``.
        """
        share, _ = self.validation_share(panel)
        return validation_split(panel, replace(self.hold_out, share=share), seed=seed)

    def for_missing_in(self, held_out: Panel, *fitted: Panel | None) -> Recipe:
        """Return a recipe that also takes values missing only among held-out series.

        A network fitted with ``missing="auto"`` on complete series rejects missing values later. If the series that it
        is going to be scored on are the only ones with missing values, the training mean replaces these.

        Parameters
        ----------
        held_out
            Series that the model is going to predict.
        *fitted
            Series that it is fitted or validated on; None counts as none.

        Returns
        -------
        Recipe
            This recipe, or one with ``missing="mean"``.
        """
        if self.architecture.missing != "auto" or not channel_statistics(held_out).missing.any():
            return self
        if any(channel_statistics(one).missing.any() for one in fitted if one is not None):
            return self
        return replace(self, architecture=replace(self.architecture, missing="mean"))

    def fit(
        self,
        panel: Panel,
        task: Task,
        *,
        seed: int,
        validation: Panel | Literal["auto"] | None = "auto",
        folder: Path | None = None,
        resume: bool = False,
        progress: bool | None = None,
        should_prune: ShouldPrune | None = None,
    ) -> FitResult:
        """Split off validation series, fit, calibrate, and choose thresholds and prediction sets.

        Parameters
        ----------
        panel
            Labelled training series.
        task
            The classes or labels to predict.
        seed
            Seed of the validation split and of the training, from 0 to 2**31 - 1; the same seed gives the same model.
        validation
            Series for early stopping and calibration; None uses none; ``"auto"`` splits them off ``panel``.
        folder, resume, progress, should_prune
            As for ``training.fit.fit``.

        Returns
        -------
        FitResult
            With the calibrated model, and the numbers of series that it was fitted and validated on.

        Raises
        ------
        DataError, LabelError, OutputError, ParameterError
            As ``training.fit.fit`` and ``fit_decision``.
        """
        from limelight.evaluation.decision.rule import fit_decision  # these load torch, which no check needs
        from limelight.model.novelty import fit_novelty
        from limelight.training.fit import fit

        self.decision.require_possible(task, self.events)
        everything = panel
        if isinstance(validation, str):
            fitted, held_out = self.split(panel, seed)
            panel, validation = panel[fitted], panel[held_out] if len(held_out) else None
        if validation is None and not (self.is_solved(panel) or self._calibrates_by_group(everything)):
            self.decision.require_series(None)
        result = fit(
            panel,
            task,
            self.architecture,
            validation=validation,
            settings=self.training,
            seed=seed,
            folder=folder,
            resume=resume,
            progress=progress,
            fields=self.kinds(panel),
            group=self.hold_out.group,
            should_prune=should_prune,
        )
        honest = self._has_honest_predictions(panel)
        few = result.out_of_sample is not None and honest and self._has_few_groups(validation, panel)
        calibration, logits = result.calibration_data(panel, None if few else validation, honest=honest)
        if self._calibrates_by_group(everything):
            calibration, logits = everything, self._out_of_group_logits(everything, task, seed)
        if result.model.architecture.encoder.closed_form:
            novelty = fit_novelty(result.model, panel, features=result.features, seed=seed)
        else:
            novelty = fit_novelty(result.model, panel, validation, seed=seed)
        model = replace(result.model, novelty=novelty)
        model = fit_decision(model, calibration, self.decision, logits, self.hold_out.group, self.events)
        model = replace(model, training_profile=self._profile(everything))
        return replace(result, model=model, notes=(*result.notes, *self.notes_about(panel)), features=None)

    def start(
        self, panel: Panel, task: Task, *, seed: int, progress: bool | None = None
    ) -> tuple[FitResult, IncrementalHead]:
        """Fit on the first series of several calls, and prepare the head for those of further calls.

        Sizes of the encoder that are ``"auto"`` are those for many series.

        Parameters
        ----------
        panel, task, seed, progress
            As for ``fit``.

        Returns
        -------
        tuple[FitResult, IncrementalHead]
            As ``fit`` returns, and the head to pass to ``extend``.

        Raises
        ------
        ParameterError
            If the encoder's head is not solved in closed form, or classes are weighted by their shares, which are not
            known in advance.
        DataError, LabelError
            As ``fit``.
        """
        from limelight.training.incremental import IncrementalHead

        encoder = Blocks() if self.architecture.encoder.automatic else self.architecture.encoder
        if not encoder.closed_form or self.training.imbalance != "none":
            raise ParameterError(
                "expected an encoder with a head in closed form and imbalance='none' for a fit in several calls, got "
                f"{encoder.name!r} and {self.training.imbalance!r}; take 'rocket' or 'blocks', and weight series"
            )
        typical, longest = float(np.median(panel.lengths)), int(panel.lengths.max())
        sized = encoder.resolve(TrainingSummary(typical_length=typical, longest=longest, series=SIZED_FOR))
        recipe = replace(self, architecture=replace(self.architecture, encoder=sized))
        result = recipe.fit(panel, task, seed=seed, validation=None, progress=progress)
        return result, IncrementalHead(result, panel, seed)

    def extend(self, head: IncrementalHead, panel: Panel, *, seed: int) -> tuple[FitResult, IncrementalHead]:
        """Add series to a head from ``start``, solve it again, and fit the decision to the series held out.

        Parameters
        ----------
        head
            Stays as it is.
        panel
            Further labelled series.
        seed
            As for ``start``.

        Returns
        -------
        tuple[FitResult, IncrementalHead]
            With the calibrated model for all series so far, and the head for those of further calls.

        Raises
        ------
        DataError, LabelError
            If the series are not like the first ones.
        """
        from limelight.evaluation.decision.rule import fit_decision
        from limelight.model.novelty import fit_novelty

        head = head.extended(panel)
        result = head.refit()
        assert result.out_of_sample is not None
        model = replace(result.model, novelty=fit_novelty(result.model, head.held_out, seed=seed))
        model = fit_decision(model, head.held_out, self.decision, result.out_of_sample.logits, events=self.events)
        return replace(result, model=replace(model, training_profile=self._profile(head.sample()))), head

    def _profile(self, panel: Panel) -> TrainingProfile:
        from limelight.data.profile.training_profile import fit_training_profile  # loads SciPy

        ignored = [name for name, kind in self.kinds(panel).items() if kind == "ignore"]
        return fit_training_profile(panel, ignored)

    def _calibrates_by_group(self, panel: Panel) -> bool:
        """Whether fits without every group in turn calibrate, for which only a closed-form fit is fast enough."""
        if not self.decision.needs_held_out or self.hold_out.by != "random" or len(panel) <= MOST_AT_ONCE:
            return False
        groups = panel.groups(self.hold_out.group)
        several = groups is not None and len(np.unique(groups)) > 1
        return several and is_solved(panel, self.architecture, self.training)

    def _out_of_group_logits(self, panel: Panel, task: Task, seed: int) -> Doubles:
        """Compute the logits of every series by a model fitted without its group, in up to 5 folds; (n, outputs)."""
        from limelight.training.fit import fit

        encoder = Blocks() if self.architecture.encoder.automatic else self.architecture.encoder
        architecture = replace(self.architecture, encoder=encoder)
        groups, labels = panel.groups(self.hold_out.group), stratify_by(panel.labels)
        assert groups is not None
        assert labels is not None
        folds = min(MOST_GROUP_FOLDS, len(np.unique(groups)))
        logits = np.zeros((len(panel), task.outputs))
        for fold in make_folds(labels, folds=folds, seed=seed, groups=groups):
            fitted = fit(
                panel[fold.train],
                task,
                architecture,
                settings=self.training,
                seed=seed,
                progress=False,
                fields=self.kinds(panel),
                group=self.hold_out.group,
            )
            logits[fold.held_out] = fitted.model.predict(panel[fold.held_out]).logits
        return logits


def with_keywords(name: str, value: Any, keywords: Mapping[str, Any]) -> Any:
    """Return a part, training settings or a decision rule with other values for some of its parameters."""
    kinds: dict[str, type[TrainingSettings] | type[DecisionRule]] = {
        "training": TrainingSettings,
        "decision": DecisionRule,
    }
    if name not in kinds:
        return getattr(Architecture.of(**{name: value}), name).set_params(**keywords)
    known = kinds[name].of(value).get_params()
    for keyword in keywords:
        if keyword not in known:
            raise ParameterError(f"{name!r} has no parameter {keyword!r}{nearest(keyword, known)}")
    return kinds[name](**{**known, **keywords})
