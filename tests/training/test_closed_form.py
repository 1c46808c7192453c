"""Closed-form fits of rocket: reproducibility, metadata, missing values, clocks, several and unknown labels."""

import random as python_random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import log_loss

from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import LabelError, ParameterError
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.decision.rule import fit_decision, score_decision
from limelight.model.bundle import load_model, save_model
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.parts.encoders.blocks import BLOCK_NAMES
from limelight.training import closed_form
from limelight.training.closed_form import METADATA_WITHOUT_WEIGHT, solve
from limelight.training.fit import fit
from limelight.training.preparation import prepare
from limelight.training.result import FitResult
from limelight.training.settings import TrainingSettings

SMALL = Architecture.of({"name": "rocket", "features": 84 * 6})
WAVES = generate_sine(SineSettings(dataset_size=160, num_points=60, min_length=0.3), 0)
TRAIN, TEST = WAVES[:120], WAVES[120:]


def fit_small_rocket(panel: Panel = TRAIN, architecture: Architecture = SMALL, **parameters: object) -> FitResult:
    return fit(panel, task_of(panel), architecture, **parameters)  # type: ignore[arg-type]


def noisy(n: int, classes: int, seed: int = 0) -> Panel:
    """Draw ragged noise whose mean is half informative about the class."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % classes)
    series = [0.4 * label + random.normal(size=(int(random.integers(9, 30)), 2)) for label in labels]
    return Panel.from_series(series, labels=labels)


def test_a_rocket_is_fitted_in_closed_form() -> None:
    training = fit_small_rocket()
    assert (training.history, training.best_epoch, training.stopped) == ([], 0, "solved")
    penalty = training.model.fitted_on["training"]["penalty"][0]
    assert training.describe() == (
        f"solved in closed form in {training.seconds:.1f} s, penalty {penalty:.3g} by leave-one-out"
    )
    assert np.mean(training.model.predict(TEST).labels == TEST.labels) >= 0.75


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_of_new_series_are_calibrated(classes: int) -> None:
    panel, new = noisy(150, classes), noisy(150, classes, seed=1)
    truth = new.require_labels()
    model = fit_small_rocket(panel).model
    plain = log_loss(truth, np.full((150, classes), 1 / classes))
    assert log_loss(truth, model.predict(new).probabilities) < 0.95 * plain
    sure = model.predict(new).probabilities.max(axis=1).mean()
    assert sure == pytest.approx(np.mean(model.predict(new).labels == truth), abs=0.12)


def test_the_seed_determines_the_model_without_global_randomness() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    python_random.seed(5)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), python_random.getstate()
    models = [fit_small_rocket(seed=seed).model for seed in (3, 3, 4)]
    after = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), python_random.getstate()
    first, again, other = (model.predict(TEST).logits for model in models)  # checks of types in tests draw numbers here
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_validation_series_are_counted_and_change_no_number() -> None:
    independent, beside = fit_small_rocket(), fit_small_rocket(validation=TEST)
    assert beside.model.fitted_on["validation_series"] == len(TEST)
    np.testing.assert_array_equal(independent.model.predict(TEST).logits, beside.model.predict(TEST).logits)


def test_leave_one_out_logits_are_those_of_refitted_models() -> None:
    task = task_of(TRAIN)
    prepared = prepare(TRAIN, task, SMALL, None, None)
    solved = solve(TRAIN, task, prepared, TrainingSettings())
    out_of_sample = solved.out_of_sample
    assert out_of_sample is not None
    assert out_of_sample.rows.tolist() == list(range(len(TRAIN)))
    inside = solved.model.predict(TRAIN).logits[:, 0]
    truth = np.where(task.encode(TRAIN.require_labels()) == 1, 1.0, -1.0)
    assert (truth * out_of_sample.logits[:, 0]).mean() < (truth * inside).mean()
    assert np.corrcoef(out_of_sample.logits[:, 0], inside)[0, 1] > 0.8


def test_prediction_sets_from_leave_one_out_logits_reach_their_coverage() -> None:
    """Predictions of training series are nearly all correct, so that sets from them would be too small."""
    panel, new = noisy(150, 4), noisy(600, 4, seed=1)
    training = fit_small_rocket(panel)
    chosen = training.calibration_data(panel, None, honest=True)
    for (calibration_data, logits), coverage in ((chosen, (0.74, 0.88)), ((panel, None), (0.0, 0.7))):
        model = fit_decision(training.model, calibration_data, DecisionRule(coverage=0.8), logits)
        found = score_decision(model, model.predict(new), new)
        assert found is not None
        assert coverage[0] < found["sets"]["coverage"] < coverage[1]


def test_many_series_are_fitted_in_one_pass_about_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_small_rocket()
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 50)
    passed = fit_small_rocket()
    assert passed.model.fitted_on["training"]["chosen_by"] == "held-out series"
    both = [one.model.predict(TEST).logits[:, 0] for one in (whole, passed)]
    assert np.corrcoef(*both)[0, 1] > 0.95


def with_mode(panel: Panel, share: float, seed: int = 0) -> Panel:
    """Return series with a field that is the label for a stated share of them."""
    random = np.random.default_rng(seed)
    labels = panel.require_labels().astype(str)
    mode = np.where(random.random(len(panel)) < share, labels, random.permutation(labels))
    return panel.replace(metadata=pa.table({"mode": mode, "age": random.normal(size=len(panel))}))


@pytest.mark.parametrize("at_once", [10_000, 50], ids=["at once", "in one pass"])
def test_one_field_counts_among_thousands_of_features(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", at_once)
    random = np.random.default_rng(0)
    nothing = Panel.from_series(list(random.normal(size=(160, 30, 1))), labels=np.arange(160) % 2)
    panel = with_mode(nothing, 0.9)
    model = fit_small_rocket(panel[:120], replace(SMALL, fusion="late")).model
    assert model.architecture.describe() == "rocket (504), ppv, linear; fusion: late"
    assert np.mean(model.predict(panel[120:]).labels == panel[120:].labels) >= 0.8


def test_uninformative_metadata_do_little_harm() -> None:
    panel = with_mode(WAVES, 0.0)
    model = fit_small_rocket(panel[:120]).model
    assert np.mean(model.predict(panel[120:]).labels == TEST.labels) >= 0.75


def test_series_with_unknown_metadata_are_predicted() -> None:
    model = fit_small_rocket(with_mode(TRAIN, 0.5)).model
    assert np.isfinite(model.predict(TEST).logits).all()


def test_missing_values_and_irregular_clocks_are_supported() -> None:
    random = np.random.default_rng(0)
    values = WAVES.values.reshape(160, 60, 1).copy()
    values[random.random(values.shape) < 0.1] = np.nan
    times = np.cumsum(random.uniform(1, 3, size=(160, 60)), axis=1)
    panel = Panel.from_series(list(values), times=list(times), labels=WAVES.labels)
    model = fit_small_rocket(panel[:120]).model
    assert model.architecture.describe() == "rocket (504), ppv, linear; missing values: last; clock: elapsed"
    assert np.mean(model.predict(panel[120:]).labels == panel[120:].labels) >= 0.8


def test_missing_values_are_masked_if_missingness_is_informative() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(120, 30, 1))
    labels = np.arange(120) % 2
    values[(random.random(values.shape) < 0.3) & (labels == 1)[:, None, None]] = np.nan
    panel = Panel.from_series(list(values), labels=labels)
    assert fit_small_rocket(panel).model.architecture.missing == "mask"
    assert fit_small_rocket(panel, replace(SMALL, missing="linear")).model.architecture.missing == "linear"


def test_several_labels_may_be_partly_unknown() -> None:
    panel = noisy(120, 3)
    codes = panel.require_labels()
    labels = np.stack([codes >= 1, codes == 2], axis=1).astype(float)
    labels[::4, 0] = np.nan
    panel = panel.replace(labels=labels, label_names=("some", "much"))
    model = fit_small_rocket(panel).model
    assert len(model.fitted_on["training"]["penalty"]) == 2
    assert model.predict(panel).probabilities.shape == (120, 2)
    right = (model.predict(panel).labels == labels)[~np.isnan(labels).any(axis=1)]
    assert right.mean() >= 0.75


def test_a_label_that_is_known_once_is_refused() -> None:
    labels = np.full((20, 2), np.nan)
    labels[:, 0], labels[0, 1] = np.arange(20) % 2, 1
    panel = noisy(20, 2).replace(labels=labels, label_names=("some", "rare"))
    with pytest.raises(LabelError) as error:
        fit_small_rocket(panel)
    assert str(error.value) == (
        "expected every label to be known for at least 2 training series, got 1 for 'rare'; fill it in, or leave such "
        "labels out"
    )


def test_a_focal_loss_has_no_closed_form() -> None:
    with pytest.raises(ParameterError) as error:
        fit_small_rocket(settings=TrainingSettings(imbalance="focal"))
    assert str(error.value) == (
        "expected imbalance='weights' or 'none' for the encoder 'rocket', whose head is solved in closed form, got "
        "'focal'; choose one of them, or another encoder"
    )


def rare(n: int, seed: int, labels: int = 1) -> Panel:
    """Noise with a mean that is higher if a rare label is present."""
    random = np.random.default_rng(seed)
    present = (random.random((n, labels)) < 0.08).astype(float)
    series = random.normal(size=(n, 30, labels)) + 0.45 * present[:, None]
    if labels == 1:
        return Panel.from_series(list(series), labels=np.where(present[:, 0] == 1, "rare", "usual"))
    return Panel.from_series(list(series), labels=present)


@pytest.mark.parametrize(("series", "most_at_once"), [(200, 4_000), (1_000, 100)])
def test_weights_raise_the_recall_of_a_rare_class(
    series: int, most_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", most_at_once)
    recalls: dict[str, list[float]] = {"none": [], "weights": [], "balanced": []}
    for seed in range(5):
        train, test = rare(series, seed), rare(400, seed + 100)
        for imbalance, found in recalls.items():
            model = fit_small_rocket(train, settings=TrainingSettings(imbalance=imbalance)).model  # type: ignore[arg-type]
            found.append(np.mean(model.predict(test).labels[test.require_labels() == "rare"] == "rare"))
    assert recalls["weights"] == recalls["balanced"]
    assert np.mean(recalls["weights"]) > np.mean(recalls["none"]) + 0.2
    assert min(recalls["weights"]) > 0.4


def test_weights_raise_the_recall_of_rare_labels() -> None:
    plain, weighted = [], []
    for seed in range(5):
        train, test = rare(150, seed, labels=2), rare(300, seed + 100, labels=2)
        truth = test.require_labels() == 1
        for imbalance, found in (("none", plain), ("weights", weighted)):
            model = fit_small_rocket(train, settings=TrainingSettings(imbalance=imbalance)).model  # type: ignore[arg-type]
            found.append(np.mean(model.predict(test).labels[truth]))
    assert np.mean(weighted) > np.mean(plain) + 0.2


def test_a_saved_rocket_predicts_the_same(tmp_path: object) -> None:
    panel = with_mode(TRAIN, 0.5)
    model = fit_small_rocket(panel).model
    again = load_model(save_model(model, f"{tmp_path}/model"))
    np.testing.assert_array_equal(again.predict(panel).logits, model.predict(panel).logits)


@pytest.mark.parametrize("progress", [True, False])
def test_slow_features_show_a_progress_bar_on_request(
    progress: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("limelight.progress.SECONDS_WITHOUT_PROGRESS", 0)
    fit_small_rocket(progress=progress)
    assert ("computing features" in capsys.readouterr().err) is progress


def test_the_fitted_model_has_only_blocks_that_count() -> None:
    architecture = Architecture.of({"name": "blocks", "features": 84, "groups": 2, "depth": 2})
    model = fit(TRAIN, task_of(TRAIN), architecture).model
    used = model.architecture.encoder.blocks
    assert set(used) < set(BLOCK_NAMES)
    assert list(model.network.encoder.spans) == used
    for span in model.network.encoder.spans.values():
        assert bool(model.network.head.weight[:, span].any())


def test_a_model_of_some_blocks_survives_saving(tmp_path: Path) -> None:
    architecture = Architecture.of({"name": "blocks", "blocks": ["spectrum", "quantiles"], "depth": 2})
    model = fit(TRAIN, task_of(TRAIN), architecture).model
    kept = load_model(save_model(model, tmp_path / "model"))
    assert kept.architecture == model.architecture
    np.testing.assert_array_equal(kept.predict(TEST).logits, model.predict(TEST).logits)


@pytest.mark.parametrize("most", [2_000, 60], ids=["in memory", "streamed"])
def test_many_series_choose_blocks_on_a_sample(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "SELECTION_SERIES", 50)
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", most)
    architecture = Architecture.of({"name": "blocks", "features": 840, "groups": 8, "depth": 3})
    training = fit(TRAIN, task_of(TRAIN), architecture)
    assert len(training.model.architecture.encoder.blocks) < len(BLOCK_NAMES)
    assert np.mean(training.model.predict(TEST).labels == TEST.labels) >= 0.75


def test_streamed_weights_give_nearly_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    weighted = TRAIN.replace(weights=np.linspace(0.5, 2.0, len(TRAIN)))
    settings = TrainingSettings(imbalance={"anomalous": 2.0})
    whole = fit_small_rocket(weighted, settings=settings).model.predict(TEST).logits
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 60)
    streamed = fit_small_rocket(weighted, settings=settings).model.predict(TEST).logits
    assert np.corrcoef(whole[:, 0], streamed[:, 0])[0, 1] > 0.95


def test_labels_have_weights_too() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (80, 2))
    series = [random.normal(size=(30, 1)) + both @ [0.5, 1.0] for both in labels]
    panel = Panel.from_series(series, labels=labels, weights=np.where(np.arange(80) < 40, 1.0, 1e-3))
    half = fit_small_rocket(panel[:40]).model.predict(panel).logits
    assert np.corrcoef(half.T.ravel(), fit_small_rocket(panel).model.predict(panel).logits.T.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("useful", [True, False], ids=["useful", "random"])
def test_metadata_without_weight_are_noted(useful: bool) -> None:
    random = np.random.default_rng(0)
    labels = random.permutation(["ok", "worn"] * 20)
    mode = labels if useful else random.permutation(labels)
    panel = Panel.from_series(
        list(random.normal(size=(40, 30))), labels=labels.tolist(), metadata=pa.table({"mode": mode.tolist()})
    )
    result = fit(panel, task_of(panel), Architecture.of({"name": "rocket", "features": 840}))
    assert (METADATA_WITHOUT_WEIGHT in result.notes) is not useful
