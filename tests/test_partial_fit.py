"""Fitting in several calls: the head is that of all series, and a call that fails changes nothing."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import limelight as ll
from limelight.data.panel import Panel
from limelight.errors import DataError, InputError, LabelError, ParameterError
from limelight.training.incremental import IncrementalHead
from limelight.training.streamed_head import pooled
from support.errors import message_of

WAVES = ll.generate_sine(ll.SineSettings(dataset_size=200, num_points=40))
ROCKET = ll.Rocket(features=168)


def in_calls(*rows: slice, **parameters: object) -> ll.TimeSeriesClassifier:
    model = ll.TimeSeriesClassifier(**{"encoder": ROCKET, "random_state": 0, **parameters})  # type: ignore[arg-type]
    for some in rows:
        model.partial_fit(WAVES[some], classes=["anomalous", "normal"])
    return model


FITTED = in_calls(slice(0, 60), slice(60, 100), slice(100, 150))


def test_sums_are_those_of_all_series() -> None:
    head: IncrementalHead = FITTED._head
    features = torch.cat([pooled(head.model.network, batch) for _, batch in head.model.batches(WAVES[:150])]).double()
    held = torch.cat([one[0] for one in head.held]).double()
    assert head.sums is not None
    assert len(held) == 15
    assert head.sums.rows + len(held) == 150
    shifted, held = features - head.sums.shift, held - head.sums.shift
    assert_allclose(head.sums.products + held.T @ held, shifted.T @ shifted, rtol=1e-5, atol=1e-5)


def test_predictions_are_as_good_as_those_of_one_fit() -> None:
    rest, scores = WAVES[150:], []
    for seed in range(5):
        once = ll.TimeSeriesClassifier(ROCKET, random_state=seed).fit(WAVES[:150])
        several = in_calls(slice(0, 60), slice(60, 150), random_state=seed)
        scores.append((several.score(rest, rest.labels), once.score(rest, rest.labels)))
    several, once = np.mean(scores, axis=0)
    assert several >= once - 0.05


def test_thresholds_and_scaling_stay_those_of_the_first_call() -> None:
    first = in_calls(slice(0, 60)).model_.network
    assert_array_equal(first.encoder.thresholds, FITTED.model_.network.encoder.thresholds)
    assert_array_equal(first.normalisation.mean, FITTED.model_.network.normalisation.mean)


def test_shuffled_labels_are_not_learned() -> None:
    labels = np.random.default_rng(0).permutation(WAVES.labels)
    model = ll.TimeSeriesClassifier(ROCKET, random_state=0)
    for some in (slice(0, 60), slice(60, 150)):
        model.partial_fit(WAVES[some].replace(labels=labels[some]))
    assert model.score(WAVES[150:], labels[150:]) < 0.7


def test_evidence_of_the_new_head_sums_to_its_logits() -> None:
    explanation, logits = (
        FITTED.explain(WAVES[150:155], method="evidence"),
        FITTED.model_.predict(WAVES[150:155]).logits,
    )
    assert explanation.base is not None
    signs = np.where(FITTED.predict(WAVES[150:155]) == FITTED.classes_[1], 1, -1)
    sums = explanation.base + [one.sum() for one in explanation.importance]
    assert_allclose(sums * signs, logits[:, 0], atol=1e-4)


def test_the_number_of_series_and_their_shares_are_stored() -> None:
    stored = FITTED.model_.fitted_on
    assert stored["training_series"] == 150
    assert stored["shares"] == pytest.approx([np.mean(WAVES.labels[:150] == name) for name in FITTED.classes_])
    assert stored["training"]["chosen_by"] == "held-out series"


def test_a_class_may_appear_in_a_later_call() -> None:
    order = np.argsort(WAVES.labels == "anomalous", kind="stable")
    normal, both = order[:60], order[60:]
    model = ll.TimeSeriesClassifier(ROCKET, random_state=0)
    model.partial_fit(WAVES[normal], classes=["anomalous", "normal"]).partial_fit(WAVES[both])
    assert model.classes_.tolist() == ["anomalous", "normal"]
    assert model.score(WAVES, WAVES.labels) > 0.7


def test_a_series_of_weight_zero_is_not_counted() -> None:
    model = in_calls(slice(0, 60))
    weights = (np.arange(40) < 30).astype(float)
    model.partial_fit(WAVES[60:100], sample_weight=weights)
    assert model.model_.fitted_on["training_series"] == 90


def test_fit_discards_earlier_calls() -> None:
    model = in_calls(slice(0, 60), slice(60, 100)).fit(WAVES[:50])
    model.partial_fit(WAVES[:60])
    assert model.model_.fitted_on["training_series"] == 60


def test_a_fitted_model_in_several_calls_is_saved_and_loaded(tmp_path: object) -> None:
    loaded = ll.load(FITTED.save(f"{tmp_path}/model"))
    assert_array_equal(loaded.predict_proba(WAVES[:9]), FITTED.predict_proba(WAVES[:9]))


@pytest.mark.parametrize(
    ("series", "error", "message"),
    [
        (
            WAVES[60:70].replace(labels=["other"] * 10),
            LabelError,
            "expected labels among the classes 'anomalous', 'normal', got 'other'",
        ),
        (
            Panel.from_series([[[1.0, 2.0]]] * 10, labels=["normal"] * 10),
            DataError,
            "expected 1 channel as in training",
        ),
    ],
)
def test_a_call_that_fails_changes_nothing(series: Panel, error: type[Exception], message: str) -> None:
    model = in_calls(slice(0, 60))
    before, seen = model.predict_proba(WAVES[:5]), model._head.seen
    with pytest.raises(error, match=message):
        model.partial_fit(series)
    assert model._head.seen == seen
    assert_array_equal(model.predict_proba(WAVES[:5]), before)


def test_a_call_that_fails_late_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, other = in_calls(slice(0, 60)), in_calls(slice(0, 60))
    before = model.predict_proba(WAVES[:5])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(IncrementalHead, "refit", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        model.partial_fit(WAVES[60:100])
    assert_array_equal(model.predict_proba(WAVES[:5]), before)
    for one in (model, other):
        one.partial_fit(WAVES[60:100])
    assert_array_equal(model.predict_proba(WAVES[:5]), other.predict_proba(WAVES[:5]))


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_a_refused_call_draws_nothing(call: str) -> None:
    drawn, untouched = np.random.RandomState(0), np.random.RandomState(0)
    model = ll.TimeSeriesClassifier(ROCKET, random_state=drawn, training={"imbalance": "weights"}, missing="error")
    series = WAVES[:60].replace(values=np.where(np.arange(len(WAVES.values)) == 3, np.nan, WAVES.values[:, 0])[:, None])
    with pytest.raises(InputError):
        getattr(model, call)(series)
    assert drawn.randint(2**31 - 1) == untouched.randint(2**31 - 1)


def test_an_unknown_label_is_refused() -> None:
    labels = np.array([*WAVES.labels[60:69], None], dtype=object)
    assert message_of(LabelError, in_calls(slice(0, 60)).partial_fit, WAVES[60:70].replace(labels=labels)) == (
        "expected every label to be known, as sums have no place for unknown ones; leave them out"
    )


def test_two_calls_of_few_series_are_refused() -> None:
    model = in_calls(slice(0, 6))
    assert message_of(LabelError, model.partial_fit, WAVES[6:10]) == (
        "expected more than 10 series in the first two calls, got 10; collect more series before a call"
    )


def test_networks_have_no_partial_fit() -> None:
    assert not hasattr(ll.TimeSeriesClassifier("gru"), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as raised:
        ll.TimeSeriesClassifier("gru").partial_fit(WAVES)
    assert str(raised.value.__cause__) == (
        "partial_fit needs an encoder whose head is solved in closed form, 'rocket' or 'blocks', got 'gru'; fit all "
        "series at once"
    )


def test_weights_by_unknown_shares_are_refused() -> None:
    model = ll.TimeSeriesClassifier(ROCKET, training={"imbalance": "weights"})
    assert message_of(ParameterError, model.partial_fit, WAVES) == (
        "expected an encoder with a head in closed form and imbalance='none' for a fit in several calls, got 'rocket' "
        "and 'weights'; take 'rocket' or 'blocks', and weight series"
    )
