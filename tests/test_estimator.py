import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import limelight as ll
from limelight.errors import DataError, LabelError, ParameterError

pytestmark = pytest.mark.usefixtures("short_epochs")


def expected_to_fail(estimator: ll.TimeSeriesClassifier) -> dict[str, str]:
    """Return the checks of scikit-learn that cannot pass, each with its reason."""
    closed = estimator.encoder == "auto"
    reason = "by its copy in leave-one-out" if closed else "in other batches than one of weight 2"
    return {"check_sample_weight_equivalence_on_dense_data": f"a series that occurs twice is seen {reason}"}


WAVES = ll.generate_sine(ll.SineSettings(dataset_size=60, num_points=25))
ARRAY = WAVES.values.reshape(60, 25, 1)


def small(**parameters: object) -> ll.TimeSeriesClassifier:
    quick = {"encoder": ll.GRU(hidden_size=4), "max_epochs": 1, "random_state": 0}
    return ll.TimeSeriesClassifier(**{**quick, **parameters})  # type: ignore[arg-type]


@pytest.mark.whole_epochs
@pytest.mark.slow
@parametrize_with_checks(
    [
        ll.TimeSeriesClassifier(random_state=0),
        ll.TimeSeriesClassifier(
            ll.ConvLSTM(filters=8, depth=1, hidden_size=8),
            training={"max_epochs": 1, "batch_size": 32, "learning_rate": 5e-2},
            random_state=0,
        ),
    ],
    expected_failed_checks=expected_to_fail,
)
@pytest.mark.filterwarnings("default")  # the checks raise warnings of scikit-learn's own on purpose
def test_scikit_learns_contract(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_panel_array_list_and_two_dimensional_array_are_the_same() -> None:
    expected = small().fit(WAVES).predict_proba(WAVES)
    for series in (ARRAY, list(ARRAY), ARRAY[:, :, 0], list(ARRAY[:, :, 0]), ARRAY.tolist()):
        np.testing.assert_array_equal(small().fit(series, WAVES.labels).predict_proba(series), expected)


def test_series_of_any_length_are_accepted() -> None:
    rng = np.random.default_rng(0)
    ragged = [rng.normal(size=(n, 2)) for n in (3, 50, 7, 1, 20, 20)]
    model = small().fit(ragged, [0, 1, 0, 1, 0, 1])
    assert model.predict([*ragged[:2], rng.normal(size=(99, 2))]).shape == (3,)


def test_channels_first_arrays_are_refused_with_the_layout_to_state() -> None:
    with pytest.raises(DataError) as error:
        small().fit(np.zeros((10, 6, 100)), np.arange(10) % 2)
    assert str(error.value) == (
        "expected series of shape (time, channels), got 6 time steps of 100 channels, which looks like (channels, time);"
        " pass layout='nct' if it is, or layout='ntc' if there really are so many channels"
    )


def test_channels_first_lists_are_refused_too() -> None:
    with pytest.raises(DataError, match=r"^expected series of shape \(time, channels\), got 3 time steps of 50 chan"):
        small().fit([np.zeros((3, 50)), np.zeros((3, 70))], ["a", "b"])


def test_layout_states_which_axis_is_time() -> None:
    turned = ARRAY.transpose(0, 2, 1)
    expected = small().fit(ARRAY, WAVES.labels).predict_proba(ARRAY)
    stated = small(layout="nct").fit(turned, WAVES.labels)
    np.testing.assert_array_equal(stated.predict_proba(turned), expected)


def test_layout_states_many_channels() -> None:
    model = small(layout="ntc").fit(np.zeros((4, 3, 20)), [0, 1, 0, 1])
    assert len(model.model_.channels) == 20


def test_columns_are_counted_only_after_a_fit_on_a_table() -> None:
    model = small().fit(ARRAY[:, :, 0], WAVES.labels)
    assert model.n_features_in_ == 25
    with pytest.raises(ValueError, match=r"^X has 24 features, but TimeSeriesClassifier is expecting 25 features"):
        model.predict(ARRAY[:, :24, 0])
    assert not hasattr(model.fit(WAVES), "n_features_in_")
    assert model.predict(ARRAY[:, :24, 0]).shape == (60,)


def test_unknown_layout_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        small(layout="tnc").fit(ARRAY, WAVES.labels)
    assert str(error.value) == "expected layout='ntc' (time, channels) or 'nct' (channels, time), got 'tnc'"


@pytest.mark.parametrize("labels", [["a", "b"] * 30, [3, 7] * 30, [True, False] * 30, ["x", "y", "z"] * 20])
def test_predictions_have_the_type_of_the_labels(labels: list[object]) -> None:
    model = small().fit(ARRAY, labels)
    assert model.predict(ARRAY).dtype == np.asarray(labels).dtype
    assert set(model.predict(ARRAY)) <= set(labels)
    assert model.classes_.tolist() == sorted(set(labels))  # type: ignore[type-var]


def test_passed_labels_override_those_of_the_panel() -> None:
    assert small().fit(WAVES, np.arange(60) % 3).classes_.tolist() == [0, 1, 2]


def test_one_class_only_is_refused() -> None:
    with pytest.raises(LabelError) as error:
        small().fit(ARRAY, ["a"] * 60)
    assert str(error.value) == (
        "expected labels of at least two classes, got one class, 'a'; add labelled examples of other classes"
    )


def test_missing_labels_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        small().fit(ARRAY)
    assert str(error.value) == (
        "expected labels, got none: this TimeSeriesClassifier estimator requires y to be passed, but the target y is "
        "None; pass y, or a Panel with labels"
    )


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        small().fit(WAVES, [0, 1])
    assert str(error.value) == "expected one label for each of the 60 series, got 2 labels"


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "expected series as an array (n, time, channels) or (n, time), got shape (0,); pass one row per series"),
        (np.zeros((0, 5, 1)), "expected at least one series, got none"),
        ([np.zeros((3, 1)), np.zeros((0, 1))], "expected at least one step in every series, got none in '1'; leave empty series out"),
        ([np.zeros((3, 1)), np.zeros((4, 2))],
         "expected the same number of channels in every series, got 1 in series 0 and 2 in series 1; each series is "
         "(time, channels): transpose any that is (channels, time)"),
        ([np.array([["a"]]), np.zeros((4, 1))],
         "expected numbers in series 0, got something else: could not convert string to float: np.str_('a')"),
        (np.zeros((2, 2, 2, 2)), "expected series as an array (n, time, channels) or (n, time), got shape (2, 2, 2, 2); pass one row per series"),
    ],
)  # fmt: skip
def test_invalid_arrays_of_series_are_refused(series: object, message: str) -> None:
    from limelight.data.arrays import as_panel

    with pytest.raises(DataError) as error:
        as_panel(series)
    assert str(error.value) == message


