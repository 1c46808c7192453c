"""The scores: hand-computed, and equal to scikit-learn called directly."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.dummy import DummyClassifier

from limelight.errors import DataError, LabelError, ParameterError
from limelight.evaluation.metrics.scoring import baseline, score, score_baseline, score_prediction
from limelight.task import Task
from support.predictions import prediction_of, through_json

TWO = Task(("fault", "ok"))
THREE = Task(("a", "b", "c"))


def random_prediction(task, n=200, seed=0):
    random = np.random.default_rng(seed)
    truth = np.array(task.classes)[random.integers(0, len(task.classes), n)]
    return prediction_of(task, random.normal(size=(n, task.outputs))), truth


def test_two_classes_by_hand():
    # three faults, of which two are found, and one false alarm among three
    positive_fault = Task(("fault", "ok"), positive="fault")
    scores = score_prediction(
        prediction_of(positive_fault, [-1, -1, 1, -1, 1, 1]), ["fault", "fault", "fault", "ok", "ok", "ok"]
    )
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["confusion"] == {"labels": ["fault", "ok"], "counts": [[2, 1], [1, 2]]}
    assert scores["log_loss"] == pytest.approx((4 * np.log(1 + np.exp(-1)) + 2 * np.log(1 + np.e)) / 6)


def test_f1_of_two_classes_is_of_the_positive_one():
    truth, logits = ["fault", "ok", "ok", "ok"], [1, 1, 1, -1]
    of_ok = score_prediction(prediction_of(Task(("fault", "ok"), positive="ok"), logits), truth)
    of_fault = score_prediction(prediction_of(Task(("fault", "ok"), positive="fault"), logits), truth)
    assert of_ok["f1"] == of_ok["per_class"]["ok"]["f1"] == pytest.approx(2 / 3)
    assert of_fault["f1"] == of_fault["per_class"]["fault"]["f1"] == 0.0


def test_f1_of_more_classes_is_macro():
    prediction, truth = random_prediction(THREE)
    scores = score_prediction(prediction, truth)
    assert scores["f1"] == pytest.approx(reference.f1_score(truth, prediction.labels, average="macro"))
    assert scores["f1"] == scores["macro"]["f1"]


def one_of_predictions(task, n, seed):
    random = np.random.default_rng(seed)
    width = len(task.classes)
    return random.integers(0, width, n), random.dirichlet(np.ones(width), n)


@given(n=st.integers(1, 60), seed=st.integers(0, 1000), task=st.sampled_from([TWO, THREE]))
@settings(deadline=None, max_examples=50)
def test_scores_match_scikit_learn_or_have_a_reason(n, seed, task):
    truth, chances = one_of_predictions(task, n, seed)
    scores, given_codes = through_json(score(task, truth, chances)), chances.argmax(axis=1)
    places = list(range(len(task.classes)))
    assert scores["brier"] == pytest.approx(reference.brier_score_loss(truth, chances, labels=places))
    assert scores["log_loss"] == pytest.approx(reference.log_loss(truth, chances, labels=places))
    if len(set(truth)) > 1 and len(set(given_codes)) > 1:
        assert scores["matthews"] == pytest.approx(reference.matthews_corrcoef(truth, given_codes))
    else:
        assert scores["matthews"] is None
    for kind in ("macro", "micro", "weighted"):
        means = reference.precision_recall_fscore_support(truth, given_codes, average=kind, zero_division=0)[:3]
        assert list(scores[kind].values()) == pytest.approx(list(means))
    each = reference.precision_recall_fscore_support(truth, given_codes, labels=places, zero_division=np.nan)
    for place, one in enumerate(scores["per_class"].values()):
        is_class = truth == place
        for name, values in zip(("precision", "recall", "f1"), each, strict=False):
            assert one[name] == pytest.approx(values[place]) or (one[name] is None and np.isnan(values[place]))
        if one["roc_auc"] is not None:
            assert one["roc_auc"] == pytest.approx(reference.roc_auc_score(is_class, chances[:, place]))
        if is_class.any():
            assert one["average_precision"] == pytest.approx(
                reference.average_precision_score(is_class, chances[:, place])
            )
        assert one["brier"] == pytest.approx(np.mean((is_class - chances[:, place]) ** 2))
        assert one["undefined"].keys() == {name for name, value in one.items() if value is None}
    assert scores["undefined"].keys() == {
        name for name, value in scores.items() if value is None and name != "positive"
    }


@given(seed=st.integers(0, 1000), task=st.sampled_from([TWO, THREE]))
@settings(deadline=None, max_examples=15)
def test_unknown_labels_change_no_score_and_are_counted(seed, task):
    truth, chances = one_of_predictions(task, 30, seed)
    known = np.random.default_rng(seed).random(30) < 0.7
    known[0] = True
    scores = score(task, np.where(known, truth, -1), chances)
    assert scores == {**score(task, truth[known], chances[known]), "unknown": int((~known).sum())}


def test_steps_are_scored_like_series_and_called_steps():
    truth, chances = one_of_predictions(THREE, 50, 0)
    steps = score(Task(THREE.classes, level="step"), truth, chances)
    assert steps == {**score(THREE, truth, chances), "level": "step"}
    absent = score(Task(("fault", "ok"), level="step"), [1, 1], [[0.4, 0.6], [0.1, 0.9]])["undefined"]["roc_auc"]
    assert absent == "ROC AUC is undefined without steps of class 'fault'"


def test_the_positive_class_is_predicted_from_the_threshold_on():
    chances = np.array([[0.1, 0.9], [0.3, 0.7], [0.4, 0.6]])
    fault = Task(("fault", "ok"), positive="fault")
    assert score(fault, [1, 0, 0], chances, thresholds=[0.3])["confusion"]["counts"] == [[2, 0], [0, 1]]
    assert score(TWO, [1, 0, 0], chances, thresholds=[0.8])["confusion"]["counts"] == [[2, 0], [0, 1]]
    assert score(TWO, [1, 0, 0], chances)["confusion"]["counts"] == [[0, 2], [0, 1]]


@pytest.mark.parametrize("task", [TWO, THREE], ids=["two", "three"])
def test_scores_are_those_of_scikit_learn(task):
    prediction, truth = random_prediction(task)
    scores = score_prediction(prediction, truth)
    weighted = reference.f1_score(truth, prediction.labels, average="weighted")
    assert scores["n"] == 200
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(truth, prediction.labels))
    assert scores["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, prediction.labels))
    assert scores["log_loss"] == pytest.approx(
        reference.log_loss(truth, prediction.probabilities, labels=list(task.classes))
    )
    assert scores["weighted"]["f1"] == pytest.approx(weighted)
    assert scores["confusion"]["counts"] == reference.confusion_matrix(truth, prediction.labels).tolist()


def test_roc_auc_of_two_classes_is_of_the_positive_one():
    prediction, truth = random_prediction(TWO)
    expected = reference.roc_auc_score(truth == "ok", prediction.probabilities[:, 1])
    assert score_prediction(prediction, truth)["roc_auc"] == pytest.approx(expected)


def test_roc_auc_of_more_classes_is_one_against_the_rest():
    prediction, truth = random_prediction(THREE)
    expected = reference.roc_auc_score(truth, prediction.probabilities, multi_class="ovr", average="macro")
    assert score_prediction(prediction, truth)["roc_auc"] == pytest.approx(expected)


def test_roc_auc_is_none_with_a_reason_without_a_class():
    scores = through_json(score_prediction(prediction_of(TWO, [1, -1]), ["ok", "ok"]))
    assert scores["roc_auc"] is None
    assert scores["per_class"]["fault"]["roc_auc"] is None
    assert scores["undefined"] == {
        "matthews": "Matthews correlation is undefined if all true labels are 'ok'",
        "roc_auc": "ROC AUC is undefined without series of class 'fault'",
    }


def test_roc_auc_per_class_survives_an_absent_class():
    scores = through_json(score_prediction(prediction_of(THREE, np.eye(3)[[0, 1, 1]]), ["a", "b", "b"]))
    assert scores["roc_auc"] is None
    assert scores["per_class"]["a"]["roc_auc"] == 1.0
    assert scores["undefined"]["average_precision"] == ("average precision is undefined without series of class 'c'")


def test_undefined_scores_are_none_with_a_reason_never_zero():
    scores = through_json(score_prediction(prediction_of(THREE, np.eye(3)[[0, 1, 1]]), ["a", "b", "b"]))
    of_c = scores["per_class"]["c"]
    assert [of_c[name] for name in ("precision", "recall", "f1", "roc_auc", "average_precision")] == [None] * 5
    assert (of_c["support"], of_c["prevalence"]) == (0, 0.0)
    assert of_c["undefined"] == {
        "precision": "precision is undefined without predictions of class 'c'",
        "recall": "recall is undefined without series of class 'c'",
        "f1": "F1 is undefined without series or predictions of class 'c'",
        "roc_auc": "ROC AUC is undefined without series of class 'c'",
        "average_precision": "average precision is undefined without series of class 'c'",
    }
    assert scores["per_class"]["a"]["undefined"] == {}


def test_a_class_never_predicted_has_zero_f1_and_no_precision():
    scores = score_prediction(prediction_of(TWO, [-1, -1]), ["ok", "fault"])
    assert (scores["precision"], scores["recall"], scores["f1"]) == (None, 0.0, 0.0)
    assert scores["undefined"]["precision"] == "precision is undefined without predictions of class 'ok'"
    assert scores["undefined"]["matthews"] == ("Matthews correlation is undefined if all predictions are 'fault'")


def test_averages_exclude_classes_without_targets_and_predictions():
    scores = score_prediction(prediction_of(THREE, np.eye(3)[[0, 1]]), ["a", "b"])
    assert scores["macro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert scores["balanced_accuracy"] == 1.0


def test_many_classes_with_few_series_each_give_no_warning():
    task = Task(tuple(range(30)))
    scores = score_prediction(prediction_of(task, np.eye(30)), list(range(30)))
    assert scores["accuracy"] == scores["roc_auc"] == 1.0


def test_certain_wrong_predictions_have_a_finite_log_loss():
    assert through_json(score_prediction(prediction_of(TWO, [1e9, -1e9]), ["fault", "ok"]))["log_loss"] > 30


def test_numeric_classes_are_named_as_text():
    scores = through_json(score_prediction(prediction_of(Task((0, 1)), [1, -1]), [1, 0]))
    assert list(scores["per_class"]) == scores["confusion"]["labels"] == ["0", "1"]


def test_the_baseline_predicts_the_most_frequent_training_label():
    scores = score_baseline(["ok", "ok", "fault"], ["ok", "fault", "fault", "fault"], TWO)
    assert scores["confusion"]["counts"] == [[0, 3], [0, 1]]
    assert scores["accuracy"] == scores["precision"] == 0.25
    assert scores["roc_auc"] == scores["balanced_accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-(3 * np.log(1 / 3) + np.log(2 / 3)) / 4)


@pytest.mark.parametrize("train", [[0, 1, 1, 2], [2, 2, 1], [0, 0, 1, 1]])
def test_the_baseline_equals_the_dummy_classifier_of_scikit_learn(train):
    truth = np.array([0, 1, 2, 2, 1])
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(train), 1)), train)
    chances = np.zeros((5, 3))
    chances[:, dummy.classes_] = dummy.predict_proba(np.zeros((5, 1)))
    assert baseline(THREE, train, truth) == score(THREE, truth, chances)
    assert baseline(THREE, [*train, -1], truth) == baseline(THREE, train, truth)


def test_the_baseline_accepts_classes_absent_from_training():
    assert through_json(score_baseline(["a", "b"], ["c", "a"], THREE))["confusion"]["counts"][2] == [1, 0, 0]


def test_labels_of_unknown_classes_are_refused():
    sentence = (
        "expected labels among the classes 'fault', 'ok', got 'broken'; "
        "remove these series, or train with series of that class"
    )
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(prediction_of(TWO, [1]), ["broken"])


def test_another_number_of_labels_is_refused():
    sentence = (
        "expected one label for each of the 2 predictions, got 1 labels; "
        "pass the labels of the predicted series in their order"
    )
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(prediction_of(TWO, [1, 1]), ["ok"])


def test_an_empty_set_of_labels_is_refused():
    sentence = "expected at least one known label to score against, got none; pass labelled series"
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(prediction_of(TWO, []), [])


def test_scores_without_known_labels_are_refused():
    sentence = "expected at least one known label to score against, got none; pass labelled steps"
    with pytest.raises(LabelError) as error:
        score(Task(("a", "b"), level="step"), [-1, -1], [[0.5, 0.5]] * 2)
    assert str(error.value) == sentence


def test_a_baseline_without_known_training_labels_is_refused():
    with pytest.raises(LabelError) as error:
        baseline(TWO, [-1], [0])
    assert str(error.value) == "expected known training labels for the baseline, got none; pass labelled series"


@pytest.mark.parametrize(
    ("codes", "chances", "thresholds", "error", "sentence"),
    [
        ([0], [[0.2, 0.3, 0.5]], None, DataError,
         "expected probabilities of shape (N, 2), got (1, 3); pass one per class or label"),
        ([0, 1], [[0.5, 0.5]], None, LabelError,
         "expected true codes of shape (1,) for 1 predictions, got (2,); pass them in the order of the "
         "predictions"),
        ([2], [[0.5, 0.5]], None, LabelError,
         "expected true codes from 0 to 1, or -1 if unknown, got 2 to 2; encode the labels with the task of the "
         "predictions"),
        ([0], [[np.nan, 0.5]], None, DataError,
         "expected probabilities from 0 to 1, got values outside this range or NaN; pass probabilities, not logits"),
        ([0], [[0.5, 0.5]], [0.5, 0.5], ParameterError,
         "expected thresholds of shape (1,) for a binary task, got (2,); pass one for the positive class, or one for "
         "each label"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(codes, chances, thresholds, error, sentence):
    with pytest.raises(error) as raised:
        score(TWO, codes, chances, thresholds=thresholds)
    assert str(raised.value) == sentence


def test_thresholds_for_more_than_two_classes_are_refused():
    with pytest.raises(ParameterError) as error:
        score(THREE, [0], [[0.2, 0.3, 0.5]], thresholds=[0.5])
    assert str(error.value) == (
        "expected no thresholds for 3 classes, got some; remove them, as the most probable class is predicted"
    )
