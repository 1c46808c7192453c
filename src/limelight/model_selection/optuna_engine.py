"""Optuna: sampling, pruning and parameter importance. The only module that imports it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from limelight.errors import OutputError
from limelight.model_selection.search_space import Space
from limelight.parts.ranges import Choice, Range

NAME = "limelight"
TENTHS = 10
WARM_UP = 3
"""Tenths of a training before a trial can be pruned; by then the one-cycle learning rate has peaked."""
FIRST_TRIALS = 5
"""Complete trials before the first one can be pruned."""
FEWEST_TO_WEIGH = 8
"""Complete trials below which the parameter importance is not computed."""
AS_IT_IS = "as_it_is"


class NumberedSampler(BaseSampler):
    """A tree-structured Parzen estimator seeded by the number of the trial, so that resuming changes nothing.

    Parameters
    ----------
    seed
        Of the tuning.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._number, self._sampler = -1, TPESampler(seed=seed)

    def _of(self, trial: FrozenTrial) -> TPESampler:
        if trial.number != self._number:
            self._number, self._sampler = trial.number, TPESampler(seed=(self.seed * 10_007 + trial.number) % 2**32)
        return self._sampler

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that are sampled jointly."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample the joint parameters."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample a parameter that is not among the joint ones."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)


def open_study(journal: Path, seed: int, *, by_epoch: bool) -> Study:
    """Open the study of a journal file, or create it.

    Parameters
    ----------
    journal
        The file, which several processes may write to.
    seed
        Of the tuning.
    by_epoch
        Whether a trial reports its loss every tenth of a training; else fold by fold.

    Raises
    ------
    OutputError
        If the file is damaged.
    """
    backend = JournalFileBackend(str(journal), lock_obj=JournalFileOpenLock(str(journal)))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST_TRIALS, n_warmup_steps=WARM_UP if by_epoch else 0)
    try:
        return optuna.create_study(
            storage=JournalStorage(backend),
            sampler=NumberedSampler(seed),
            pruner=pruner,
            study_name=NAME,
            load_if_exists=True,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"the trials in {str(journal)!r} cannot be read ({type(error).__name__}); tune without resuming"
        ) from error


def begin(study: Study, digest: str, start: Mapping[str, Any]) -> None:
    """Start or resume a study: fail unfinished trials and enqueue the unchanged experiment first.

    Parameters
    ----------
    study
        Just opened, by this process alone.
    digest
        Hash of series, recipe and search space; a study that started with another one is rejected.
    start
        The unchanged experiment as a point of the search space.

    Raises
    ------
    OutputError
        If the study started with another digest.
    """
    if study.user_attrs.get("asked", digest) != digest:
        raise OutputError(
            "expected the series, experiment and settings that the tuning to resume started with, got different ones; "
            "resume with the same ones, or tune without resuming"
        )
    study.set_user_attr("asked", digest)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    first = [trial for trial in study.get_trials(deepcopy=False) if trial.user_attrs.get(AS_IT_IS)]
    if not any(trial.state in (TrialState.COMPLETE, TrialState.WAITING) for trial in first):
        study.enqueue_trial(dict(start), user_attrs={AS_IT_IS: True})


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Convert the search space to Optuna's distributions."""
    return {name: _distribution(limits) for name, limits in space.items()}


def _distribution(limits: Choice | Range) -> BaseDistribution:
    if isinstance(limits, Choice):
        return optuna.distributions.CategoricalDistribution(limits.values)
    if limits.whole:
        return optuna.distributions.IntDistribution(int(limits.low), int(limits.high), log=limits.log)
    return optuna.distributions.FloatDistribution(limits.low, limits.high, log=limits.log)


def importance_of(study: Study) -> dict[str, float]:
    """Compute the share of the variance between complete trials that each parameter explains, largest first.

    The shares sum to 1. Empty if there are too few complete trials.

    Source
    ------
    Hutter, Hoos and Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance, 2014, as
    implemented in Optuna.
    """
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(whole) < FEWEST_TO_WEIGH or len({trial.value for trial in whole}) == 1:
        return {}
    return optuna.importance.get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's own log lines; ``run_trials`` logs its own."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