def test_unknown_part_suggests_the_nearest() -> None:
    with pytest.raises(ParameterError) as error:
        small(encoder="lsmt").fit(WAVES)
    assert str(error.value) == "there is no encoder 'lsmt'; did you mean 'lstm'?"


def test_predicting_before_fitting_is_an_error() -> None:
    for method in (small().predict, small().predict_proba, small().explain):
        with pytest.raises(NotFittedError, match=r"^This TimeSeriesClassifier instance is not fitted yet"):
            method(ARRAY)


def test_same_random_state_gives_the_same_model() -> None:
    first, second = small(random_state=4).fit(WAVES), small(random_state=4).fit(WAVES)
    np.testing.assert_array_equal(first.predict_proba(WAVES), second.predict_proba(WAVES))


def test_without_a_random_state_each_model_differs() -> None:
    first, second = small(random_state=None).fit(WAVES), small(random_state=None).fit(WAVES)
    assert (first.predict_proba(WAVES) != second.predict_proba(WAVES)).any()


def test_small_sets_are_used_entirely_for_training() -> None:
    model = small(max_epochs=2).fit(WAVES[:30])
    assert model.model_.fitted_on["validation_series"] == 0
    assert model.model_.fitted_on["training_series"] == 30


def test_larger_sets_have_a_stratified_validation_split() -> None:
    model = small(validation=0.4).fit(WAVES)
    assert model.model_.fitted_on["validation_series"] == 24
    assert "validation_loss" in model.history_[0]


