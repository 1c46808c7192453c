"""Trainings whose answers are scored on series that were held out: one after the other, or beside each other."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from joblib import Parallel, delayed

from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold
from limelight.data.statistics import channel_statistics
from limelight.evaluation.decision.rule import DecisionRule, decide_on
from limelight.evaluation.metrics.scoring import score
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture, preset
from limelight.task import Task
from limelight.training.fit import fit
from limelight.training.runtime import one_thread
from limelight.training.settings import ShouldPrune, TrainingSettings
from limelight.training.validation_split import validation_split
from limelight.types import Rows

FOLD_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
}
"""What is told of every training, with titles."""


@dataclass(frozen=True)
class FitSpec:
    """What is trained, whatever series it is trained on.

    Parameters
    ----------
    task, architecture, settings
        As for ``fit``.
    decision
        What is chosen on the validation series behind the training; None chooses nothing.
    fields
        The kind of metadata fields, as for ``fit``.
    """

    task: Task
    architecture: Architecture
    settings: TrainingSettings
    decision: DecisionRule | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, task: Task, model: Any, training: Any, fields: Mapping[str, str] | None, decision: Any = None
    ) -> FitSpec:
        """Read a model (sentence, its words, or a preset) and settings (or their words); ParameterError if wrong."""
        architecture = preset(model) if isinstance(model, str) else model
        if not isinstance(architecture, Architecture):
            architecture = Architecture.from_json(architecture or {})
        settings = training if isinstance(training, TrainingSettings) else TrainingSettings.checked(**(training or {}))
        return cls(task, architecture, settings, decision, dict(fields or {}))


@dataclass(frozen=True, eq=False)
class FoldSplit:
    """Rows of one training.

    Parameters
    ----------
    name
        For people.
    fitted, validation, held_out
        What the weights are fitted on, what stops the training early (may be empty), and what it is judged by.
    seed
        Of the training.
    independent
        Whether a series may be judged by a model that has seen all others, as for ``FitResult.calibration_data``.
    """

    name: str
    fitted: Rows
    validation: Rows
    held_out: Rows
    seed: int
    independent: bool = False

    @classmethod
    def of_fold(
        cls,
        panel: Panel,
        fold: Fold,
        task: Task,
        *,
        share: float,
        by: str,
        group: str | None,
        stratify: bool,
        seed: int,
    ) -> FoldSplit:
        """Take a validation part out of the training part of a fold as the split of an experiment does.

        Parameters
        ----------
        panel, fold, task
            The series, one way to part them, and what is asked.
        share
            Of the training part, in [0, 1); nothing is taken if that is too little to stop a training by.
        by, group, stratify
            As for ``Panel.split``.
        seed
            Of the drawing and of the training.
        """
        inside = panel[fold.train]
        fitted, validation = validation_split(
            inside, share, classes=len(task.classes), seed=seed, by=by, group=group, stratify=stratify
        )
        independent = inside.is_independent(by, group)
        return cls(fold.name, fold.train[fitted], fold.train[validation], fold.held_out, seed, independent)


@dataclass(frozen=True)
class FoldResult:
    """How good a training was.

    Parameters
    ----------
    name
        Of the cut.
    scores
        On the series held out, by the names of ``FOLD_SCORES``; None where one is not defined.
    undefined
        Why, by the same names.
    counts
        How many series were there for ``train``, ``validation`` and ``held_out``.
    epochs, best_epoch, stopped, seconds
        As of ``FitResult``; the time includes the answers.
    """

    name: str
    scores: dict[str, float | None]
    undefined: dict[str, str]
    counts: dict[str, int]
    epochs: int
    best_epoch: int
    stopped: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Say everything in a form that JSON can hold."""
        return dict(self.__dict__)


def fit_and_score(panel: Panel, split: FoldSplit, spec: FitSpec, should_prune: ShouldPrune | None = None) -> FoldResult:
    """Train on one cut, on one thread, and score the answers.

    Parameters
    ----------
    panel
        All series.
    split
        Which of them are for what.
    spec
        What is trained.
    should_prune
        As for ``fit``.

    Returns
    -------
    Outcome
        The same on the same machine, whatever is done beside it.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``fit`` and ``decide_on``.
    KeyboardInterrupt
        If Ctrl-C cut the training short.
    """
    held_out, architecture = panel[split.held_out], spec.architecture
    validation = panel[split.validation] if len(split.validation) else None
    fitted = panel[split.fitted]
    if architecture.missing == "auto" and _missing_unmet(held_out, fitted, validation):
        architecture = replace(architecture, missing="mean")
    with one_thread():
        training = fit(
            fitted,
            spec.task,
            architecture,
            validation=validation,
            settings=spec.settings,
            seed=split.seed,
            progress=False,
            fields=spec.fields,
            should_prune=should_prune,
        )
        if training.interrupted:
            raise KeyboardInterrupt
        model = training.model
        if spec.decision is not None:
            calibration_data, logits = training.calibration_data(fitted, validation, independent=split.independent)
            model = decide_on(model, calibration_data, spec.decision, logits)
        prediction = model.predict(held_out)
    codes = targets_of(spec.task, held_out).every()
    scores = score(spec.task, codes, prediction.probabilities, thresholds=prediction.thresholds)
    return FoldResult(
        split.name,
        {name: scores[name] for name in FOLD_SCORES},
        {name: why for name, why in scores["undefined"].items() if name in FOLD_SCORES},
        {"train": len(split.fitted), "validation": len(split.validation), "held_out": len(split.held_out)},
        len(training.history),
        training.best_epoch,
        training.stopped,
        training.seconds,
    )


def run_parallel(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Call a function again and again, in so many processes.

    Parameters
    ----------
    function
        Of a module, so that processes find it.
    calls
        The arguments of each call; taken when there is room for one more.
    jobs
        1 calls in this process, one after the other.

    Returns
    -------
    Iterator
        What the calls gave, as they end.

    Example
    -------
    >>> list(run_parallel(round, [(1.4,), (2.6,)], jobs=1))
    [1, 3]
    """
    if jobs == 1:
        yield from (function(*arguments) for arguments in calls)
        return
    workers = Parallel(
        jobs,
        "loky",
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch=jobs,
        mmap_mode="c",  # large arrays are mapped, not copied; read-only ones torch would warn of
        initializer=_leave_interrupts_to_trainings,
    )
    results = workers(delayed(function)(*arguments) for arguments in calls)
    try:
        yield from results
    finally:
        results.close()


def _leave_interrupts_to_trainings() -> None:
    """Ignore Ctrl-C in a worker that is not training: the process that asked ends it, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _missing_unmet(held_out: Panel, fitted: Panel, validation: Panel | None) -> bool:
    """Say whether values are missing among the series held out alone, which the training would refuse to answer."""
    known = [fitted] if validation is None else [fitted, validation]
    return bool(channel_statistics(held_out).missing.any()) and not any(
        channel_statistics(one).missing.any() for one in known
    )
