from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import ParameterError
from limelight.evaluation.metrics.scoring import score
from limelight.model.targets import task_of
from limelight.model_selection import cross_validation as validation
from limelight.model_selection.cross_validation import validate
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import FOLD_SCORES, FoldSplit, fit_and_score
from limelight.recipe import Recipe
from limelight.training.validation_split import HoldOut

pytestmark = pytest.mark.usefixtures("short_epochs")

SMALL = {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "last", "head": "linear"}
ONE_EPOCH = {"max_epochs": 1}
WAVES = generate_sine(SineSettings(dataset_size=40, num_points=12))


def noise_panel(n, **arguments):
    random = np.random.default_rng(0)
    return Panel.from_series(list(random.normal(size=(n, 10, 1))), **arguments)


def fold_scores(found):
    return [fold.scores for fold in found.folds]


def test_every_fold_equals_a_fit_without_it():
    found = validate(WAVES, SMALL, training=ONE_EPOCH, folds=2, seed=3)
    task, recipe = task_of(WAVES), Recipe.of(SMALL, ONE_EPOCH)
    first = found.folds[0]
    fold = fold_panel(WAVES, task, folds=2, seed=3)[0][0]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    training = recipe.fit(WAVES[fold.train], task, seed=3)
    torch.set_num_threads(before)
    held_out = WAVES[fold.held_out]
    scores = score(task, task.encode(held_out.labels), training.model.predict(held_out).probabilities)
    assert first.scores == {name: scores[name] for name in FOLD_SCORES}


def test_mean_and_deviation_are_over_the_folds():
    found = validate(WAVES, SMALL, training=ONE_EPOCH, folds=4)
    losses = [fold.scores["log_loss"] for fold in found.folds]
    assert found.mean("log_loss") == pytest.approx(np.mean(losses))
    assert found.deviation("log_loss") == pytest.approx(np.std(losses, ddof=1))
    assert found.to_json()["scores"]["log_loss"] == {"mean": found.mean("log_loss"), "sd": found.deviation("log_loss")}


@pytest.mark.whole_epochs
@pytest.mark.slow
def test_two_processes_compute_the_scores_of_one():
    independent, beside = (validate(WAVES, SMALL, training=ONE_EPOCH, folds=3, jobs=jobs) for jobs in (1, 2))
    assert fold_scores(independent) == fold_scores(beside)
    assert [fold.name for fold in beside.folds] == ["fold 1", "fold 2", "fold 3"]


def test_threads_of_the_process_change_no_score():
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(fold_scores(validate(WAVES, SMALL, training=ONE_EPOCH, folds=2)))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert found[0] == found[1]


def test_several_classes_several_labels_and_labels_of_steps_are_validated():
    random = np.random.default_rng(0)
    of_series = noise_panel(30, labels=list("abc") * 10)
    several = noise_panel(30, labels=random.integers(0, 2, (30, 2)), label_names=["rain", "fog"])
    of_steps = noise_panel(30, step_labels=StepLabels.of(random.choice(["ok", "worn"], 300)))
    for panel, kind in ((of_series, "multiclass"), (several, "multilabel"), (of_steps, "binary")):
        model = {**SMALL, "pooling": "attention"}
        found = validate(panel, model, training=ONE_EPOCH, folds=2)
        assert found.task.kind == kind
        assert found.mean("log_loss") > 0
    assert found.task.by_step
    assert sum(fold.counts["held_out"] for fold in found.folds) == 30


def test_table_has_every_fold_the_mean_and_the_deviation():
    lines = str(validate(WAVES, SMALL, training=ONE_EPOCH, folds=2)).splitlines()
    assert lines[0] == "gru (4), last, linear; 2 folds of 40 series, at random, stratified by label, seed 0"
    assert lines[2].split()[-2:] == ["epochs", "seconds"]
    assert [line.split()[0] for line in lines[3:7]] == ["fold", "fold", "mean", "sd"]
    assert lines[7] == "note: too few series for a validation split, so all epochs are run"


def test_a_score_undefined_in_a_fold_is_noted():
    times = [np.arange(10) + row for row in range(40)]
    labels = [*"ab" * 15, *"a" * 10]
    found = validate(noise_panel(40, labels=labels, times=times), SMALL, training=ONE_EPOCH, folds=3, by="time")
    assert found.folds[2].scores["roc_auc"] is None
    assert found.mean("roc_auc") == pytest.approx(np.mean([fold.scores["roc_auc"] for fold in found.folds[:2]]))
    assert found.notes[-1] == (
        "ROC AUC is the mean of 2 of 3 folds: ROC AUC is undefined without series of class 'b' in fold 3"
    )


def test_validation_series_of_a_fold_have_other_groups():
    machines = np.repeat(np.arange(60), 5)
    panel = noise_panel(300, labels=list("ab") * 150, metadata=pa.table({"machine": [f"m{one}" for one in machines]}))
    fold = Fold("fold 1", np.arange(250), np.arange(250, 300))
    fitted, validation = Recipe.of(SMALL, hold_out=HoldOut(0.2, group="machine")).split(panel[fold.train], seed=0)
    assert len(validation) >= 20
    assert sorted([*fitted, *validation]) == list(range(250))
    assert not set(machines[fitted]) & set(machines[validation])


def test_missing_values_only_in_held_out_series_are_filled():
    holes = WAVES.replace(values=WAVES.values.copy())
    rows = np.arange(20)
    holes.values[holes.starts[30]] = np.nan
    task, recipe = task_of(WAVES), Recipe.of(SMALL, ONE_EPOCH)
    split = FoldSplit("fold 1", rows, np.arange(20, 40), 0)
    mean = replace(recipe, architecture=replace(recipe.architecture, missing="mean"))
    assert fit_and_score(holes, split, task, recipe).scores == fit_and_score(holes, split, task, mean).scores


def test_ctrl_c_keeps_completed_folds(monkeypatch):
    def interrupted(panel, split, task, recipe):
        if split.name == "fold 2":
            raise KeyboardInterrupt
        return fit_and_score(panel, split, task, recipe)

    monkeypatch.setattr(validation, "fit_and_score", interrupted)
    found = validate(WAVES, SMALL, training=ONE_EPOCH, folds=3)
    assert [fold.name for fold in found.folds] == ["fold 1"]
    assert found.interrupted
    assert found.notes[-1] == "interrupted after 1 of 3 folds; the results so far are kept"
    assert found.deviation("log_loss") is None


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"jobs": 0}, "expected at least 1 job, got 0"),
        ({"folds": 1}, "expected folds of at least 2, got 1"),
        ({"model": "lstmm"}, "there is no preset 'lstmm'; did you mean 'lstm'?"),
    ],
)
def test_impossible_validations_are_refused(named, message):
    with pytest.raises(ParameterError) as error:
        validate(WAVES, **{"model": SMALL, **named})
    assert str(error.value) == message


def test_an_unknown_score_is_refused():
    found = validate(WAVES, SMALL, training=ONE_EPOCH, folds=2)
    with pytest.raises(ParameterError) as error:
        found.mean("auc")
    assert str(error.value) == (
        "expected a score, one of accuracy, balanced_accuracy, f1, roc_auc, log_loss, got 'auc'"
    )
