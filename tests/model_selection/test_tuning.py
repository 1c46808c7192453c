from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import InternalError, OutputError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.model.targets import task_of
from limelight.model_selection import search
from limelight.model_selection.optuna_engine import open_study
from limelight.model_selection.trials import fit_and_score
from limelight.model_selection.tuning import by_folds, tune
from limelight.model_selection.tuning_results import DONE, FAILED, PRUNED
from limelight.recipe import Recipe
from limelight.training.validation_split import HoldOut

pytestmark = pytest.mark.usefixtures("short_epochs")

SMALL = {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "last", "head": "linear"}
QUICK = {"training": {"max_epochs": 1}, "only": ["learning_rate", "batch_size"]}
WAVES = generate_sine(SineSettings(dataset_size=120, num_points=10))


def tuned(panel=WAVES, model=SMALL, **named):
    return tune(panel, model, **{**QUICK, **named})


def results_of(found):
    return [(one.number, one.state, one.log_loss, one.score, one.parameters) for one in found.trials]


@pytest.fixture
def scripted(monkeypatch):
    """Replace the training of a trial by a function of the number of fits before it; return the function that does so."""
    real, calls = search.fit_and_score, []

    def script(answer):
        def scripted_fit(panel, split, task, recipe, should_prune=None):
            calls.append(recipe)
            return answer(len(calls) - 1, lambda: real(panel, split, task, recipe, should_prune), should_prune)

        monkeypatch.setattr(search, "fit_and_score", scripted_fit)

    return script


def test_the_first_trial_is_the_stated_network():
    found = tuned(trials=1)
    (first,) = found.trials
    assert first.as_it_is
    assert first.parameters == {"learning_rate": 0.004, "batch_size": 12}
    assert (first.settings.batch_size, first.architecture.to_json()["encoder"]["hidden_size"]) == (None, 4)
    assert found.best == found.first == first
    assert str(found).splitlines()[-1] == "no trial was better than the unchanged experiment"


def test_the_best_is_never_worse_than_the_first():
    found = tuned(trials=4)
    assert found.best.log_loss == min(one.log_loss for one in found.trials if one.state == DONE)
    assert found.best.log_loss <= found.first.log_loss


def test_trials_depend_on_the_seed_alone():
    assert results_of(tuned(trials=3)) == results_of(tuned(trials=3))
    assert tuned(trials=2, seed=1).trials[1].parameters != tuned(trials=2).trials[1].parameters


def test_a_resumed_tuning_matches_an_uninterrupted_one(tmp_path):
    tuned(trials=2, folder=tmp_path)
    assert results_of(tuned(trials=4, folder=tmp_path)) == results_of(tuned(trials=4))


def test_a_finished_tuning_runs_no_more_trials(tmp_path):
    tuned(trials=2, folder=tmp_path)
    lines = []
    assert len(tuned(trials=2, folder=tmp_path, log=lines.append).trials) == 2
    assert lines == []


def test_another_experiment_does_not_continue_a_tuning(tmp_path):
    tuned(trials=1, folder=tmp_path)
    with pytest.raises(OutputError) as error:
        tuned(trials=1, folder=tmp_path, model={**SMALL, "head": "mlp"})
    assert str(error.value) == (
        "expected the series, experiment and settings that the tuning to resume started with, got different "
        "ones; resume with the same ones, or tune without resuming"
    )


def test_tunings_with_different_validation_shares_are_different(tmp_path):
    task, recipe = task_of(WAVES), Recipe.of(SMALL)
    splits, rule = by_folds(WAVES, task, recipe, 2, seed=0)
    digests = set()
    for share in (None, 0.2, 0.3):
        changed = replace(recipe, hold_out=HoldOut(share))
        digests.add(search.Search(WAVES, splits, rule, task, changed, {}, "accuracy", tmp_path / "journal", 0).digest())
    assert len(digests) == 3


def test_tunings_with_different_metadata_are_different(tmp_path):
    machines = [WAVES.replace(metadata=pa.table({"machine": list(names) * 60})) for names in ("ab", "ba")]
    tuned(machines[0], trials=1, folder=tmp_path)
    with pytest.raises(OutputError) as error:
        tuned(machines[1], trials=1, folder=tmp_path)
    assert str(error.value) == (
        "expected the series, experiment and settings that the tuning to resume started with, got different "
        "ones; resume with the same ones, or tune without resuming"
    )


