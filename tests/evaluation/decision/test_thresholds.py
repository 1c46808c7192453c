"""Thresholds by a stated rule: by hand, by trying all, and against scikit-learn."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError
from limelight.evaluation.decision.thresholds import Thresholds, choose_thresholds
from limelight.task import Task


def decide(task, chances, thresholds=None):
    return task.decide(np.asarray(chances, dtype=float), thresholds)


TWO = Task(("fault", "ok"), positive="fault")
THREE = Task(("a", "b", "c"))
LABELS = Task(("rain", "fog"), multilabel=True)
RAIN = Task(("rain",), multilabel=True)
WRITE = (
    "use 'f1', 'none', {'precision': 0.9}, {'recall': 0.9}, {'cost': {'false_positive': 1, 'false_negative': 5}} or "
    "{'false_alarms': '1/hour'}"
)
COSTS = {"cost": {"false_positive": 1, "false_negative": 5}}


def rain(chances):
    return np.array(chances, dtype=float)[:, None]


def choose_for_rain(chances, codes, rule, fewest=1):
    return choose_thresholds(RAIN, rain(chances), np.array(codes)[:, None], rule, fewest=fewest)


def random_rain(seed=0, n=300):
    random = np.random.default_rng(seed)
    codes = (random.random(n) < 0.3).astype(int)
    return 1 / (1 + np.exp(-random.normal(size=n) - codes)), codes


some_rain = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.7, 0.9, 1.0]) | st.floats(0, 1), st.integers(0, 1)),
    min_size=2,
    max_size=25,
).filter(lambda pairs: 0 < sum(code for _, code in pairs) < len(pairs))


def every_decision(chances):
    """Return the decisions of every threshold, from none to all positive."""
    return [chances >= cut for cut in [2.0, *np.unique(chances)]]


def scores_of_predictions(score, codes, decisions):
    return [score(codes, decision.astype(int), zero_division=0) for decision in decisions]


def test_the_threshold_lies_between_two_neighbours():
    assert choose_for_rain([0.1, 0.2, 0.6, 0.7], [0, 0, 1, 1], "f1").values.tolist() == pytest.approx([0.4])


@given(pairs=some_rain)
@settings(deadline=None, max_examples=50)
def test_no_threshold_has_a_better_f1(pairs):
    chances, codes = (np.array(side) for side in zip(*pairs, strict=True))
    found = choose_for_rain(chances, codes, "f1")
    reached = reference.f1_score(codes, decide(RAIN, rain(chances), found.values)[:, 0])
    assert reached == pytest.approx(max(scores_of_predictions(reference.f1_score, codes, every_decision(chances))))
    assert found.table[0]["chosen"]["f1"] == pytest.approx(reached)


@given(pairs=some_rain, aim=st.sampled_from([0.3, 0.5, 0.75, 0.9, 1.0]))
@settings(deadline=None, max_examples=50)
def test_of_thresholds_with_the_precision_none_has_a_better_recall(pairs, aim):
    chances, codes = (np.array(side) for side in zip(*pairs, strict=True))
    found = choose_for_rain(chances, codes, {"precision": aim}).table[0]["chosen"]
    decisions = every_decision(chances)
    precisions, recalls = (
        scores_of_predictions(score, codes, decisions) for score in (reference.precision_score, reference.recall_score)
    )
    reachable = [recall for precision, recall in zip(precisions, recalls, strict=True) if precision >= aim]
    if reachable:
        assert found["precision"] >= aim
        assert found["recall"] == pytest.approx(max(reachable))
    else:
        assert found["precision"] == pytest.approx(max(precisions))


@given(pairs=some_rain, aim=st.sampled_from([0.3, 0.5, 0.75, 0.9, 1.0]))
@settings(deadline=None, max_examples=50)
def test_of_thresholds_with_the_recall_none_has_a_better_precision(pairs, aim):
    chances, codes = (np.array(side) for side in zip(*pairs, strict=True))
    found = choose_for_rain(chances, codes, {"recall": aim}).table[0]["chosen"]
    decisions = every_decision(chances)
    precisions, recalls = (
        scores_of_predictions(score, codes, decisions) for score in (reference.precision_score, reference.recall_score)
    )
    best = max(precision for precision, recall in zip(precisions, recalls, strict=True) if recall >= aim)
    assert found["recall"] >= aim
    assert found["precision"] == pytest.approx(best)


@given(pairs=some_rain, fp=st.integers(1, 5), fn=st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_no_threshold_costs_less(pairs, fp, fn):
    chances, codes = (np.array(side) for side in zip(*pairs, strict=True))
    found = choose_for_rain(chances, codes, {"cost": {"false_positive": fp, "false_negative": fn}})
    costs = [
        (fp * (decision & (codes == 0)) + fn * (~decision & (codes == 1))).mean()
        for decision in every_decision(chances)
    ]
    assert found.table[0]["chosen"]["cost"] == pytest.approx(min(costs))


@given(pairs=some_rain)
@settings(deadline=None, max_examples=50)
def test_a_little_noise_changes_no_decision(pairs):
    chances, codes = np.array([round(chance, 2) for chance, _ in pairs]), np.array([code for _, code in pairs])
    values = choose_for_rain(chances, codes, "f1").values
    noisy = (chances + np.random.default_rng(0).uniform(-0.004, 0.004, len(chances))).clip(0, 1)
    np.testing.assert_array_equal(decide(RAIN, rain(chances), values), decide(RAIN, rain(noisy), values))


def test_the_best_f1_is_that_of_the_precision_recall_curve():
    chances, codes = random_rain()
    precision, recall, _ = reference.precision_recall_curve(codes, chances)
    best = np.max(2 * precision * recall / (precision + recall))
    assert choose_for_rain(chances, codes, "f1").table[0]["chosen"]["f1"] == pytest.approx(best)


def test_the_table_matches_scikit_learn_at_both_thresholds():
    chances, codes = random_rain()
    found = choose_for_rain(chances, codes, {"recall": 0.9})
    row = found.table[0]
    for name, threshold in (("half", 0.5), ("chosen", found.values[0])):
        decisions = (chances >= threshold).astype(int)
        expected = reference.precision_recall_fscore_support(codes, decisions, average="binary")[:3]
        assert [row[name][score] for score in ("precision", "recall", "f1")] == pytest.approx(list(expected))
        assert row[name]["answered"] == decisions.sum()
    assert (row["known"], row["positives"]) == (300, codes.sum())


def test_equal_thresholds_resolve_to_the_nearest_to_half():
    # the cost is 1 with a threshold of 0.95 (a miss) and of 0.6 (a false alarm)
    found = choose_for_rain(
        [0.3, 0.5, 0.7, 0.9, 1.0], [0, 0, 1, 0, 1], {"cost": {"false_positive": 1, "false_negative": 1}}
    )
    assert found.values.tolist() == pytest.approx([0.6])


def test_the_higher_of_two_equally_near_thresholds_is_chosen():
    # a threshold of 0.75 costs a miss, one of 0.25 a false alarm, one of 0.5 both
    found = choose_for_rain(
        [0.125, 0.375, 0.625, 0.875], [0, 1, 0, 1], {"cost": {"false_positive": 1, "false_negative": 1}}
    )
    assert found.values.tolist() == [0.75]


def test_examples_with_the_same_probability_have_the_same_decision():
    found = choose_for_rain([0.4, 0.4, 0.4, 0.1], [1, 0, 1, 0], {"precision": 1.0})
    assert found.values.tolist() == pytest.approx([0.25])
    assert found.table[0]["chosen"]["answered"] == 3


def test_neighbouring_floats_are_separated():
    low = 0.3
    high = np.nextafter(low, 1)
    found = choose_for_rain([low, high] * 10, [0, 1] * 10, "f1")
    assert found.values.tolist() == [high]
    assert found.table[0]["chosen"]["f1"] == 1


def test_never_predicting_positive_may_be_the_cheapest():
    found = choose_for_rain([1.0, 0.2] * 10, [0, 1] * 10, {"cost": {"false_positive": 1000, "false_negative": 1}})
    assert found.values[0] > 1
    assert decide(RAIN, [[1.0]], found.values).tolist() == [[0]]
    assert found.notes == ("'rain' is never predicted for the held-out series: no other threshold is better",)


def test_always_predicting_positive_is_noted():
    found = choose_for_rain([0.2, 0.3] * 10, [1, 0] * 10, "f1")
    assert found.values.tolist() == pytest.approx([0.1])
    assert found.notes == ("'rain' is always predicted for the held-out series: no other threshold is better",)


def test_an_unreachable_precision_takes_the_best_with_a_note():
    found = choose_for_rain([0.8, 0.8, 0.8, 0.8, 0.2] * 10, [1, 1, 1, 0, 0] * 10, {"precision": 0.9})
    assert found.table[0]["chosen"]["precision"] == 0.75
    assert found.notes == (
        "no threshold reaches a precision of 0.9 for 'rain'; the highest is 0.750, which is 0.150 lower",
    )


def test_a_threshold_from_few_examples_is_noted():
    rough = "the threshold of 'rain' is imprecise: only 1"
    assert choose_for_rain([0.9, 0.2, 0.1], [1, 0, 0], "f1").notes == (f"{rough} positive example",)
    assert choose_for_rain([0.9, 0.8, 0.2], [1, 1, 0], "f1").notes == (f"{rough} negative example",)


@pytest.mark.parametrize(("few", "side"), [(1, "positive"), (0, "negative")])
def test_four_examples_choose_no_threshold_and_five_do(few, side):
    chances = np.where(np.arange(20) < 5, 0.3, 0.1) if few else np.where(np.arange(20) < 5, 0.7, 0.9)
    codes = np.full(20, 1 - few)
    codes[:4] = few
    found = choose_thresholds(RAIN, rain(chances), codes[:, None], "f1")
    assert found.values.tolist() == [0.5]
    assert found.table[0]["chosen"] == found.table[0]["half"]
    assert found.notes == (f"the threshold of 'rain' is left at 0.5: 4 {side} examples, at least 5 are needed",)
    codes[4] = few
    found = choose_thresholds(RAIN, rain(chances), codes[:, None], "f1")
    assert found.values.tolist() == pytest.approx([0.2 if few else 0.8])
    assert found.notes == (f"the threshold of 'rain' is imprecise: only 5 {side} examples",)


@pytest.mark.parametrize(("code", "how_often"), [(0, "never"), (1, "always")])
def test_a_constant_label_keeps_one_half(code, how_often):
    found = choose_for_rain([0.9, 0.2], [code, code], "f1")
    assert found.values.tolist() == [0.5]
    assert found.notes == (f"the threshold of 'rain' is left at 0.5: it is {how_often} true in 2 known examples",)


def test_unknown_labels_are_excluded():
    with_unknown = choose_for_rain([0.1, 0.2, 0.6, 0.7, 0.4], [0, 0, 1, 1, -1], "f1")
    without = choose_for_rain([0.1, 0.2, 0.6, 0.7], [0, 0, 1, 1], "f1")
    assert with_unknown.to_json() == without.to_json()


def test_a_label_without_known_targets_keeps_one_half():
    assert choose_for_rain([0.9], [-1], "f1").notes == (
        "the threshold of 'rain' is left at 0.5: it is never true in 0 known examples",
    )


def test_each_label_has_its_own_threshold():
    chances = np.array([[0.1, 0.7], [0.2, 0.8], [0.3, 0.9]])
    found = choose_thresholds(LABELS, chances, [[0, 0], [1, 0], [1, 1]], "f1", fewest=1)
    assert found.values.tolist() == pytest.approx([0.15, 0.85])
    assert [row["label"] for row in found.table] == ["rain", "fog"]
    assert decide(LABELS, chances, found.values).tolist() == [[0, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize("positive", ["fault", "ok"])
def test_the_threshold_of_two_classes_is_of_the_positive_one(positive):
    task = Task(("fault", "ok"), positive=positive)
    chances, codes = random_rain()
    both = np.stack([1 - chances, chances], axis=1)
    found = choose_thresholds(task, both, codes, {"recall": 0.95})
    place = task.positive_index
    assert found.table[0]["label"] == positive
    decisions = decide(task, both, found.values)
    assert reference.recall_score(codes, decisions, pos_label=place) >= 0.95
    np.testing.assert_array_equal(decisions == place, both[:, place] >= found.values[0])


def test_costs_may_be_a_confusion_matrix():
    chances, codes = random_rain()
    matrix = choose_for_rain(chances, codes, {"cost": [[0, 1], [5, 0]]})
    assert matrix.to_json() == choose_for_rain(chances, codes, COSTS).to_json()


def test_without_a_rule_the_threshold_is_one_half():
    found = choose_for_rain([0.4, 0.6], [1, 0], "none")
    assert (found.values.tolist(), found.notes) == ([0.5], ())
    assert found.table[0]["half"] == found.table[0]["chosen"]


def test_more_than_two_classes_have_no_thresholds():
    found = choose_thresholds(THREE, np.full((1, 3), 1 / 3), [0], "none")
    assert found.values is None
    assert found.describe() == ["no thresholds: the most probable class is predicted"]
    with pytest.raises(ParameterError) as error:
        choose_thresholds(THREE, np.full((1, 3), 1 / 3), [0], {"precision": 0.9})
    assert str(error.value) == (
        "expected no threshold rule for 3 classes, got a precision of at least 0.9; remove it, as the most probable "
        "class is predicted, or make each class a label of its own"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("f2", f"expected a threshold rule, got 'f2'; {WRITE}"),
        ("precision", f"expected a threshold rule, got 'precision'; {WRITE}"),
        (
            {"precision": 0.9, "recall": 0.9},
            f"expected a threshold rule, got {{'precision': 0.9, 'recall': 0.9}}; {WRITE}",
        ),
        ({"precision": 0}, "expected a precision above 0 and at most 1, got 0; use for example 0.9"),
        ({"recall": 90}, "expected a recall above 0 and at most 1, got 90; use for example 0.9"),
        ({"recall": True}, "expected a recall above 0 and at most 1, got True; use for example 0.9"),
        (
            {"cost": {"false_positive": 1}},
            "expected costs as {'false_positive': a, 'false_negative': b} or [[tn, fp], [fn, tp]], got "
            "{'false_positive': 1}; pass finite numbers",
        ),
        (
            {"cost": [[0, 1], [float("inf"), 0]]},
            "expected costs as {'false_positive': a, 'false_negative': b} or [[tn, fp], [fn, tp]], got "
            "[[0, 1], [inf, 0]]; pass finite numbers",
        ),
        (
            {"cost": {"false_positive": 0, "false_negative": 5}},
            "expected an error to cost more than a correct prediction, got [[tn, fp], [fn, tp]] = [[0.0, 0.0], [5.0, "
            "0.0]]; raise the cost of the false positive or of the false negative",
        ),
    ],
)
def test_impossible_rules_are_refused(rule, message):
    with pytest.raises(ParameterError) as error:
        choose_for_rain([0.5], [1], rule)
    assert str(error.value) == message


def test_without_thresholds_the_most_probable_class_is_predicted():
    assert decide(THREE, [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]).tolist() == [1, 0]
    assert decide(TWO, [[0.2, 0.8], [0.5, 0.5]]).tolist() == [1, 0]
    assert decide(LABELS, [[0.5, 0.4]]).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("task", "thresholds", "message"),
    [
        (
            THREE,
            [0.5, 0.5, 0.5],
            "expected no thresholds for 3 classes, got some; remove them, as the most probable class is predicted",
        ),
        (
            LABELS,
            [0.5],
            "expected thresholds of shape (2,) for a multilabel task, got (1,); pass one for the positive class, or one "
            "for each label",
        ),
    ],
)
def test_thresholds_that_do_not_fit_the_task_are_refused(task, thresholds, message):
    with pytest.raises(ParameterError) as error:
        decide(task, np.full((1, len(task.classes)), 0.3), thresholds)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("probabilities", "codes", "kind", "message"),
    [
        ([0.5], [0], DataError, "expected probabilities of shape (N, 2), got (1,); pass one per class or label"),
        (
            [[-1.0, 2.0]],
            [0],
            DataError,
            "expected probabilities from 0 to 1, got values outside this range or NaN; pass probabilities, not logits",
        ),
        (
            [[np.nan, 0.5]],
            [0],
            DataError,
            "expected probabilities from 0 to 1, got values outside this range or NaN; pass probabilities, not logits",
        ),
        (
            [[0.5, 0.5]],
            [0, 1],
            LabelError,
            "expected true codes of shape (1,) for 1 predictions, got (2,); pass them in the order of the predictions",
        ),
        (
            [[0.5, 0.5]],
            [2],
            LabelError,
            "expected true codes from 0 to 1, or -1 if unknown, got 2 to 2; "
            "encode the labels with the task of the predictions",
        ),
    ],
)
def test_arrays_that_do_not_fit_the_task_are_refused(probabilities, codes, kind, message):
    with pytest.raises(kind) as error:
        choose_thresholds(TWO, probabilities, codes, "f1")
    assert str(error.value) == message


def test_description_states_rule_change_and_notes():
    found = choose_for_rain([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], COSTS)
    assert found.describe() == [
        "thresholds for the lowest cost [[tn, fp], [fn, tp]] = [[0.0, 1.0], [5.0, 0.0]], chosen on held-out series; "
        "at 0.5 -> at the threshold",
        "label  threshold       precision          recall              F1            cost  predicted  positive  known",
        "rain        0.25  0.000 -> 1.000  0.000 -> 1.000  0.000 -> 1.000  2.500 -> 0.000     0 -> 2         2      4",
        "the threshold of 'rain' is imprecise: only 2 positive examples",
    ]


@pytest.mark.parametrize("rule", ["none", "f1", {"precision": 0.99}, {"recall": 0.9}, COSTS])
def test_thresholds_survive_json(rule):
    content = choose_for_rain(*random_rain(), rule).to_json()
    assert Thresholds.from_json(json.loads(json.dumps(content, allow_nan=False))).to_json() == content


def test_absent_thresholds_survive_json():
    found = choose_thresholds(THREE, np.full((1, 3), 1 / 3), [0], "none")
    assert Thresholds.from_json(json.loads(json.dumps(found.to_json()))).values is None


@pytest.mark.parametrize("changes", [{"values": [float("nan")]}, {"values": [[0.5]]}, {"rule": "f2"}, {"table": [1]}])
def test_foreign_json_is_refused(changes):
    content = {**Thresholds(np.array([0.5]), "f1").to_json(), **changes}
    with pytest.raises(ModelFolderError) as error:
        Thresholds.from_json(content)
    assert str(error.value) == (
        f"expected thresholds, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
    )
