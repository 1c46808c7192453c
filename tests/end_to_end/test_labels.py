"""Every kind of label from files and arrays to predictions: per series and per step, multiclass and multi-label."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.data.windowing.windows import cut_windows
from limelight.data.writing import write_table
from limelight.errors import LabelError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.decision.rule import fit_decision
from limelight.evaluation.events import rule
from limelight.loading import load
from limelight.model.fitted import FittedModel
from limelight.parts.encoders import GRU
from limelight.runs.scores import score_predictions
from support import planted
from support.commands import Commands

KINDS = {
    "several labels": planted.which_bumps,
    "steps, two classes": planted.in_a_bump,
    "steps, several labels": planted.in_which_bumps,
    "steps, three classes": planted.in_which_bump,
}
SMALL = GRU(hidden_size=16)
QUICK = (
    "--set",
    'model.encoder={"name": "gru", "hidden_size": 4}',
    "--set",
    "training.max_epochs=1",
    "--set",
    "explain=false",
)
OF_STEPS = [kind for kind in KINDS if kind.startswith("steps")]
ENCODERS = {
    "conv_lstm": {"name": "conv_lstm", "filters": 4, "hidden_size": 4},
    "lstm": {"name": "lstm", "hidden_size": 4},
    "gru": {"name": "gru", "hidden_size": 4},
}


@cache
def series_of(kind: str) -> tuple[Panel, Panel]:
    """Training and test part, lengths from 15 to 30."""
    panel = KINDS[kind](ragged=True)
    return panel[:180], panel[180:]


def fit_classifier(train: Panel, y: object = None, **parameters: object) -> TimeSeriesClassifier:
    training = {"learning_rate": 1e-2, **parameters.pop("training", {})}
    usual = {"encoder": SMALL, "training": training, "max_epochs": 6, "random_state": 0}
    return TimeSeriesClassifier(**{**usual, **parameters}).fit(train, y)


@cache
def classifier_for(kind: str) -> TimeSeriesClassifier:
    return fit_classifier(series_of(kind)[0], progress=False)


def scores_of(model: FittedModel, test: Panel) -> dict:
    return score_predictions(model, model.predict(test), test)


# Learning


@pytest.mark.parametrize("kind", KINDS)
def test_planted_labels_are_learned(kind: str) -> None:
    found = scores_of(classifier_for(kind).model_, series_of(kind)[1])["test"]
    assert found["balanced_accuracy"] >= 0.95
    assert found["f1"] >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_labels_are_not_learned(kind: str) -> None:
    train, test = (planted.shuffled(part) for part in series_of(kind))
    model = fit_classifier(train, progress=False, max_epochs=2)
    found = scores_of(model.model_, test)["test"]
    chance = 1 / 3 if kind == "steps, three classes" else 0.5
    assert found["balanced_accuracy"] == pytest.approx(chance, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_test_labels_score_at_chance(kind: str) -> None:
    found = scores_of(classifier_for(kind).model_, planted.shuffled(KINDS[kind](n=400, ragged=True, seed=1)))
    test, chance = found["test"], 1 / 3 if kind == "steps, three classes" else 0.5
    for name in ("balanced_accuracy", "roc_auc"):
        assert test[name] == pytest.approx(chance if name == "balanced_accuracy" else 0.5, abs=0.1)
    assert test["average_precision"] == pytest.approx(found["baseline"]["average_precision"], abs=0.1)
    assert test["matthews"] == pytest.approx(0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("imbalance", ["weights", "focal", "balanced"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_imbalance_setting_learns(kind: str, imbalance: str) -> None:
    train, test = series_of(kind)
    model = fit_classifier(train, progress=False, training={"imbalance": imbalance}, max_epochs=5)
    assert scores_of(model.model_, test)["test"]["balanced_accuracy"] >= 0.9


# Unknown labels


@pytest.mark.parametrize("kind", KINDS)
def test_masked_labels_change_nothing(kind: str, limelight: Commands, tmp_path: Path) -> None:
    panel = KINDS[kind](n=60, ragged=True)
    for name, other in (("one", panel), ("other", planted.shuffled(panel))):
        write_masked(panel, other, tmp_path / name)
        level = "step" if kind in OF_STEPS else "series"
        limelight(
            "train", name, "-o", f"run-{name}", "--set", "data.mask=known", "--set", f"data.level={level}", *QUICK
        )
    weights = [(tmp_path / f"run-{name}" / "model" / "weights.safetensors").read_bytes() for name in ("one", "other")]
    assert weights[0] == weights[1]
    scores = json.loads((tmp_path / "run-one" / "metrics.json").read_text())["test"]
    assert scores["unknown"] > 0
    assert scores == json.loads((tmp_path / "run-other" / "metrics.json").read_text())["test"]


def write_masked(panel: Panel, other: Panel, folder: Path) -> None:
    """Write a panel with a mask beside its labels; where that says unknown, the labels are those of the other."""
    unknown = np.random.default_rng(0).random(len(panel.values) if panel.labels is None else len(panel)) < 0.3
    if panel.labels is not None:
        write_table(panel.replace(labels=np.where(unknown[:, None], other.labels, panel.labels)), folder)
        lines = (folder / "labels.csv").read_text().splitlines()
        mask = ["known", *np.where(unknown, "no", "yes")]
        (folder / "labels.csv").write_text("".join(f"{line},{word}\n" for line, word in zip(lines, mask, strict=True)))
        return
    labels = panel.step_labels
    codes = np.where(unknown[:, None], other.step_labels.codes, labels.codes)
    write_table(panel.replace(step_labels=StepLabels(codes, labels.names, labels.classes)), folder)
    table = parquet.read_table(folder / "series.parquet")
    parquet.write_table(table.append_column("known", [~unknown]), folder / "series.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_STEPS)
def test_a_model_learns_from_labelled_steps_alone(kind: str) -> None:
    train, test = series_of(kind)
    labels = train.step_labels
    codes = np.where(np.random.default_rng(0).random(labels.codes.shape) < 0.5, -1, labels.codes).astype(np.int16)
    model = fit_classifier(
        train.replace(step_labels=StepLabels(codes, labels.names, labels.classes)), progress=False, max_epochs=8
    )
    assert scores_of(model.model_, test)["test"]["balanced_accuracy"] >= 0.9


@pytest.mark.slow
def test_unlabelled_series_do_not_disturb_learning() -> None:
    train, test = series_of("several labels")
    labels = train.labels.astype(float)
    labels[::3] = np.nan
    model = fit_classifier(train.replace(labels=labels), progress=False, max_epochs=8)
    assert scores_of(model.model_, test)["test"]["balanced_accuracy"] >= 0.9


def test_unlabelled_series_are_not_used_for_validation() -> None:
    train, _ = series_of("several labels")
    settings = {"validation": 0.2, "max_epochs": 1, "progress": False}
    labels = train.labels.astype(float)
    assert "temperature" in fit_classifier(train.replace(labels=labels), **settings).model_.decision.provenance
    labels[::2] = np.nan  # 36 series, of which 18 have labels
    assert not fit_classifier(train.replace(labels=labels), **settings).model_.decision.provenance


@pytest.mark.parametrize("labels", [["up", "down", None] * 10, [1, 0, None] * 10, [1.0, 0.0, np.nan] * 10], ids=str)
def test_the_one_label_of_a_series_may_be_unknown(labels: list) -> None:
    series, _ = planted.bumps(n=30)
    model = fit_classifier(series, np.array(labels, dtype=object), progress=False, max_epochs=1)
    assert model.classes_.tolist() == (["down", "up"] if "up" in labels else [0, 1])
    assert model.score(series, np.array(labels, dtype=object)) == np.mean(
        model.predict(series)[[place % 3 < 2 for place in range(30)]] == np.array((labels[:2]) * 10)
    )


# Shapes, words and estimators


def test_predictions_of_equal_length_are_stacked() -> None:
    series, inside = planted.bumps(n=20)
    single = fit_classifier(series, [one[:, 0] for one in inside], progress=False, max_epochs=1)
    assert single.classes_.tolist() == [0, 1]
    assert single.predict(series).shape == (20, 30)
    assert single.predict_proba(series).shape == (20, 30, 2)
    np.testing.assert_allclose(single.predict_proba(series).sum(axis=2), 1)
    several = fit_classifier(np.stack(series), np.stack(inside), progress=False, max_epochs=1)
    assert several.classes_.tolist() == ["label_0", "label_1"]
    assert several.predict(series).shape == several.predict_proba(series).shape == (20, 30, 2)
    assert set(np.unique(several.predict(series))) <= {0, 1}


def test_predictions_of_ragged_series_are_a_list() -> None:
    series, inside = planted.bumps(n=20, ragged=True)
    lengths = [len(one) for one in series]
    single = fit_classifier(series, [one[:, 0] for one in inside], progress=False, max_epochs=1)
    assert [one.shape for one in single.predict(series)] == [(length,) for length in lengths]
    assert [one.shape for one in single.predict_proba(series)] == [(length, 2) for length in lengths]
    several = fit_classifier(series, inside, progress=False, max_epochs=1)
    assert [one.shape for one in several.predict_proba(series)] == [(length, 2) for length in lengths]
    assert 0 <= several.score(series, inside) <= single.score(series, [one[:, 0] for one in inside])


def test_multilabel_predictions_are_a_matrix() -> None:
    test, model = series_of("several labels")[1], classifier_for("several labels")
    assert model.classes_.tolist() == ["up", "down"]
    assert model.predict(test).shape == model.predict_proba(test).shape == (60, 2)
    assert model.score(test) == model.score(test, test.labels) == np.mean((model.predict(test) == test.labels).all(1))


@pytest.mark.parametrize("container", [list, lambda arrays: np.array([*arrays, None], dtype=object)[:-1]])
def test_labels_per_step_are_lists_or_arrays(container: object) -> None:
    series, inside = planted.bumps(n=12, ragged=True)
    labels = container([np.where(one[:, 0], "up", "none") for one in inside])
    model = fit_classifier(series, labels, progress=False, max_epochs=1)
    assert model.classes_.tolist() == ["none", "up"]
    assert model.predict(series)[0].shape == (len(series[0]),)


def test_level_states_that_a_matrix_is_of_steps() -> None:
    series, inside = planted.bumps(n=12)
    labels = np.stack(inside)[:, :, 0]
    assert fit_classifier(series, labels, level="step", progress=False, max_epochs=1).model_.task.describe() == (
        "binary: one of 0, 1 at each step"
    )
    assert fit_classifier(series, labels, progress=False, max_epochs=1).model_.task.by_step
    assert fit_classifier(series, labels, level="series", progress=False, max_epochs=1).model_.task.outputs == 30


@pytest.mark.slow
def test_cross_validation_and_search_accept_a_matrix_of_labels() -> None:
    series, inside = planted.bumps(n=60, steps=20)
    X, y = np.stack(series), np.stack([one.max(axis=0) for one in inside])
    model = TimeSeriesClassifier(
        SMALL, training={"max_epochs": 4, "learning_rate": 1e-2}, random_state=0, progress=False
    )
    assert cross_val_score(model, X, y, cv=2, scoring="f1_macro").mean() > 0.8
    search = GridSearchCV(model, {"training__imbalance": ["none", "weights"]}, cv=2).fit(X, y)
    assert search.predict(X).shape == (60, 2)


def test_cross_validation_accepts_labels_of_steps() -> None:
    series, inside = planted.bumps(n=40, steps=24, ragged=True)
    model = TimeSeriesClassifier("gru", max_epochs=4, random_state=0, progress=False)
    labels = np.array([one.max(axis=1) for one in inside], dtype=object)  # of lists scikit-learn makes a block
    scores = cross_val_score(model, series, labels, cv=2)
    assert scores.min() > 0.5


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("fusion", [[], "late", "repeat", "film", ["repeat", "film", "late"]], ids=str)
def test_every_encoder_and_fusion_predicts_steps(encoder: str, fusion: object) -> None:
    panel = planted.in_which_bumps(n=12, ragged=True)
    panel = panel.replace(metadata=pa.table({"age": np.arange(12.0), "site": ["x", "y"] * 6}))
    model = fit_classifier(panel, encoder=ENCODERS[encoder], fusion=fusion, progress=False, max_epochs=1)
    assert [one.shape for one in model.predict_proba(panel)] == [(length, 2) for length in panel.lengths]
    alone = [model.predict_proba(panel[[row]])[0] for row in range(12)]  # without padding
    for one, among_others in zip(alone, model.predict_proba(panel), strict=True):
        np.testing.assert_allclose(one, among_others, atol=1e-5)


def test_attention_by_metadata_cannot_predict_steps() -> None:
    panel = planted.in_a_bump(n=12).replace(metadata=pa.table({"site": ["x", "y"] * 6}))
    with pytest.raises(ParameterError) as error:
        fit_classifier(panel, fusion="attention")
    assert str(error.value) == (
        "expected fusion 'late', 'repeat' or 'film' with per-step labels, got attention by metadata, which predicts "
        "one label for the whole series; use one of the three"
    )


def test_thresholds_need_two_classes_or_multilabel() -> None:
    train, _ = series_of("steps, three classes")
    with pytest.raises(ParameterError) as error:
        fit_classifier(train, decision={"thresholds": "f1"}, progress=False, max_epochs=1)
    assert str(error.value) == (
        "expected no threshold rule for 3 classes, got the best F1; remove it, as the most probable class is "
        "predicted, or make each class a label of its own"
    )


# The decision


@pytest.mark.parametrize("kind", ["several labels", "steps, two classes", "steps, several labels"])
def test_thresholds_and_temperature_are_saved_and_used(kind: str, tmp_path: Path) -> None:
    train, test = series_of(kind)
    settings = {"decision": {"thresholds": {"recall": 0.99}}, "validation": 0.25, "max_epochs": 2, "progress": False}
    model = fit_classifier(train, training={"imbalance": "weights"}, **settings)
    again = load(model.save(tmp_path / "model"))
    decision = model.model_.decision
    assert again.model_.decision.to_json() == decision.to_json()
    prediction, plain = (one.predict(test) for one in (again.model_, replace(model.model_, decision=type(decision)())))
    np.testing.assert_allclose(prediction.logits, plain.logits / decision.temperature)
    cut = prediction.probabilities if prediction.task.multilabel else prediction.probabilities[:, 1:]
    codes = prediction.task.encode(prediction.labels)
    np.testing.assert_array_equal(codes.reshape(cut.shape), cut >= decision.thresholds)


def test_the_decision_never_sees_the_test_part(limelight: Commands, tmp_path: Path) -> None:
    panel = planted.which_bumps(n=150)
    parts = np.repeat(["train", "validation", "test"], 50)
    decisions = []
    for name, other in (("one", panel), ("other", planted.shuffled(panel))):
        labels = np.where((parts == "test")[:, None], other.labels, panel.labels)
        write_table(panel.replace(labels=labels), tmp_path / name)
        rows = "".join(f"{row},{part}\n" for row, part in enumerate(parts))
        (tmp_path / name / "split.csv").write_text("series_id,split\n" + rows)
        sets = ("--set", "decision.thresholds=f1", "--set", "decision.coverage=0.8")
        limelight("train", name, "-o", f"run-{name}", *sets, *QUICK)
        decisions.append(json.loads((tmp_path / f"run-{name}" / "model" / "model.json").read_text())["decision"])
    assert decisions[0] == decisions[1]
    assert set(decisions[0]["told"]) == {"temperature", "thresholds", "sets", "held_out"}
    first, second = (json.loads((tmp_path / f"run-{name}" / "metrics.json").read_text()) for name in ("one", "other"))
    assert first["decision"]["thresholds"] == second["decision"]["thresholds"]
    assert first["decision"]["sets"] != second["decision"]["sets"]


def test_thresholds_without_series_to_choose_them_on_are_refused() -> None:
    with pytest.raises(ParameterError) as error:
        fit_classifier(planted.which_bumps(n=40), decision={"thresholds": "f1"}, progress=False)
    assert str(error.value) == (
        "expected validation series to fit thresholds, prediction sets or abstention on, got none or too few; "
        "enlarge the validation split, or remove thresholds, coverage and abstain"
    )


SOLVED = {"encoder": {"name": "rocket", "features": 504}, "progress": False}


def test_a_closed_form_head_calibrates_by_leave_one_out() -> None:
    train, test = planted.which_bumps(n=260)[:60], planted.which_bumps(n=260)[60:]
    model = fit_classifier(train, decision={"thresholds": "f1"}, **SOLVED).model_
    assert (model.fitted_on["training_series"], model.fitted_on["validation_series"]) == (60, 0)
    assert model.decision.thresholds is not None
    assert model.decision.mixing is not None
    assert model.decision.mixing.weight == 1 / 62
    assert model.predict(test).probabilities.max() < 1 - 0.25 / 62
    assert scores_of(model, test)["test"]["f1"] >= 0.9


def test_a_stated_share_is_held_out_from_closed_form() -> None:
    model = fit_classifier(planted.which_bumps(n=200), validation=0.25, **SOLVED).model_
    assert (model.fitted_on["training_series"], model.fitted_on["validation_series"]) == (150, 50)


def test_windows_of_noise_are_calibrated_without_their_recording() -> None:
    recordings = Panel.from_series(np.random.default_rng(0).normal(size=(4, 300, 1)), labels=["a", "b"] * 2)
    windows = cut_windows(recordings, length=30)
    decision = fit_classifier(windows, **SOLVED).model_.decision
    assert decision.provenance["held_out"]["series"] == len(windows)
    assert decision.provenance["held_out"]["accuracy"] < 0.75


def test_without_validation_series_only_the_mixture_is_fitted() -> None:
    model = classifier_for("several labels").model_
    decision, n = fit_decision(model, None, DecisionRule()).decision, model.fitted_on["training_series"]
    assert (decision.temperature, decision.thresholds, decision.provenance) == (None, None, {})
    assert decision.mixing is not None
    assert decision.mixing.weight == 1 / (n + 2)
    assert fit_decision(model, None, DecisionRule(calibrate=False)).decision.mixing is None


# The command line


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_learns_every_kind(kind: str, limelight: Commands, tmp_path: Path) -> None:
    write_table(KINDS[kind](ragged=True), tmp_path / "bumps")
    (tmp_path / "e.json").write_text(
        json.dumps(
            {
                "data": {"folder": "bumps", "series": "series.parquet"}
                | ({"level": "step"} if kind in OF_STEPS else {"labels": "labels.csv"}),
                "model": {"encoder": {"name": "gru", "hidden_size": 16}},
                "training": {"max_epochs": 6, "learning_rate": 1e-2, "imbalance": "weights"},
                "events": {"min_length": 3},
                "explain": False,
                "output": "run",
            }
        )
    )
    limelight("train", "e.json")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["balanced_accuracy"] >= 0.95
    assert metrics["training"]["imbalance"] == "weights"
    assert (tmp_path / "run" / "events.parquet").exists() == (kind in OF_STEPS)
    if kind in OF_STEPS:
        assert metrics["events"]["micro"]["f1"] >= 0.9
    again = limelight("evaluate", "run")
    assert f"{metrics['test']['f1']:.3f}"[:4] in again
    limelight("predict", "run", "bumps/series.parquet", "-o", "predictions.parquet")
    predictions = parquet.read_table("predictions.parquet")
    several, by_step = "several" in kind, kind in OF_STEPS
    assert predictions.num_rows == (KINDS[kind](ragged=True).lengths.sum() if by_step else 240)
    assert ("prediction_up" in predictions.column_names) == several
    assert ("time" in predictions.column_names) == by_step


def test_a_class_of_most_steps_may_be_no_event(
    limelight: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule, "OUTSIDE", "outside")
    classifier_for("steps, three classes").save(tmp_path / "model")
    write_table(planted.in_which_bumps(), tmp_path / "bumps")
    words = (
        "predict",
        "model",
        "bumps/series.parquet",
        "--overwrite",
        "-o",
        "predictions.csv",
        "--events",
        "events.csv",
    )
    limelight(*words)
    assert re.search(
        r"note: 'none' has \d+% of the steps and counts as an event; if it is the state between events, pass --set "
        "events.background=none",
        limelight.errors,
    )
    limelight(*words, "--set", "events.background=none")
    assert "counts as an event" not in limelight.errors


def test_steps_outside_all_intervals_are_no_events(limelight: Commands, tmp_path: Path) -> None:
    classifier_for("steps, three classes").save(tmp_path / "model")
    write_table(planted.in_which_bumps(), tmp_path / "bumps")
    limelight("predict", "model", "bumps/series.parquet", "-o", "predictions.csv", "--events", "events.parquet")
    assert "counts as an event" not in limelight.errors
    assert {*parquet.read_table("events.parquet")["label"].to_pylist()} == {"down", "up"}


def test_predict_writes_the_events_it_finds(limelight: Commands, tmp_path: Path) -> None:
    panel = planted.in_which_bumps()
    classifier_for("steps, several labels").save(tmp_path / "model")
    write_table(panel, tmp_path / "bumps")
    limelight("predict", "model", "bumps/series.parquet", "-o", "predictions.csv", "--events", "events.csv")
    header, first = (tmp_path / "events.csv").read_text().splitlines()[:2]
    assert header.replace('"', "") == "series_id,label,start,end,start_step,end_step,peak_probability"
    assert first.split(",")[1].strip('"') in ("up", "down")


def test_events_need_a_model_of_steps(limelight: Commands, tmp_path: Path) -> None:
    classifier_for("several labels").save(tmp_path / "model")
    write_table(planted.which_bumps(n=5), tmp_path / "bumps")
    assert limelight(
        "predict", "model", "bumps/series.parquet", "-o", "predictions.csv", "--events", "events.csv", code=2
    ) == ("limelight: expected a model with labels per step to find events, got one for whole series; drop --events\n")


@pytest.mark.parametrize("imbalance", ["weights", "focal", "balanced"])
def test_imbalance_is_set_on_the_command_line(imbalance: str, limelight: Commands, tmp_path: Path) -> None:
    write_table(planted.which_bumps(n=60), tmp_path / "bumps")
    limelight("train", "bumps", "-o", "run", "--set", f"training.imbalance={imbalance}", *QUICK)
    model = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert model["fitted_on"]["training"]["imbalance"] == imbalance


def test_an_unknown_imbalance_setting_is_refused(limelight: Commands, tmp_path: Path) -> None:
    write_table(planted.which_bumps(n=20), tmp_path / "bumps")
    assert "imbalance" in limelight("train", "bumps", "-o", "run", "--set", "training.imbalance=smote", code=2)


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_describes_the_labels(kind: str, limelight: Commands, tmp_path: Path) -> None:
    write_table(KINDS[kind](n=30), tmp_path / "bumps")
    level = ("--set", "data.level=step") if kind in OF_STEPS else ()
    printed = limelight("inspect", "bumps", *level)
    assert ("share of steps" in printed) == (kind in OF_STEPS)


def test_labels_of_another_task_are_refused(limelight: Commands, tmp_path: Path) -> None:
    model = classifier_for("steps, two classes")
    with pytest.raises(LabelError) as error:
        scores_of(model.model_, planted.which_bumps(n=5))
    assert str(error.value) == "expected a label at each step, got none; pass per-step labels with the series"
