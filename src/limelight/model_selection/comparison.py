"""The trainings of a comparison: which models, on which folds, scored how."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import RECORDING
from limelight.data.metadata import observed_categories
from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold, make_folds
from limelight.data.statistics import channel_statistics
from limelight.errors import ParameterError, listing, nearest
from limelight.evaluation.metrics.paired import paired_gain
from limelight.evaluation.metrics.scoring import score as every_score
from limelight.model.batching import require_finite
from limelight.model.targets import targets_of, task_of
from limelight.model.vocabulary import fit_vocabulary
from limelight.model_selection.comparison_results import (
    COMPARISON_SCORES,
    MAJORITY,
    METADATA,
    SERIES,
    Comparison,
    Row,
    conclude,
)
from limelight.parts.architecture import Architecture, preset
from limelight.parts.fusions import ATTENTION, FUSIONS
from limelight.parts.poolings import AttentionPooling, MetadataAttentionPooling
from limelight.task import UNKNOWN, Task
from limelight.training.baselines import boost_metadata, majority
from limelight.training.fit import fit, require_device
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import validation_split
from limelight.types import Codes, LogLine, Rows


class _Cut(NamedTuple):
    """One fold, its training part cut again for what stops early."""

    name: str
    train: Rows
    fitted: Rows
    validation: Rows
    held_out: Rows
    seed: int
    missing_unmet: bool  # whether values are missing among the series held out alone


class _Answer(NamedTuple):
    probabilities: NDArray[np.float64]
    seconds: float
    parameters: int | None = None


Way = Callable[[_Cut], _Answer]


def compare(
    panel: Panel,
    model: Architecture | Mapping[str, Any] | str | None = None,
    *,
    training: TrainingSettings | Mapping[str, Any] | None = None,
    task: Task | None = None,
    score: str = "balanced_accuracy",
    folds: int = 5,
    repeats: int = 1,
    group: str | None = None,
    validation: float = 0.1,
    fields: Mapping[str, str] | None = None,
    seed: int = 0,
    log: LogLine = lambda line: None,
) -> Comparison:
    """Say what each step from the simplest model to the richest brings, by cross-validation on the same folds.

    The commonest class; gradient-boosted trees on the metadata; the network on the series; and the network with each
    fusion of metadata. Ctrl-C ends it and keeps what is done.

    Parameters
    ----------
    panel
        Labelled series, without those that are to judge the final model. Windows of one recording stay together.
    model
        The network: a sentence, its words as in an experiment file, or the name of a preset; None takes the default.
    training
        How long and how fast, also as a dict of words; None chooses from the number of series.
    task
        What is asked; None reads it off the labels.
    score
        ``"balanced_accuracy"``, ``"accuracy"``, ``"f1_macro"`` or ``"log_loss"``.
    folds, repeats
        How many folds, at least 2, and how often they are drawn anew, at least 1.
    group
        A metadata field: series with the same value in it stay together.
    validation
        Share of the training part of each fold that a network stops early by, in [0, 1), where that is enough.
    fields
        The kind of metadata fields that should not be read off their values.
    seed
        The same seed gives the same numbers, from 0 to 2**31 - 1.
    log
        Takes a line for each training that has ended.

    Returns
    -------
    Comparison
        A row for each model. The gain is the mean difference to the series alone, with the corrected 95 % interval of
        Nadeau and Bengio (see ``paired_gain``): "more than the spread" where it lies above 0.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series, labels or settings cannot be used, or are too few for so many folds.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> found = compare(panel, {"encoder": "gru"}, training={"max_epochs": 1}, folds=2)
    >>> [row.name for row in found.rows], found.row("majority class").scores
    (['majority class', 'series alone'], (0.5, 0.5))
    >>> found.notes
    ('there are no metadata, so there is nothing to fuse',)
    """
    if score not in COMPARISON_SCORES:
        raise ParameterError(f"expected a score to compare by, got {score!r}{nearest(score, COMPARISON_SCORES)}")
    architecture, settings = _sentence(model), _settings(training)
    require_device(settings)
    task = task or task_of(panel)
    if task.kind == "multilabel" or task.by_step:
        raise ParameterError(
            f"expected one label for each series to compare by, got a task that is {task.describe()}; cut the "
            "recordings into windows, or name one label"
        )
    codes = targets_of(task, panel).every()
    known = codes != UNKNOWN
    notes = [] if known.all() else [f"{(~known).sum()} series without a label are left out"]
    codes = codes[known]
    panel = panel[known].with_labels(task.decode(codes))
    require_finite(panel, missing=architecture.missing != "error")
    groups, name = panel.groups(group), group or RECORDING
    made = make_folds(codes, folds=folds, repeats=repeats, seed=seed, groups=groups, group_name=name)
    notes += _scarce(task, codes, made)
    often = f" drawn {repeats} times" if repeats > 1 else ""
    rule = f"{folds} folds{often} of {len(panel)} series, stratified by label"
    rule += f"{'' if groups is None else f', no {name} on two sides'}, seed {seed}"
    study = _Study(panel, codes, task, architecture, settings, group, validation, dict(fields or {}), seed)
    return _carried_out(study, made, score, rule, notes, log)


def score_of(task: Task, codes: Codes, probabilities: NDArray[np.float64], name: str) -> float:
    """Give one of ``COMPARISON_SCORES`` as a number.

    Parameters
    ----------
    task
        What was asked.
    codes
        The truth, shape (n,).
    probabilities
        The answers, shape (n, classes).
    name
        Which score.

    Returns
    -------
    float
        As ``evaluation.metrics.score`` has it.

    Example
    -------
    >>> score_of(Task(("a", "b")), np.array([0, 0, 1]), np.array([[0.9, 0.1]] * 3), "balanced_accuracy")
    0.5
    """
    found = every_score(task, codes, probabilities)
    return float(found["macro"]["f1"] if name == "f1_macro" else found[name])


@dataclass(frozen=True)
class _Study:
    """Everything that the trainings share."""

    panel: Panel
    codes: Codes
    task: Task
    architecture: Architecture
    settings: TrainingSettings
    group: str | None
    validation: float
    fields: Mapping[str, str]
    seed: int

    def cuts(self, folds: list[Fold]) -> list[_Cut]:
        """Take a validation part out of the training part of each fold, windows and groups kept together."""
        any_missing = bool(channel_statistics(self.panel).missing.any())
        made = []
        for place, fold in enumerate(folds):
            inside = self.panel[fold.train]
            fitted, validation = validation_split(
                inside, self.validation, classes=len(self.task.classes), seed=self.seed, group=self.group
            )
            unmet = any_missing and not channel_statistics(inside).missing.any()
            seed = (self.seed + place) % (2**31 - 1)
            made.append(
                _Cut(fold.name, fold.train, fold.train[fitted], fold.train[validation], fold.held_out, seed, unmet)
            )
        return made

    def ways(self, cuts: list[_Cut]) -> tuple[dict[str, Way], list[str]]:
        """Give the models from the simplest to the richest, with notes on those that are left out."""
        pooling, notes = self.architecture.pooling, []
        own = self.architecture.fusions
        if isinstance(pooling, MetadataAttentionPooling):
            own, pooling = (*own, ATTENTION), AttentionPooling(hidden_size=pooling.hidden_size)
        plain = replace(self.architecture, pooling=pooling, fusion=())
        ways: dict[str, Way] = {MAJORITY: self.majority, SERIES: partial(self.network, plain)}
        if self.panel.signals is not None:
            notes.append("side signals belong to the series here: every network reads them")
        why = self._why_no_metadata(cuts)
        if why:
            return ways, [*notes, why]
        fusions: list[tuple[str, ...]] = [(word,) for word in FUSIONS]
        if isinstance(pooling, AttentionPooling):
            fusions.append((ATTENTION,))
        else:
            notes.append(f"fusion {ATTENTION!r} is left out: the pooling {pooling.name!r} has no attention")
        if len(own) > 1:
            fusions.append(own)
        networks = {
            f"series + {' + '.join(words)}": partial(self.network, replace(plain, fusion=words)) for words in fusions
        }
        return {MAJORITY: self.majority, METADATA: self.boosting, SERIES: ways[SERIES], **networks}, notes

    def _why_no_metadata(self, cuts: list[_Cut]) -> str:
        metadata = self.panel.metadata
        if metadata is None:
            return "there are no metadata, so there is nothing to fuse"
        for cut in cuts:
            if not fit_vocabulary(metadata.take(cut.fitted), schema=self._fields).has_metadata:
                return f"no metadata differ between the training series of {cut.name}, so none are used"
        return ""

    @property
    def _fields(self) -> dict[str, str]:
        """The kinds that are said of metadata, without those of signals."""
        signals = observed_categories(self.panel)
        return {name: kind for name, kind in self.fields.items() if name not in signals}

    def majority(self, cut: _Cut) -> _Answer:
        """Answer with the shares of the classes."""
        started = time.perf_counter()
        probabilities = majority(self.codes[cut.train], len(self.task.classes), len(cut.held_out))
        return _Answer(probabilities, time.perf_counter() - started)

    def boosting(self, cut: _Cut) -> _Answer:
        """Answer by metadata alone."""
        started = time.perf_counter()
        train, held_out = self.panel[cut.train], self.panel[cut.held_out]
        codes, classes = self.codes[cut.train], len(self.task.classes)
        probabilities = boost_metadata(train, codes, classes, held_out, fields=self._fields, seed=cut.seed)
        return _Answer(probabilities, time.perf_counter() - started)

    def network(self, architecture: Architecture, cut: _Cut) -> _Answer:
        """Answer by a network; KeyboardInterrupt where Ctrl-C cut its training short."""
        if architecture.missing == "auto" and cut.missing_unmet:
            architecture = replace(architecture, missing="mean")
        training = fit(
            self.panel[cut.fitted],
            self.task,
            architecture,
            validation=self.panel[cut.validation] if len(cut.validation) else None,
            settings=self.settings,
            seed=cut.seed,
            progress=False,
            fields=self.fields,
        )
        if training.interrupted:
            raise KeyboardInterrupt
        probabilities = training.model.predict(self.panel[cut.held_out]).probabilities
        parameters = sum(weight.numel() for weight in training.model.network.parameters())
        return _Answer(probabilities, training.seconds, parameters)


def _carried_out(study: _Study, folds: list[Fold], score: str, rule: str, notes: list[str], log: LogLine) -> Comparison:
    """Train every model on every fold, fold after fold, so that whatever Ctrl-C leaves can be compared."""
    cuts = study.cuts(folds)
    ways, said = study.ways(cuts)
    scores: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, list[_Answer]] = {name: [] for name in ways}
    total, done, notes = len(cuts) * len(ways), 0, [*notes, *said]
    try:
        for cut in cuts:
            for name, way in ways.items():
                answer = way(cut)
                reached = score_of(study.task, study.codes[cut.held_out], answer.probabilities, score)
                scores[name].append(reached)
                answers[name].append(answer)
                done += 1
                log(
                    f"{done} of {total}: {cut.name}, {name}: {COMPARISON_SCORES[score]} {reached:.3f} in {answer.seconds:.1f} s"
                )
    except KeyboardInterrupt:
        if not done:
            raise
        notes.append(f"interrupted after {done} of {total} trainings; what was done until then is kept")
    share = float(np.mean([len(cut.held_out) / len(cut.train) for cut in cuts]))
    compared = partial(paired_gain, held_out_share=share, lower_is_better=score == "log_loss")
    plain = scores[SERIES]
    rows = tuple(
        Row(
            name,
            tuple(scores[name]),
            median(answer.seconds for answer in found),
            None if found[0].parameters is None else int(median(answer.parameters or 0 for answer in found)),
            None if name == SERIES or not plain else compared(scores[name], plain),
        )
        for name, found in answers.items()
        if found
    )
    conclusion = conclude(rows, share, lower_is_better=score == "log_loss")
    return Comparison(score, rows, rule, tuple(notes), conclusion, done < total)


def _scarce(task: Task, codes: Codes, folds: list[Fold]) -> list[str]:
    """Name the classes that do not stand in every fold."""
    absent = [
        label
        for code, label in enumerate(task.classes)
        if not all((codes[fold.held_out] == code).any() and (codes[fold.train] == code).any() for fold in folds)
    ]
    return [f"too few series to put class {listing(absent)} into every fold"] if absent else []


def _sentence(model: Architecture | Mapping[str, Any] | str | None) -> Architecture:
    if isinstance(model, Architecture):
        return model
    return preset(model) if isinstance(model, str) else Architecture.from_json(model or {})


def _settings(training: TrainingSettings | Mapping[str, Any] | None) -> TrainingSettings:
    return training if isinstance(training, TrainingSettings) else TrainingSettings.checked(**(training or {}))