def test_clone_keeps_the_parts_and_discards_the_fit() -> None:
    model = small(encoder=ll.LSTM(hidden_size=[5, 3])).fit(WAVES)
    again = clone(model)
    assert again.encoder == ll.LSTM(hidden_size=[5, 3])
    assert again.encoder is not model.encoder
    assert not hasattr(again, "model_")


@pytest.mark.parametrize("encoder", ["gru", ll.GRU(hidden_size=9)])
def test_grid_search_sets_parts_and_their_parameters(encoder: object) -> None:
    grid = GridSearchCV(small(encoder=encoder), {"encoder__hidden_size": [2, 3]}, cv=2).fit(WAVES, WAVES.labels)
    assert grid.best_estimator_.encoder.hidden_size in (2, 3)
    assert grid.best_estimator_.model_.architecture.encoder.hidden_size == grid.best_params_["encoder__hidden_size"]


def test_unknown_parameter_of_a_part_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        small().set_params(encoder__hiden_size=3)
    assert str(error.value) == "'gru' has no parameter 'hiden_size'; did you mean 'hidden_size'?"


@pytest.mark.parametrize("training", [None, {"patience": 3}, ll.TrainingSettings(patience=3)])
def test_grid_search_sets_training_settings(training: object) -> None:
    grid = GridSearchCV(small(training=training), {"training__batch_size": [5, 7]}, cv=2).fit(WAVES, WAVES.labels)
    fitted_on = grid.best_estimator_.model_.fitted_on["training"]
    assert fitted_on["batch_size"] == grid.best_params_["training__batch_size"]
    assert training is None or fitted_on["patience"] == 3


def test_settings_and_rules_are_listed_and_cloned_as_parameters() -> None:
    model = small(training=ll.TrainingSettings(weight_decay=0.5), decision=ll.DecisionRule(coverage=0.9))
    parameters = clone(model).get_params()
    assert parameters["training__weight_decay"] == 0.5
    assert parameters["decision__coverage"] == 0.9
    assert model.set_params(decision__coverage=0.8).decision == ll.DecisionRule(coverage=0.8)


def test_unknown_setting_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        small().set_params(training__max_epoch=3)
    assert str(error.value) == "'training' has no parameter 'max_epoch'; did you mean 'max_epochs'?"


def test_max_epochs_overrides_the_training_settings() -> None:
    model = small(training={"max_epochs": 3}, max_epochs=2).fit(WAVES)
    assert len(model.history_) == 2


def test_prediction_sets_are_those_of_the_decision() -> None:
    model = ll.TimeSeriesClassifier(decision={"coverage": 0.9}, random_state=0, progress=False).fit(WAVES)
    sets = model.predict_set(WAVES)
    assert sets.shape == (60, 2)
    assert sets[np.arange(60), (WAVES.labels == model.classes_[1]).astype(int)].mean() >= 0.9


def test_prediction_sets_need_a_coverage() -> None:
    model = small().fit(WAVES)
    with pytest.raises(ParameterError) as error:
        model.predict_set(WAVES)
    assert str(error.value) == (
        "expected a model fitted with a coverage for its prediction sets, got one without; fit with for example "
        "decision={'coverage': 0.9}"
    )


@pytest.mark.parametrize("series", [WAVES, ARRAY, ARRAY[:, :, 0]], ids=["panel", "array", "two dimensions"])
def test_cross_validation_works(series: object) -> None:
    assert cross_val_score(small(), series, WAVES.labels, cv=3, scoring="roc_auc").shape == (3,)
    assert cross_val_predict(small(), series, WAVES.labels, cv=3, method="predict_proba").shape == (60, 2)


def test_an_estimator_works_in_a_pipeline() -> None:
    pipeline = Pipeline([("louder", FunctionTransformer(lambda X: X * 2)), ("model", small())])
    assert pipeline.fit(ARRAY, WAVES.labels).predict(ARRAY).shape == (60,)


