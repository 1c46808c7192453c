"""The printed scores: the numbers of metrics.json as text."""

import numpy as np

from limelight.evaluation.metrics.grouped import score_groups
from limelight.evaluation.metrics.scoring import baseline, score, score_baseline, score_prediction
from limelight.evaluation.summary import localisation_sentence, score_lines
from limelight.task import Task
from support.predictions import prediction_of

TWO = Task(("fault", "ok"))


def test_the_table_shows_model_beside_baseline_classes_confusion_and_attention():
    truth = ["fault"] * 20 + ["ok"] * 40
    metrics = {
        "test": score_prediction(prediction_of(TWO, [-1] * 20 + [1] * 20 + [-1] * 20), truth),
        "baseline": score_baseline(["ok"], truth, TWO),
        "localisation": {
            "series": 1200, "attention_inside": 0.8, "attention_inside_uniform": 0.3,
            "peak_inside": 0.9, "peak_inside_uniform": 0.3, "correct": None,
        },
    }  # fmt: skip
    assert score_lines(metrics) == [
        "                      model   95 % interval  baseline",
        "accuracy              0.667  0.541 to 0.773     0.667",
        "precision (ok)        1.000                     0.667",
        "recall (ok)           0.500                     1.000",
        "F1 (ok)               0.667  0.516 to 0.800     0.800",
        "balanced accuracy     0.750  0.674 to 0.833     0.500",
        "Matthews correlation  0.500                         -",
        "ROC AUC               0.750                     0.500",
        "average precision     0.833                     0.667",
        "log loss              0.647                    12.015",
        "Brier score           0.226                     0.333",
        "",
        "class  precision  recall     F1  ROC AUC  average precision  Brier score  support  prevalence",
        "fault      0.500   1.000  0.667    0.750              0.500        0.226       20       0.333",
        "ok         1.000   0.500  0.667    0.750              0.833        0.226       40       0.667",
        "",
        "average                precision  recall     F1",
        "macro (over classes)       0.750   0.750  0.667",
        "weighted (by support)      0.833   0.667  0.667",
        "micro (pooled counts)      0.667   0.667  0.667",
        "",
        "confusion matrix: true (rows) and predicted (columns)",
        "       fault  ok",
        "fault     20   0",
        "ok        20  20",
        "",
        "80 % of the attention falls inside the true interval (30 % if it were uniform), and its peak does in 90 % of "
        "the 1,200 series with a known interval (30 % by chance).",
    ]


def test_the_multilabel_table_counts_known_and_unknown_labels():
    task = Task(("rain", "fog"), multilabel=True, level="step")
    truth, chances = [[1, 0], [1, 1], [0, -1]], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]
    assert score_lines({"test": score(task, truth, chances), "baseline": baseline(task, truth, truth)}) == [
        "3 steps scored, 1 unknown label ignored",
        "",
        "                      model  baseline",
        "subset accuracy       0.500     0.500",
        "Hamming loss          0.400     0.400",
        "precision (macro)     0.750     0.583",
        "recall (macro)        0.750     1.000",
        "F1 (macro)            0.750     0.733",
        "balanced accuracy     0.625     0.500",
        "Matthews correlation  0.250         -",
        "ROC AUC               0.750     0.500",
        "average precision     0.917     0.583",
        "log loss              0.649     0.659",
        "Brier score           0.238     0.233",
        "",
        "label  precision  recall     F1  ROC AUC  average precision  Brier score  support  prevalence",
        "rain       0.500   0.500  0.500    0.500              0.833        0.380        2       0.667",
        "fog        1.000   1.000  1.000    1.000              1.000        0.025        1       0.500",
        "",
        "average                precision  recall     F1",
        "macro (over labels)        0.750   0.750  0.750",
        "weighted (by support)      0.667   0.667  0.667",
        "micro (pooled counts)      0.667   0.667  0.667",
        "samples (over steps)       1.000   0.750  0.833",
        "",
        "label  true positives  false negatives  false positives  true negatives",
        "rain                1                1                1               0",
        "fog                 1                0                0               1",
    ]


def test_the_table_shows_each_value_and_the_worst():
    truth, chances = [0] * 40, [[0.9, 0.1]] * 20 + [[0.9, 0.1], [0.1, 0.9]] * 10
    groups = {"machine": score_groups(TWO, truth, chances, ["m1"] * 20 + ["m2"] * 20)}
    lines = score_lines({"test": score(TWO, truth, chances), "baseline": baseline(TWO, truth, truth), "groups": groups})
    assert lines[-4:] == [
        "machine  accuracy  F1 (ok)  balanced accuracy   95 % interval  series",
        "m1          1.000        -              1.000  0.832 to 1.000      20",
        "m2          0.500    0.000              0.500  0.300 to 0.700      20",
        "lowest balanced accuracy: 0.500 for m2 (permutation test: p = 0.005)",
    ]


def test_the_table_of_many_classes_has_no_confusion_matrix():
    task = Task(tuple(range(13)))
    scores = score_prediction(prediction_of(task, np.eye(13)), list(range(13)))
    lines = score_lines({"test": scores, "baseline": scores})
    assert "confusion matrix: true (rows) and predicted (columns)" not in lines


def test_the_table_states_why_a_score_is_missing():
    scores = score_prediction(prediction_of(TWO, [1]), ["ok"])
    lines = score_lines({"test": scores, "baseline": scores})
    assert [line.split() for line in lines if line.startswith("ROC AUC")] == [["ROC", "AUC", "-", "-"]]
    assert "(ROC AUC is undefined without series of class 'fault')" in lines


def test_unknown_attention_is_omitted():
    assert localisation_sentence(None) == ""
