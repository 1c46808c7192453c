"""Trials of a tuning: fit and score each one, report it to Optuna, and keep it in a journal file."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import LimelightError, ParameterError, nearest
from limelight.model.targets import targets_of
from limelight.model_selection.search_space import Space, changed, label_for, rounded, starting_point
from limelight.model_selection.trials import (
    FOLD_SCORES,
    FoldResult,
    FoldSplit,
    fit_and_score,
    fitted_rows,
)
from limelight.model_selection.tuning_results import DONE, FAILED, PRUNED, Trial, Tuning
from limelight.parallel import require_jobs, run_parallel
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import ENCODERS, Encoder, register_encoder
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.training.devices import require_device
from limelight.training.preparation import digest_of
from limelight.training.runtime import OutOfMemory
from limelight.training.settings import TrainingSettings
from limelight.types import LogLine

if TYPE_CHECKING:
    import optuna
    from optuna.study import Study
    from optuna.trial import FrozenTrial

JOURNAL = "trials.journal"
Progress = Callable[[Tuning], None]


@dataclass(frozen=True, eq=False)
class Search:
    """Everything that the trials of a tuning have in common.

    Parameters
    ----------
    panel
        All series.
    splits
        The validation split, or one split for each fold.
    rule
        The splits in words.
    task, recipe
        What to fit before anything is changed.
    space
        What the trials vary, and within which limits.
    score
        A score to report in addition to the log loss.
    journal
        The file that keeps the trials.
    seed
        Of the tuning.
    deadline
        End of the time budget, in seconds since 1970; None for no limit.
    encoders
        Every registered encoder; other processes register them too.
    """

    panel: Panel
    splits: tuple[FoldSplit, ...]
    rule: str
    task: Task
    recipe: Recipe
    space: Space
    score: str
    journal: Path
    seed: int
    deadline: float | None = None
    encoders: tuple[type[Encoder], ...] = field(default_factory=lambda: tuple(ENCODERS.values()))

    @property
    def by_epoch(self) -> bool:
        """Whether trials are pruned by their validation loss epoch by epoch; else by their mean loss fold by fold."""
        return len(self.splits) == 1

    @property
    def late(self) -> bool:
        """Whether the time budget is used up."""
        return self.deadline is not None and time.time() >= self.deadline

    def study(self) -> Study:
        """Open the study."""
        from limelight.model_selection.optuna_engine import open_study

        return open_study(self.journal, self.seed, by_epoch=self.by_epoch)

    def start(self) -> dict[str, Any]:
        """Return the unchanged recipe as a point of the search space."""
        start = starting_point(self.panel[fitted_rows(self.panel, self.splits[0], self.recipe)], self.recipe)
        return {name: start[name] for name in self.space}

    def digest(self) -> str:
        """Compute a hash of what is tuned: series, splits, recipe, search space and seed."""
        content = [
            self.task.to_json(),
            self.recipe.architecture.to_json(),
            replace(self.recipe.training, workers=0).to_json(),
            self.recipe.decision.get_params(),
            asdict(self.recipe.hold_out),
            dict(self.recipe.fields),
            {name: repr(limits) for name, limits in self.space.items()},
            [[split.train.tolist(), split.held_out.tolist(), split.validates] for split in self.splits],
            [self.score, self.seed, digest_of(self.panel)],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class _CutOffError(Exception):
    """The time budget ended during a trial, which then does not count."""


def run_trials(
    search: Search,
    *,
    trials: int,
    minutes: float | None = None,
    jobs: int = 1,
    on: str | None = None,
    log: LogLine = lambda line: None,
    note: Progress = lambda found: None,
) -> Tuning:
    """Run trials until there are enough or the time budget is used up; the unchanged recipe is the first, alone.

    Parameters
    ----------
    search
        What the trials have in common.
    trials, minutes, jobs, on, log
        As for ``tune``.
    note
        Called with the results so far after each trial.

    Returns
    -------
    Tuning
        All trials, also those of an earlier tuning that is resumed.

    Raises
    ------
    ParameterError, DataError, LabelError
        If the unchanged recipe cannot be fitted, or a number is out of range.
    OutputError
        If the journal belongs to another tuning.
    KeyboardInterrupt
        If Ctrl-C ended the first trial.
    """
    from limelight.model_selection.optuna_engine import begin, quiet

    require_jobs(jobs, on)
    _check(search, trials, minutes)
    targets_of(search.task, search.panel)
    require_device(search.recipe.training)
    search = replace(search, deadline=None if minutes is None else time.time() + 60 * minutes)
    with quiet():
        study = search.study()
        begin(study, search.digest(), search.start())

        def report(number: int | None) -> None:
            if number is not None:
                found = _found(search, study)
                log(_line(found, number, trials))
                note(found)

        if not any(trial.as_it_is and trial.state == DONE for trial in _trials(study)):
            report(run_trial(search))
        left, interrupted = trials - len(_trials(study)), False
        try:
            for number in run_parallel(run_trial, _calls(search, left), max(1, min(jobs, left)), on=on):
                report(number)
        except KeyboardInterrupt:
            interrupted = True
        found = _found(search, study, trials, interrupted)
        note(found)
        return found


def run_trial(search: Search) -> int | None:
    """Run the next trial.

    Parameters
    ----------
    search
        What the trials have in common; its journal holds the results of the other trials.

    Returns
    -------
    int | None
        The number of the trial; None if the time budget ended first, so that the trial does not count.

    Raises
    ------
    LimelightError
        If the unchanged recipe cannot be fitted, or this machine has no such journal.
    KeyboardInterrupt
        If Ctrl-C ended the trial.
    """
    from optuna.trial import TrialState

    from limelight.model_selection.optuna_engine import AS_IT_IS, distributions, quiet

    if not search.journal.is_file():
        raise ParameterError(
            f"expected the folder of the tuning on every machine that runs trials, got no {str(search.journal)!r} on "
            f"{platform.node()}; choose an output folder that all machines share"
        )
    for encoder in search.encoders:
        register_encoder(encoder)
    with quiet():
        study = search.study()
        trial = study.ask(distributions(search.space))
        as_it_is = bool(trial.user_attrs.get(AS_IT_IS))
        started = time.perf_counter()
        state, why, value = TrialState.COMPLETE, "", None
        try:
            recipe = search.recipe
            if not as_it_is:
                recipe = changed(recipe, {name: rounded(value) for name, value in trial.params.items()})
            trial.set_user_attr("sentence", recipe.architecture.to_json())
            trial.set_user_attr("settings", recipe.training.to_json())
            results = _scores(search, recipe, trial, free=as_it_is)
            if len(results) < len(search.splits) or results[-1].stopped == PRUNED:
                state = TrialState.PRUNED
            else:
                value = float(np.mean([result.scores["log_loss"] for result in results]))
                trial.set_user_attr("score", _mean_score(results, search.score))
        except (LimelightError, MemoryError, OutOfMemory) as error:
            state, why = TrialState.FAIL, f"{error}"
            trial.set_user_attr("why", why or type(error).__name__)
            if as_it_is:
                raise
        except _CutOffError:
            state = TrialState.FAIL
            return None
        except BaseException:
            state = TrialState.FAIL
            raise
        finally:
            trial.set_user_attr("seconds", time.perf_counter() - started)
            study.tell(trial, value, state=state)
    return trial.number


def _scores(search: Search, recipe: Recipe, trial: optuna.Trial, *, free: bool) -> list[FoldResult]:
    """Fit on every split until the trial is pruned; ``free`` trials ignore pruning and the time budget."""
    from limelight.model_selection.optuna_engine import TENTHS

    def should_prune(done: float, loss: float) -> bool:
        trial.report(loss, int(TENTHS * done))
        if free:
            return False
        if search.late:
            raise _CutOffError
        return trial.should_prune()

    results: list[FoldResult] = []
    for place, split in enumerate(search.splits):
        if search.late and not free:
            raise _CutOffError
        results.append(
            fit_and_score(search.panel, split, search.task, recipe, should_prune if search.by_epoch else None)
        )
        if not search.by_epoch:
            trial.report(float(np.mean([result.scores["log_loss"] for result in results])), place)
            if not free and place + 1 < len(search.splits) and trial.should_prune():
                break
    return results


def _calls(search: Search, left: int) -> Iterator[tuple[Search]]:
    """Yield the arguments of as many trials as are left, while there is time."""
    for _ in range(left):
        if search.late:
            return
        yield (search,)


def _check(search: Search, trials: int, minutes: float | None) -> None:
    if trials < 1:
        raise ParameterError(f"expected at least 1 trial, got {trials}")
    if minutes is not None and not minutes > 0:
        raise ParameterError(f"expected more than 0 minutes, got {minutes}")
    known = [name for name in FOLD_SCORES if name != "log_loss"]
    if search.score not in known:
        raise ParameterError(
            f"expected a score to report next to the log loss, got {search.score!r}{nearest(search.score, known)}"
        )


def _found(search: Search, study: Study, wanted: int | None = None, interrupted: bool = False) -> Tuning:
    """Collect the results; with the number of trials that were wanted, also the parameter importance."""
    from limelight.model_selection.optuna_engine import FEWEST_TO_WEIGH, importance_of

    trials, notes, importance = _trials(study), [], {}
    if wanted is not None:
        importance = importance_of(study)
        done = sum(trial.state == DONE for trial in trials)
        if interrupted or len(trials) < wanted:
            why = "interrupted" if interrupted else "the time budget ended"
            notes.append(f"{why} after {len(trials)} of {wanted} trials; the results so far are kept")
        if not importance:
            notes.append(
                f"parameter importance needs {FEWEST_TO_WEIGH} complete trials that differ; {done} are complete"
            )
        if len(trials) > 1:
            notes.append(
                f"the log loss of the best of {len(trials)} trials is slightly optimistic, as the same series "
                "selected it; the test set was not used"
            )
    rule = f"scored by log loss: {search.rule}"
    return Tuning(tuple(trials), search.score, rule, importance, tuple(notes), interrupted)


def _trials(study: Study) -> list[Trial]:
    """Return the trials that count, in the order in which they started."""
    from optuna.trial import TrialState

    states = {TrialState.COMPLETE: DONE, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}
    counting = [
        trial
        for trial in study.get_trials(deepcopy=False, states=tuple(states))
        if trial.state != TrialState.FAIL or "why" in trial.user_attrs
    ]
    return [_read(trial, states[trial.state]) for trial in counting]


def _read(trial: FrozenTrial, state: str) -> Trial:
    attributes = trial.user_attrs
    return Trial(
        trial.number,
        state,
        trial.value if state == DONE else None,
        attributes.get("score"),
        attributes["seconds"],
        {name: rounded(value) for name, value in trial.params.items()},
        Architecture.from_json(attributes["sentence"]),
        TrainingSettings.checked(**attributes["settings"]),
        bool(attributes.get("as_it_is")),
        attributes.get("why", ""),
    )


def _mean_score(results: list[FoldResult], name: str) -> float | None:
    known = [value for result in results if (value := result.scores[name]) is not None]
    return float(np.mean(known)) if known else None


def _line(found: Tuning, number: int, trials: int) -> str:
    """Describe the result of a trial in one line."""
    trial = next(one for one in found.trials if one.number == number)
    tried = ", ".join(f"{label_for(name)} {value}" for name, value in trial.parameters.items())
    which = f"{len(found.trials)} of {trials}: trial {number}" + (" (unchanged)" if trial.as_it_is else "")
    ending = f"{trial.seconds:.1f} s: {tried}"
    if trial.state == FAILED:
        return f"{which} failed after {ending}: {trial.why}"
    if trial.state == PRUNED:
        return f"{which} pruned after {ending}"
    score = "" if trial.score is None else f", {FOLD_SCORES[found.score]} {trial.score:.3f}"
    return f"{which}: log loss {trial.log_loss:.4f} (best {found.best.log_loss:.4f}){score}, {ending}"