def test_calibration_works_on_a_panel() -> None:
    model = CalibratedClassifierCV(small(), method="temperature", cv=2).fit(WAVES, WAVES.labels)
    np.testing.assert_allclose(model.predict_proba(WAVES).sum(axis=1), 1)


def test_data_frame_with_a_series_in_each_row_is_accepted() -> None:
    frame = pd.DataFrame(ARRAY[:, :, 0]).add_prefix("step_")
    model = small().fit(frame, WAVES.labels)
    np.testing.assert_array_equal(model.predict_proba(frame), model.predict_proba(frame.copy()))
    with pytest.raises(ValueError, match=r"^The feature names should match those that were passed during fit"):
        model.predict(frame.add_prefix("other_"))


def test_saved_and_loaded_model_predicts_the_same(tmp_path: Path) -> None:
    model = small().fit(WAVES)
    again = ll.load(model.save(tmp_path / "waves"))
    np.testing.assert_array_equal(again.predict(ARRAY), model.predict(ARRAY))
    np.testing.assert_array_equal(again.predict_proba(ARRAY[:, :, 0]), model.predict_proba(ARRAY[:, :, 0]))
    assert again.classes_.tolist() == model.classes_.tolist()


def test_gradients_and_occlusion_accept_any_container_as_background() -> None:
    model = small(pooling="last").fit(WAVES)
    shown = model.explain(ARRAY[:2], target="normal")
    assert (shown.method, shown.target.tolist()) == ("gradients", ["normal", "normal"])
    hidden = model.explain(ARRAY[:1], "occlusion", background=ARRAY[5:], draws=2)
    assert [len(one) for one in hidden.importance] == [25]


def test_explanation_is_on_the_time_axis_of_the_series() -> None:
    explanation = small(encoder="conv_lstm").fit(WAVES).explain(WAVES[:3])
    assert [len(one) for one in explanation.importance] == [25, 25, 25]
    np.testing.assert_allclose([one.sum() for one in explanation.importance], 1, atol=1e-5)


def test_preset_is_a_whole_network() -> None:
    model = ll.TimeSeriesClassifier.from_preset("bilstm", max_epochs=1, random_state=0).fit(WAVES)
    assert model.model_.architecture.describe() == "bidirectional lstm (50), last, linear"


@pytest.mark.whole_epochs
@pytest.mark.slow
def test_flat_stretches_are_learned_but_not_with_shuffled_labels() -> None:
    panel = ll.generate_sine(ll.SineSettings(dataset_size=1500, num_points=60, min_length=0.3), seed=2)
    train, test = panel.split(test=0.2)
    encoder = ll.ConvLSTM(filters=32, hidden_size=32, stride=4)
    settings = {"training": {"max_epochs": 12, "learning_rate": 1e-2}, "random_state": 0}
    with warnings.catch_warnings():
        model = ll.TimeSeriesClassifier(encoder, **settings).fit(train)
        shuffled = np.random.default_rng(0).permutation(train.labels)
        control = ll.TimeSeriesClassifier(encoder, **settings).fit(train, shuffled)
    assert model.score(test, test.labels) >= 0.95
    assert control.score(test, test.labels) <= 0.6


def test_loaded_model_keeps_the_layout_of_the_fit(tmp_path: Path) -> None:
    turned = ARRAY.transpose(0, 2, 1)
    model = small(layout="nct").fit(turned, WAVES.labels)
    again = ll.load(model.save(tmp_path / "waves"))
    np.testing.assert_array_equal(again.predict_proba(turned), model.predict_proba(turned))


def test_panel_of_measurements_as_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown label type: continuous"):
        small().fit(WAVES.with_labels(np.linspace(0, 1, 60)))


def with_gaps() -> np.ndarray:
    array = ARRAY.copy()
    array[::3, 5:9] = np.nan
    return array


