"""The scores: hand-computed, and equal to scikit-learn called directly."""

import json
import re

import numpy as np
import pytest
from sklearn import metrics as reference

from limelight.errors import LabelError
from limelight.evaluation.metrics import score_baseline, score_prediction
from limelight.evaluation.table import localisation_sentence, score_lines
from limelight.model.fitted import Prediction
from limelight.task import Task

TWO = Task(("fault", "ok"))
THREE = Task(("a", "b", "c"))


def answers(task, logits):
    logits = np.asarray(logits, dtype=float)
    return Prediction(np.arange(len(logits)).astype(str), task, logits.reshape(len(logits), task.outputs))


def random_answers(task, n=200, seed=0):
    random = np.random.default_rng(seed)
    truth = np.array(task.classes)[random.integers(0, len(task.classes), n)]
    return answers(task, random.normal(size=(n, task.outputs))), truth


def finite(content):
    return json.loads(json.dumps(content, allow_nan=False))


def test_two_classes_by_hand():
    # three faults, of which two are found, and one false alarm among three
    positive_fault = Task(("fault", "ok"), positive="fault")
    scores = score_prediction(
        answers(positive_fault, [-1, -1, 1, -1, 1, 1]), ["fault", "fault", "fault", "ok", "ok", "ok"]
    )
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["confusion"] == {"labels": ["fault", "ok"], "counts": [[2, 1], [1, 2]]}
    assert scores["log_loss"] == pytest.approx((4 * np.log(1 + np.exp(-1)) + 2 * np.log(1 + np.e)) / 6)


def test_f1_of_two_classes_is_of_the_positive_one():
    truth, logits = ["fault", "ok", "ok", "ok"], [1, 1, 1, -1]
    of_ok = score_prediction(answers(Task(("fault", "ok"), positive="ok"), logits), truth)
    of_fault = score_prediction(answers(Task(("fault", "ok"), positive="fault"), logits), truth)
    assert of_ok["f1"] == of_ok["per_class"]["ok"]["f1"] == pytest.approx(2 / 3)
    assert of_fault["f1"] == of_fault["per_class"]["fault"]["f1"] == 0.0


def test_f1_of_more_classes_is_macro():
    prediction, truth = random_answers(THREE)
    scores = score_prediction(prediction, truth)
    assert scores["f1"] == pytest.approx(reference.f1_score(truth, prediction.labels, average="macro"))
    assert scores["f1"] == scores["macro"]["f1"]


@pytest.mark.parametrize("task", [TWO, THREE], ids=["two", "three"])
def test_scores_are_those_of_scikit_learn(task):
    prediction, truth = random_answers(task)
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
    prediction, truth = random_answers(TWO)
    expected = reference.roc_auc_score(truth == "ok", prediction.probabilities[:, 1])
    assert score_prediction(prediction, truth)["roc_auc"] == pytest.approx(expected)


def test_roc_auc_of_more_classes_is_one_against_the_rest():
    prediction, truth = random_answers(THREE)
    expected = reference.roc_auc_score(truth, prediction.probabilities, multi_class="ovr", average="macro")
    assert score_prediction(prediction, truth)["roc_auc"] == pytest.approx(expected)


def test_roc_auc_is_none_with_a_reason_where_a_class_is_absent():
    scores = finite(score_prediction(answers(TWO, [1, -1]), ["ok", "ok"]))
    assert scores["roc_auc"] is None
    assert scores["per_class"]["fault"]["roc_auc"] is None
    assert scores["undefined"] == {
        "roc_auc": "the ROC AUC needs series of every class, and there are none of class 'fault'"
    }


def test_roc_auc_of_the_classes_that_occur_is_known_where_another_is_absent():
    scores = finite(score_prediction(answers(THREE, np.eye(3)[[0, 1, 1]]), ["a", "b", "b"]))
    assert scores["roc_auc"] is None
    assert scores["per_class"]["a"]["roc_auc"] == 1.0
    assert scores["per_class"]["c"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "roc_auc": None
    }  # fmt: skip


