"""One recipe: the estimator and the commands train, validate, compare and tune fit the same rows to the same model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight import TimeSeriesClassifier
from limelight.config.reading import read_experiment
from limelight.data.array_labels import attach_labels
from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.data.windowing.windows import cut_windows
from limelight.data.writing import write_split, write_table
from limelight.errors import ParameterError
from limelight.model.targets import task_of
from limelight.model_selection.comparison import compare
from limelight.model_selection.cross_validation import validate
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import fit_fold, fitted_rows, fold_splits
from limelight.model_selection.tuning import tune
from limelight.recipe import SOLVED, SOLVED_BY_GROUP, TOO_FEW, Recipe
from limelight.runs.train import run_experiment
from limelight.training import fit as training
from limelight.training.result import FitResult
from limelight.training.validation_split import HoldOut

MODELS: dict[str, dict[str, Any]] = {
    "solved": {"encoder": {"name": "rocket", "features": 252}},
    "trained": {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "mean", "head": "linear"},
}
ONE_EPOCH = {"max_epochs": 1}


def noisy_waves(count: int) -> Panel:
    """Series of two classes that overlap, so that calibration has something to do."""
    random = np.random.default_rng(0)
    values = random.normal(size=(count, 20, 1))
    labels = np.array(["slow", "fast"] * (count // 2))
    values[::2, :, 0] += 0.7 * np.sin(np.arange(20))
    return Panel.from_series(list(values), labels=labels)


PANEL = noisy_waves(500)


class Fits:
    """Every call of ``Recipe.fit``: the rows that were fitted and held out, and the model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[list[str], list[str], FitResult]] = []
        real = training.fit

        def fit(panel: Panel, *arguments: Any, validation: Panel | None = None, **rest: Any) -> FitResult:
            self._rows = panel.ids.tolist(), [] if validation is None else validation.ids.tolist()
            return real(panel, *arguments, validation=validation, **rest)

        whole = Recipe.fit

        def recorded(recipe: Recipe, *arguments: Any, **rest: Any) -> FitResult:
            result = whole(recipe, *arguments, **rest)
            self.calls.append((*self._rows, result))
            return result

        monkeypatch.setattr(training, "fit", fit)
        monkeypatch.setattr(Recipe, "fit", recorded)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fits]:
    """On one thread, as folds are fitted: sums in another order differ in the last digit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Fits(monkeypatch)
    torch.set_num_threads(threads)


def train_on(fold: Any, model: dict[str, Any], folder: Path) -> None:
    """Run the command ``train`` with a split file that names the rows of a fold."""
    write_table(PANEL, folder)
    words = Split(fold.train, fold.train[:0], fold.held_out, "by hand")
    write_split(words, PANEL.ids, folder)
    changes = {"model": model, "training": ONE_EPOCH, "output": str(folder / "run"), "explain": False}
    run_experiment(read_experiment(folder, changes), progress=False)


@pytest.mark.parametrize("kind", MODELS)
def test_estimator_and_commands_fit_the_same_model(kind: str, fits: Fits, tmp_path: Path) -> None:
    model, task = MODELS[kind], task_of(PANEL)
    folds, _ = fold_panel(PANEL, task, folds=2)
    fold = folds[0]
    TimeSeriesClassifier(**model, training=ONE_EPOCH, random_state=0, progress=False).fit(PANEL[fold.train])
    train_on(fold, model, tmp_path)
    validate(PANEL, model, training=ONE_EPOCH, folds=2)
    compare(PANEL, model, training=ONE_EPOCH, folds=2)
    tune(PANEL, model, training=ONE_EPOCH, folds=2, trials=1)
    places = [0, 1, 2, 4, 6]  # one fit by the estimator, one by train, two folds by each of the others
    assert len(fits.calls) == 8
    rows, held_out, first = fits.calls[0]
    assert len(rows) == (250 if kind == "solved" else 225)
    expected = first.model.predict(PANEL[fold.held_out]).probabilities
    for place in places[1:]:
        other_rows, other_held_out, result = fits.calls[place]
        assert (other_rows, other_held_out) == (rows, held_out)
        np.testing.assert_array_equal(result.model.predict(PANEL[fold.held_out]).probabilities, expected)


@pytest.mark.parametrize("kind", MODELS)
def test_validate_compare_and_tune_report_the_calibrated_loss(kind: str) -> None:
    model = MODELS[kind]
    validated = validate(PANEL, model, training=ONE_EPOCH, folds=2)
    compared = compare(PANEL, model, training=ONE_EPOCH, folds=2, score="log_loss")
    tuned = tune(PANEL, model, training=ONE_EPOCH, folds=2, trials=1)
    assert compared.row("series alone").scores == tuple(fold.scores["log_loss"] for fold in validated.folds)
    assert tuned.first.log_loss == validated.mean("log_loss")
    raw = validate(PANEL, model, training=ONE_EPOCH, folds=2, decision={"calibrate": False})
    if kind == "trained":
        assert raw.mean("log_loss") != validated.mean("log_loss")


def test_a_closed_form_head_holds_nothing_out_by_default() -> None:
    solved, trained = (Recipe.of(model) for model in MODELS.values())
    assert solved.validation_share(PANEL) == (0.0, SOLVED)
    assert trained.validation_share(PANEL) == (0.1, "")
    assert trained.validation_share(PANEL[:100]) == (0.0, TOO_FEW)
    stated = Recipe.of(MODELS["solved"], hold_out=HoldOut(0.2))
    assert stated.validation_share(PANEL) == (0.2, "")
    assert [len(rows) for rows in stated.split(PANEL, seed=0)] == [400, 100]


def test_a_closed_form_head_holds_out_no_groups() -> None:
    panel = PANEL.replace(metadata=pa.table({"machine": np.repeat(np.arange(50), 10).astype(str)}))
    recipe = Recipe.of(MODELS["solved"], hold_out=HoldOut(group="machine"), fields={"machine": "ignore"})
    assert recipe.validation_share(panel) == (0.0, SOLVED_BY_GROUP)


@pytest.mark.parametrize("why", ["many series", "a class in one group"])
def test_groups_that_cannot_be_left_out_are_held_out(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    machines = np.repeat(np.arange(50), 10).astype(str)
    panel = PANEL.replace(metadata=pa.table({"machine": machines}))
    if why == "many series":
        monkeypatch.setattr("limelight.recipe.MOST_AT_ONCE", 400)
    else:
        panel = panel.replace(labels=np.where(machines == "0", "rare", panel.labels))
    recipe = Recipe.of(MODELS["solved"], hold_out=HoldOut(group="machine"), fields={"machine": "ignore"})
    fitted, validation = recipe.split(panel, seed=0)
    assert len(validation) >= 20
    assert not set(machines[fitted]) & set(machines[validation])


def test_windows_are_calibrated_on_all_recordings() -> None:
    waves = [PANEL.series(row)[:, 0] for row in range(200)]
    recordings = Panel.from_series([np.concatenate(waves[row::10]) for row in range(10)], labels=["a", "b"] * 5)
    windows = cut_windows(recordings, length=20, stride=20)
    result = Recipe.of(MODELS["solved"]).fit(windows, task_of(windows), seed=0)
    assert result.counts == {"train": len(windows), "validation": 0}
    assert result.model.decision.mixing is not None
    assert result.model.decision.mixing.weight == pytest.approx(1 / 12)


def test_few_validation_recordings_calibrate_no_closed_form_head() -> None:
    waves = [PANEL.series(row)[:, 0] for row in range(200)]
    recordings = Panel.from_series([np.concatenate(waves[row::10]) for row in range(10)], labels=["a", "b"] * 5)
    windows = cut_windows(recordings, length=20, stride=20)
    last = windows.groups() == recordings.ids[-1]
    result = Recipe.of(MODELS["solved"]).fit(
        windows[np.flatnonzero(~last)], task_of(windows), validation=windows[np.flatnonzero(last)], seed=0
    )
    assert result.model.decision.mixing is not None
    assert result.model.decision.mixing.weight == pytest.approx(1 / 11)


def test_thresholds_without_validation_series_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "fit", lambda *arguments, **rest: pytest.fail("a network was trained"))
    recipe = Recipe.of(MODELS["trained"], decision={"thresholds": "f1"})
    with pytest.raises(
        ParameterError,
        match="^expected validation series to fit thresholds, prediction sets or abstention on, got none",
    ):
        recipe.fit(PANEL[:60], task_of(PANEL), seed=0)


def test_thresholds_for_three_classes_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "fit", lambda *arguments, **rest: pytest.fail("a network was trained"))
    panel = Panel.from_series(np.zeros((60, 5)), labels=["a", "b", "c"] * 20)
    with pytest.raises(ParameterError) as error:
        Recipe.of(MODELS["trained"], decision={"thresholds": "f1"}).fit(panel, task_of(panel), seed=0)
    assert str(error.value) == (
        "expected no threshold rule for 3 classes, got the best F1; remove it, as the most probable class is predicted, or "
        "make each class a label of its own"
    )


def test_auto_accepts_labels_of_steps_and_rocket_does_not() -> None:
    values = np.random.default_rng(0).normal(size=(12, 20, 1))
    panel = attach_labels(Panel.from_series(list(values)), (values[:, :, 0] > 0).astype(int), "step")
    Recipe.of().check(panel, task_of(panel))
    with pytest.raises(ParameterError, match="an encoder that supports per-step labels, got 'rocket'"):
        Recipe.of({"encoder": "rocket"}).check(panel, task_of(panel))


def test_rows_fitted_are_those_of_the_fit(fits: Fits) -> None:
    recipe, task = Recipe.of(MODELS["trained"], {"max_epochs": 1}), task_of(PANEL)
    split = fold_splits(fold_panel(PANEL, task, folds=2)[0], 0)[0]
    fit_fold(PANEL, split, task, recipe)
    assert PANEL.ids[fitted_rows(PANEL, split, recipe)].tolist() == fits.calls[0][0]


def test_unknown_labels_are_not_a_class() -> None:
    labels = [f"class {index % 20}" for index in range(400)]
    unlabelled = ["", *labels[1:]]
    for each in (labels, unlabelled):
        assert Recipe.of(MODELS["trained"], hold_out=HoldOut(0.05)).validation_share(
            Panel.from_series(np.zeros((400, 5)), labels=each)
        ) == (0.05, "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"training": {"max_epochs": 0}}, "expected max_epochs of at least 1, got 0"),
        (
            {"training": 3},
            "expected training settings as TrainingSettings(...) or a dict of its keywords, got 3",
        ),
        ({"decision": 3}, "expected a decision rule as DecisionRule(...) or a dict of its keywords, got 3"),
        ({"training": {"max_epoch": 3}}, "training has no parameter 'max_epoch'; did you mean 'max_epochs'?"),
        ({"decision": {"coverge": 0.9}}, "decision has no parameter 'coverge'; did you mean 'coverage'?"),
        ({"model": "lstmm"}, "there is no preset 'lstmm'; did you mean 'lstm'?"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        Recipe.of(**values)
    assert str(error.value) == message


def test_the_experiment_file_and_python_build_the_same_recipe(tmp_path: Path) -> None:
    write_table(PANEL[:40], tmp_path)
    changes = {
        "model": MODELS["trained"],
        "training": {"weight_decay": 0.5, "gradient_clip": 2.0, "workers": 1},
        "decision": {"coverage": 0.8},
        "split": {"validation": 0.3},
    }
    experiment = read_experiment(tmp_path, changes)
    recipe = Recipe.of(
        MODELS["trained"],
        changes["training"],
        changes["decision"],
        hold_out=HoldOut(0.3),  # type: ignore[arg-type]
    )
    assert experiment.recipe() == recipe
    json.dumps(experiment.to_json())