def test_trials_are_scored_without_fitted_thresholds():
    assert tuned(trials=1, decision={"thresholds": "f1"}).first.score == tuned(trials=1).first.score


def test_damaged_trials_are_refused(tmp_path):
    tuned(trials=1, folder=tmp_path)
    file = tmp_path / "trials.journal"
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    with pytest.raises(OutputError) as error:
        tuned(trials=1, folder=tmp_path)
    assert str(error.value).startswith(f"the trials in {str(file)!r} cannot be read (")


def test_the_best_trial_is_accepted_by_an_estimator():
    found = tuned(trials=2)
    model = TimeSeriesClassifier(**found.parameters, random_state=0).fit(WAVES)
    assert model.get_params()["training__learning_rate"] == found.best.settings.learning_rate


def test_few_series_are_scored_by_folds():
    found = tuned(WAVES[:40], trials=2)
    assert found.rule == "scored by log loss: 5 folds of 40 series, at random, stratified by label, seed 0"
    assert found.best.score is not None


def test_many_series_are_scored_by_a_validation_part():
    assert tuned(trials=1).rule == ("scored by log loss: 24 validation series; at random, stratified by label, seed 0")


def test_metadata_several_labels_and_labels_of_steps_are_tuned():
    random = np.random.default_rng(0)
    values = list(random.normal(size=(120, 10, 1)))
    metadata = pa.table({"mode": ["early", "late"] * 60})
    several = Panel.from_series(values, labels=random.integers(0, 2, (120, 2)), metadata=metadata)
    steps = Panel.from_series(values, step_labels=StepLabels.of(random.choice([*"abc"], 1200)), metadata=metadata)
    for panel in (several, steps):
        found = tuned(panel, {**SMALL, "pooling": "attention"}, only=["fusion", "embedding_size"], trials=3)
        assert [one.state for one in found.trials] == [DONE] * 3
        assert set(found.trials[1].parameters) == {"fusion", "embedding_size"}


def test_poor_trials_are_pruned_after_five_complete_ones(scripted):
    def answer(number, really, should_prune):
        asked_to_stop = should_prune(0.5, 0.1 * number)
        outcome = really()
        return type(outcome)(**{**outcome.__dict__, "stopped": "pruned" if asked_to_stop else outcome.stopped})

    scripted(answer)
    states = [one.state for one in tuned(trials=7).trials]
    assert states == [DONE] * 5 + [PRUNED] * 2


def test_a_failed_trial_is_kept_with_its_reason(scripted):
    def answer(number, really, should_prune):
        if number == 1:
            raise InternalError("the network gave an answer that is not a number")
        return really()

    scripted(answer)
    lines = []
    found = tuned(trials=3, log=lines.append)
    assert [one.state for one in found.trials] == [DONE, FAILED, DONE]
    assert found.trials[1].why == "the network gave an answer that is not a number"
    assert "trial 1 failed after" in lines[1]


def test_an_experiment_that_cannot_be_trained_ends_the_tuning(scripted):
    def answer(number, really, should_prune):
        raise ParameterError("expected a training that settles")

    scripted(answer)
    with pytest.raises(ParameterError) as error:
        tuned(trials=3)
    assert str(error.value) == "expected a training that settles"


def test_ctrl_c_keeps_complete_trials_only(scripted, tmp_path):
    def answer(number, really, should_prune):
        if number == 2:
            raise KeyboardInterrupt
        return really()

    scripted(answer)
    found = tuned(trials=4, folder=tmp_path)
    assert found.interrupted
    assert len(found.trials) == 2
    assert found.notes[0] == "interrupted after 2 of 4 trials; the results so far are kept"
    assert len(tuned(trials=4, folder=tmp_path).trials) == 4