def test_averages_leave_out_classes_that_neither_occur_nor_are_predicted():
    scores = score_prediction(answers(THREE, np.eye(3)[[0, 1]]), ["a", "b"])
    assert scores["macro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert scores["balanced_accuracy"] == 1.0


def test_many_classes_with_few_series_each_give_no_warning():
    task = Task(tuple(range(30)))
    scores = score_prediction(answers(task, np.eye(30)), list(range(30)))
    assert scores["accuracy"] == scores["roc_auc"] == 1.0


def test_certain_and_wrong_answers_have_a_finite_log_loss():
    assert finite(score_prediction(answers(TWO, [1e9, -1e9]), ["fault", "ok"]))["log_loss"] > 30


def test_classes_that_are_numbers_are_named_in_words():
    scores = finite(score_prediction(answers(Task((0, 1)), [1, -1]), [1, 0]))
    assert list(scores["per_class"]) == scores["confusion"]["labels"] == ["0", "1"]


def test_the_baseline_gives_the_commonest_training_label():
    scores = score_baseline(["ok", "ok", "fault"], ["ok", "fault", "fault", "fault"], TWO)
    assert scores["confusion"]["counts"] == [[0, 3], [0, 1]]
    assert scores["accuracy"] == scores["precision"] == 0.25
    assert scores["roc_auc"] == scores["balanced_accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-(3 * np.log(1 / 3) + np.log(2 / 3)) / 4)


def test_the_baseline_knows_classes_that_training_lacks():
    assert finite(score_baseline(["a", "b"], ["c", "a"], THREE))["confusion"]["counts"][2] == [1, 0, 0]


def test_labels_that_are_no_classes_are_refused():
    sentence = (
        "expected labels among the classes 'fault', 'ok', got 'broken'; "
        "leave these series out, or train with series of that class"
    )
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(answers(TWO, [1]), ["broken"])


def test_another_number_of_labels_is_refused():
    sentence = (
        "expected one label for each of the 2 answers, got 1 labels; "
        "give the labels of the predicted series in their order"
    )
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(answers(TWO, [1, 1]), ["ok"])


def test_no_labels_are_refused():
    sentence = "expected at least one label to score with, got none; give labelled series"
    with pytest.raises(LabelError, match=f"^{re.escape(sentence)}$"):
        score_prediction(answers(TWO, []), [])


def test_the_table_shows_model_beside_baseline_classes_confusion_and_attention():
    truth = ["fault", "ok", "ok"]
    metrics = {
        "test": score_prediction(answers(TWO, [-1, 1, -1]), truth),
        "baseline": score_baseline(["ok"], truth, TWO),
        "localisation": {
            "series": 1200, "attention_inside": 0.8, "attention_inside_uniform": 0.3,
            "peak_inside": 0.9, "peak_inside_uniform": 0.3, "correct": None,
        },
    }  # fmt: skip
    assert score_lines(metrics) == [
        "                   model  baseline",
        "accuracy           0.667     0.667",
        "precision (ok)     1.000     0.667",
        "recall (ok)        0.500     1.000",
        "F1 (ok)            0.667     0.800",
        "balanced accuracy  0.750     0.500",
        "ROC AUC            0.750     0.500",
        "log loss           0.647    12.015",
        "",
        "class  precision  recall     F1  ROC AUC  series",
        "fault      0.500   1.000  0.667    0.750       1",
        "ok         1.000   0.500  0.667    0.750       2",
        "",
        "true (rows) and predicted (columns)",
        "       fault  ok",
        "fault      1   0",
        "ok         1   1",
        "",
        "Of the attention 80 % fell inside the true interval (spread evenly it would be 30 %), and its peak was "
        "inside in 90 % of the 1,200 series whose interval is known (by chance 30 %).",
    ]


def test_the_table_of_many_classes_has_no_confusion_matrix():
    task = Task(tuple(range(13)))
    scores = score_prediction(answers(task, np.eye(13)), list(range(13)))
    lines = score_lines({"test": scores, "baseline": scores})
    assert "true (rows) and predicted (columns)" not in lines


def test_the_table_says_why_a_score_is_missing():
    scores = score_prediction(answers(TWO, [1]), ["ok"])
    lines = score_lines({"test": scores, "baseline": scores})
    assert "ROC AUC                -         -" in lines
    assert "(the ROC AUC needs series of every class, and there are none of class 'fault')" in lines


def test_nothing_is_said_about_attention_that_is_not_known():
    assert localisation_sentence(None) == ""