def test_missing_values_are_supported_in_every_container() -> None:
    array = with_gaps()
    panel = ll.Panel.from_series(list(array))
    expected = small().fit(panel, WAVES.labels).predict_proba(panel)
    assert np.isfinite(expected).all()
    for series in (array, list(array), array[:, :, 0], pd.DataFrame(array[:, :, 0])):
        np.testing.assert_array_equal(small().fit(series, WAVES.labels).predict_proba(series), expected)


def test_missing_and_clock_are_parameters() -> None:
    times = list(np.cumsum(np.random.default_rng(0).uniform(1, 3, size=(60, 25)), axis=1))
    panel = ll.Panel.from_series(list(with_gaps()), times=times, labels=WAVES.labels)
    words = small().fit(panel).model_.architecture
    assert (words.missing, words.clock) == ("mask", "elapsed")
    words = small(missing="last", clock="order").fit(panel).model_.architecture
    assert (words.missing, words.clock) == ("last", "order")


def test_missing_values_are_refused_on_request() -> None:
    with pytest.raises(DataError, match=r"^expected a number everywhere, got a missing value \(NaN\) in series"):
        small(missing="error").fit(with_gaps(), WAVES.labels)


def test_a_model_fitted_without_missing_values_refuses_them() -> None:
    model = small().fit(ARRAY, WAVES.labels)
    with pytest.raises(DataError, match=r"^expected a number everywhere, got a missing value \(NaN\) in series '0'"):
        model.predict(with_gaps())


def test_infinite_values_of_a_table_are_refused() -> None:
    array = ARRAY[:, :, 0].copy()
    array[3, 4] = np.inf
    with pytest.raises(ValueError, match=r"^Input X contains infinity"):
        small().fit(array, WAVES.labels)


def test_unknown_options_are_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError) as error:
        small(missing="lineer").fit(WAVES)
    assert str(error.value) == "expected a strategy for missing values, got missing='lineer'; did you mean 'linear'?"


def test_presets_and_loaded_models_keep_missing_and_clock(tmp_path: Path) -> None:
    assert ll.TimeSeriesClassifier.from_preset("lstm").missing == "auto"
    model = ll.TimeSeriesClassifier.from_preset("lstm", missing="linear", max_epochs=1, random_state=0)
    model.fit(with_gaps(), WAVES.labels)
    again = ll.load(model.save(tmp_path / "waves"))
    assert (again.missing, again.clock) == ("linear", "order")
    np.testing.assert_array_equal(again.predict_proba(with_gaps()), model.predict_proba(with_gaps()))


def test_grid_search_selects_the_filling() -> None:
    grid = GridSearchCV(small(), {"missing": ["mask", "last"]}, cv=2).fit(with_gaps(), WAVES.labels)
    assert grid.best_estimator_.model_.architecture.missing == grid.best_params_["missing"]


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


MODELS_IN_FLOAT32 = {
    "rocket": small(encoder="rocket"),
    "conv_lstm": small(encoder=ll.ConvLSTM(filters=4, hidden_size=4), missing="linear"),
    "lstm": small(encoder=ll.LSTM(hidden_size=4, dropout=0.2, num_layers=2), clock="elapsed", pooling="last"),
}
TIMED = ll.Panel.from_series(
    list(ARRAY),
    times=[np.arange(25.0) ** 1.1] * 60,
    labels=WAVES.labels,
    metadata=pa.table({"site": ["north", "south"] * 30, "age": np.arange(60.0)}),
)


@pytest.fixture(scope="module", params=MODELS_IN_FLOAT32)
def fitted_in_float32(request: pytest.FixtureRequest) -> ll.TimeSeriesClassifier:
    return MODELS_IN_FLOAT32[request.param].fit(TIMED)


@pytest.mark.whole_epochs  # as the fixture has, which is of the module
@pytest.mark.usefixtures("float64_by_default")
def test_default_type_of_torch_changes_no_prediction(
    fitted_in_float32: ll.TimeSeriesClassifier, tmp_path: Path
) -> None:
    expected = fitted_in_float32.predict_proba(TIMED)
    model = clone(fitted_in_float32).fit(TIMED)
    again = ll.load(model.save(tmp_path / "model"))
    for one in (model, again):
        np.testing.assert_array_equal(one.predict_proba(TIMED), expected)
    for method in ("occlusion", "evidence" if model.model_.has_evidence else "gradients"):
        settings = {"background": TIMED[5:], "draws": 2} if method == "occlusion" else {}
        assert len(again.explain(TIMED[:2], method, **settings).importance) == 2