def test_ctrl_c_in_the_first_trial_repeats_it(scripted, tmp_path):
    def answer(number, really, should_prune):
        if number == 0:
            raise KeyboardInterrupt
        return really()

    scripted(answer)
    with pytest.raises(KeyboardInterrupt):
        tuned(trials=2, folder=tmp_path)
    assert [one.as_it_is for one in tuned(trials=2, folder=tmp_path).trials] == [True, False]


def test_a_killed_trial_does_not_count(tmp_path):
    tuned(trials=1, folder=tmp_path)
    open_study(tmp_path / "trials.journal", 0, by_epoch=True).ask()
    assert [one.number for one in tuned(trials=3, folder=tmp_path).trials] == [0, 2, 3]


def test_no_trial_begins_after_the_time_budget(scripted, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(search.time, "time", lambda: clock[0])

    def answer(number, really, should_prune):
        clock[0] += 60.0
        return really()

    scripted(answer)
    found = tuned(trials=5, minutes=1)
    assert len(found.trials) == 1
    assert found.notes[0] == "the time budget ended after 1 of 5 trials; the results so far are kept"


def test_a_running_trial_ends_with_the_time_budget(scripted, monkeypatch):
    def answer(number, really, should_prune):
        if number == 1:
            monkeypatch.setattr(search.time, "time", lambda: 1e12)
            should_prune(0.5, 0.1)
            raise AssertionError("the trial went on")
        return really()

    scripted(answer)
    assert len(tuned(trials=5, minutes=60).trials) == 1


def test_importance_of_parameters_needs_eight_complete_trials(scripted):
    def answer(number, really, should_prune):
        return carry_out_as(really(), abs(np.log(learning_rates[number] / 0.01)))

    def carry_out_as(outcome, loss):
        return type(outcome)(**{**outcome.__dict__, "scores": {**outcome.scores, "log_loss": loss}})

    learning_rates = {}

    def remembered(panel, split, task, recipe, should_prune=None):
        learning_rates[len(learning_rates)] = recipe.training.learning_rate
        return answer(len(learning_rates) - 1, lambda: fit_and_score(panel, split, task, recipe), should_prune)

    search_carry_out, search.fit_and_score = search.fit_and_score, remembered
    try:
        found = tuned(WAVES[:110], trials=12)
    finally:
        search.fit_and_score = search_carry_out
    assert next(iter(found.importance)) == "learning_rate"
    assert sum(found.importance.values()) == pytest.approx(1)
    assert "parameter importance: learning rate" in str(found)
    assert len(found.figure().axes[0].patches) == 2


@pytest.mark.whole_epochs
@pytest.mark.slow
def test_several_processes_share_the_trials(tmp_path):
    found = tuned(trials=4, jobs=2, folder=tmp_path)
    assert [one.number for one in found.trials] == [0, 1, 2, 3]
    assert results_of(found)[:2] == results_of(tuned(trials=2))
    assert all(one.state == DONE for one in found.trials)


def test_without_optuna_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("limelight.model_selection.tuning.find_spec", lambda name: None)
    with pytest.raises(ParameterError) as error:
        tuned()
    assert str(error.value) == ("tuning needs Optuna, which is not installed; pip install 'limelight[tune]'")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"trials": 0}, "expected at least 1 trial, got 0"),
        ({"minutes": 0}, "expected more than 0 minutes, got 0"),
        ({"jobs": 0}, "expected at least 1 job, got 0"),
        ({"validation": 1.0}, "expected a validation share above 0 and below 1, got 1.0"),
        (
            {"score": "acuracy"},
            "expected a score to report next to the log loss, got 'acuracy'; did you mean 'accuracy'?",
        ),
    ],
)
def test_impossible_tunings_are_refused(named, message):
    with pytest.raises(ParameterError) as error:
        tuned(**named)
    assert str(error.value) == message


def test_a_journal_that_another_machine_lacks_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "worker-7")
    task, recipe, journal = task_of(WAVES), Recipe.of(SMALL), tmp_path / "elsewhere.journal"
    with pytest.raises(ParameterError) as error:
        search.run_trial(search.Search(WAVES, (), "", task, recipe, {}, "accuracy", journal, 0))
    assert str(error.value) == (
        f"expected the folder of the tuning on every machine that runs trials, got no {str(journal)!r} on worker-7; "
        "choose an output folder that all machines share"
    )
