"""Scores of several labels: hand-computed, and equal to scikit-learn called directly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.dummy import DummyClassifier

from limelight.errors import LabelError
from limelight.evaluation.metrics.scoring import baseline, score, score_baseline, score_prediction
from limelight.model.fitted import Prediction
from limelight.task import Task
from support.predictions import random_predictions, through_json

WEATHER = Task(("rain", "fog", "snow"), multilabel=True)
PRF = ("precision", "recall", "f1")


def test_two_labels_by_hand():
    # rain: two there, one found, one false alarm; fog: one there and found
    task = Task(("rain", "fog"), multilabel=True)
    truth = [[1, 0], [1, 1], [0, 0]]
    scores = through_json(score(task, truth, [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]))
    assert (scores["n"], scores["unknown"], scores["positive"]) == (3, 0, None)
    assert scores["accuracy"] == scores["subset_accuracy"] == pytest.approx(1 / 3)
    assert scores["hamming_loss"] == pytest.approx(2 / 6)
    assert [scores["per_class"]["rain"][name] for name in PRF] == [0.5, 0.5, 0.5]
    assert [scores["per_class"]["fog"][name] for name in PRF] == [1.0, 1.0, 1.0]
    assert (scores["per_class"]["rain"]["support"], scores["per_class"]["fog"]["prevalence"]) == (2, 1 / 3)
    assert scores["f1"] == scores["macro"]["f1"] == 0.75
    assert scores["micro"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    assert scores["samples"] == pytest.approx({"precision": 2 / 3, "recall": 0.5, "f1": 5 / 9})
    assert scores["balanced_accuracy"] == pytest.approx((0.25 + 1) / 2)
    assert scores["confusion"] == {"labels": ["rain", "fog"], "counts": [[[0, 1], [1, 1]], [[2, 0], [0, 1]]]}
    assert scores["undefined"] == {}


@pytest.mark.parametrize("labels", [1, 3])
def test_scores_are_those_of_scikit_learn(labels):
    task = Task(tuple(f"label {place}" for place in range(labels)), multilabel=True)
    truth, chances = random_predictions(task, 200)
    predictions = (chances >= 0.5).astype(int)
    scores = score(task, truth, chances)
    assert scores["subset_accuracy"] == pytest.approx((truth == predictions).all(axis=1).mean())
    assert scores["hamming_loss"] == pytest.approx((truth != predictions).mean())
    assert scores["confusion"]["counts"] == [
        reference.confusion_matrix(*sides).tolist() for sides in zip(truth.T, predictions.T, strict=True)
    ]
    sides = list(zip(truth.T, predictions.T, chances.T, strict=True))
    for name, metric in {"roc_auc": reference.roc_auc_score, "average_precision": reference.average_precision_score,
                         "brier": reference.brier_score_loss, "log_loss": reference.log_loss}.items():  # fmt: skip
        assert scores[name] == pytest.approx(np.mean([metric(true, chance) for true, _, chance in sides]))
    for name, metric in {"matthews": reference.matthews_corrcoef,
                         "balanced_accuracy": reference.balanced_accuracy_score}.items():  # fmt: skip
        assert scores[name] == pytest.approx(np.mean([metric(true, predicted) for true, predicted, _ in sides]))


@given(n=st.integers(1, 60), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_averages_of_all_kinds_are_those_of_scikit_learn(n, seed):
    truth, chances = random_predictions(WEATHER, n, seed)
    predictions = (chances >= 0.5).astype(int)
    scores = through_json(score(WEATHER, truth, chances))
    met = np.flatnonzero((truth | predictions).any(axis=0))
    rows = (truth | predictions).any(axis=1)
    for kind in ("macro", "micro", "weighted", "samples"):
        which = (truth[rows], predictions[rows]) if kind == "samples" else (truth, predictions)
        if not (truth.any() and predictions.any()):
            continue
        some = {} if kind == "samples" else {"labels": met}
        expected = reference.precision_recall_fscore_support(*which, average=kind, zero_division=0, **some)[:3]
        assert [scores[kind][name] for name in PRF] == pytest.approx(list(expected))
    assert scores["confusion"]["counts"] == reference.multilabel_confusion_matrix(truth, predictions).tolist()
    assert scores["undefined"].keys() == {
        name for name, value in scores.items() if value is None and name != "positive"
    }


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_each_label_is_scored_on_its_own_known_targets(seed):
    truth, chances = random_predictions(WEATHER, 40, seed)
    unknown = np.random.default_rng(seed).random(truth.shape) < 0.3
    unknown[0] = False
    scores = score(WEATHER, np.where(unknown, -1, truth), chances)
    assert scores["unknown"] == unknown.sum()
    assert scores["n"] == (~unknown.all(axis=1)).sum()
    for place, (name, one) in enumerate(scores["per_class"].items()):
        known = ~unknown[:, place]
        alone = score(Task((name,), multilabel=True), truth[known, place][:, None], chances[known, place][:, None])
        assert one == alone["per_class"][name]
    whole = ~unknown.any(axis=1)
    assert scores["subset_accuracy"] == score(WEATHER, truth[whole], chances[whole])["subset_accuracy"]
    wrong = (truth != (chances >= 0.5))[~unknown]
    assert scores["hamming_loss"] == pytest.approx(wrong.mean())


def test_a_label_without_positives_has_no_recall():
    scores = through_json(score(WEATHER, [[1, 0, 0], [0, 1, 0]], [[0.9, 0.1, 0.6], [0.3, 0.8, 0.2]]))
    snow = scores["per_class"]["snow"]
    assert (snow["recall"], snow["roc_auc"], snow["precision"], snow["f1"]) == (None, None, 0.0, 0.0)
    assert snow["undefined"]["recall"] == "recall is undefined without series with label 'snow'"
    assert scores["undefined"] == {
        "matthews": "Matthews correlation is undefined for 'snow': always or never true, or always or never predicted",
        "roc_auc": "ROC AUC is undefined for 'snow': always or never true",
        "average_precision": "average precision is undefined for 'snow': never true",
    }
    assert scores["balanced_accuracy"] == 1.0


def test_averages_without_any_positive_are_none_with_a_reason():
    scores = through_json(score(WEATHER, np.zeros((4, 3)), np.full((4, 3), 0.1)))
    assert scores["subset_accuracy"] == 1.0
    assert scores["macro"] == scores["samples"] == dict.fromkeys(PRF)
    assert scores["undefined"]["f1"] == "F1 is undefined without true or predicted labels"
    assert scores["undefined"]["balanced_accuracy"] == (
        "balanced accuracy is undefined if every label is always or never true"
    )


def test_subset_accuracy_needs_fully_known_labels():
    scores = through_json(score(WEATHER, [[1, -1, 0], [-1, 0, 1]], [[0.9, 0.1, 0.2], [0.2, 0.3, 0.9]]))
    assert scores["accuracy"] is None
    assert scores["undefined"]["subset_accuracy"] == (
        "subset accuracy is undefined without series whose labels are all known"
    )
    assert scores["hamming_loss"] == 0.0


def test_each_label_has_its_own_threshold():
    chances = [[0.4, 0.6, 0.5]]
    assert score(WEATHER, [[1, 0, 1]], chances, thresholds=[0.4, 0.7, 0.5])["subset_accuracy"] == 1.0
    assert score(WEATHER, [[0, 1, 1]], chances)["subset_accuracy"] == 1.0


def test_a_label_without_known_targets_is_none_throughout():
    scores = through_json(score(WEATHER, [[1, 0, -1], [0, 1, -1]], [[0.9, 0.1, 0.6], [0.3, 0.8, 0.2]]))
    snow = scores["per_class"]["snow"]
    assert (snow["support"], snow["prevalence"], snow["brier"], snow["f1"]) == (0, None, None, None)
    assert scores["f1"] == 1.0


def test_a_prediction_of_several_labels_is_scored_against_a_matrix():
    prediction = Prediction(np.array(["a", "b"]), WEATHER, np.array([[2.0, -2, 0.5], [-1, 1, -3]]))
    scores = through_json(score_prediction(prediction, [[1, 0, 1], [0, np.nan, 0]]))
    assert (scores["subset_accuracy"], scores["unknown"]) == (1.0, 1)
    assert scores["log_loss"] == pytest.approx(np.log1p(np.exp([-2, -2, -0.5, -1, -3])).mean())


def test_the_baseline_predicts_the_training_frequency_of_each_label():
    train, truth = random_predictions(WEATHER, 50, 1)[0], random_predictions(WEATHER, 30, 2)[0]
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((50, 1)), train)
    chances = np.stack([one[:, 1] for one in dummy.predict_proba(np.zeros((30, 1)))], axis=1)
    assert score_baseline(train, truth, WEATHER) == score(WEATHER, truth, chances)
    assert baseline(WEATHER, np.vstack([train, np.full((5, 3), -1)]), truth) == score(WEATHER, truth, chances)


def test_a_baseline_needs_training_targets_of_every_label():
    with pytest.raises(LabelError) as error:
        baseline(WEATHER, [[0, -1, 1]], [[0, 0, 1]])
    assert str(error.value) == (
        "expected every label to be known for some training series, got none for 'fog'; remove these labels"
    )