def test_the_default_encoder_is_noted() -> None:
    model = ll.TimeSeriesClassifier(random_state=0).fit(WAVES)
    assert model.notes_ == ("encoder: blocks, as 60 series are too few for a network to be better",)
    assert model.history_ == []
    assert clone(model).encoder == "auto"


def disagreeing(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series with a bump or without; a third of the labels is wrong. Returns values, labels and whether they are right."""
    random = np.random.default_rng(seed)
    truth, right = np.arange(count) % 2, np.arange(count) % 3 > 0
    values = random.normal(size=(count, 50, 1))
    values[truth == 1, 20:30] += 2
    return values, np.where(right, truth, 1 - truth), right


def test_series_of_a_large_weight_dominate() -> None:
    accuracies: dict[str, list[float]] = {"right": [], "wrong": []}
    for seed in range(5):
        values, labels, right = disagreeing(seed)
        new, truth, _ = disagreeing(100 + seed)
        truth = np.where(np.arange(60) % 3 > 0, truth, 1 - truth)
        for name, heavy in (("right", right), ("wrong", ~right)):
            model = ll.TimeSeriesClassifier(ll.Rocket(features=420), random_state=0)
            model.fit(values, labels, sample_weight=np.where(heavy, 1.0, 0.01))
            accuracies[name].append(float((model.predict(new) == truth).mean()))
    assert min(accuracies["right"]) > 0.8
    assert max(accuracies["wrong"]) < 0.3


def test_a_series_of_weight_zero_is_not_used() -> None:
    values, labels, right = disagreeing(0)
    weighted, without = (ll.TimeSeriesClassifier(ll.Rocket(features=84), random_state=0) for _ in range(2))
    weighted.fit(values, labels, sample_weight=right.astype(int))
    without.fit(values[right], labels[right])
    np.testing.assert_allclose(weighted.predict_proba(values), without.predict_proba(values), atol=1e-6)


def test_weights_are_relative() -> None:
    values, labels, right = disagreeing(0)
    probabilities = [
        ll.TimeSeriesClassifier(ll.Rocket(features=84), random_state=0)
        .fit(values, labels, sample_weight=factor * (1.0 + right))
        .predict_proba(values)
        for factor in (1.0, 1e3)
    ]
    np.testing.assert_allclose(*probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            [1.0],
            "expected one weight for each of the 60 series, shape (60,), got shape (1,); pass a weight for every series",
        ),
        (
            [-1.0] * 60,
            "expected finite weights of at least 0, got -1.0 for series 0; leave out series that must not count",
        ),
        (
            [0] * 60,
            "expected a weight above zero for at least one series, got zero for all; pass no weights to weight all alike",
        ),
        (["much"] * 2, "expected a number as the weight of each series, got ['much', 'much']; pass numbers"),
    ],
)
def test_invalid_weights_are_refused(weights: object, message: str) -> None:
    with pytest.raises(DataError) as error:
        ll.TimeSeriesClassifier("rocket").fit(*disagreeing(0)[:2], sample_weight=weights)  # type: ignore[arg-type]
    assert str(error.value) == message


@pytest.mark.whole_epochs
@pytest.mark.parametrize("encoder", ["rocket", "gru"])
def test_heavy_series_prevail_among_contradictory_labels(encoder: str) -> None:
    rows, labels = np.arange(60) % 30, np.repeat(["a", "b"], 30)
    values = ARRAY[rows]
    for heavy in ("a", "b"):
        weights = np.where(labels == heavy, 20.0, 1.0)
        model = ll.TimeSeriesClassifier(encoder, max_epochs=3, validation=0, random_state=0, progress=False)
        predicted = model.fit(values, labels, sample_weight=weights).predict(values)
        assert (predicted == heavy).all()
