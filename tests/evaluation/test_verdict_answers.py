"""The three questions at the top of a report."""

import pytest

from limelight.evaluation.verdict import stands_out, verdict_answers

TEST = {
    "n": 40,
    "accuracy": 0.75,
    "intervals": {"accuracy": [0.6, 0.86]},
    "confusion": {"labels": ["idle", "ok", "worn"], "counts": [[10, 0, 0], [2, 18, 0], [5, 3, 2]]},
}


def answers(test=TEST, baseline=0.5, **others):
    metrics = {"test": test, "baseline": {"accuracy": baseline}, **others}
    return {one["question"]: one for one in verdict_answers(metrics)["answers"]}


def test_the_first_answer_compares_with_guessing():
    assert answers()["Is it better than guessing?"] == {
        "question": "Is it better than guessing?",
        "answer": "Yes",
        "sentence": "Its accuracy is at least 60.0 % (95 % interval), and always predicting the most frequent class would "
        "be correct for 50.0 %.",
        "tone": "good",
    }
    assert answers(baseline=0.7)["Is it better than guessing?"]["answer"] == "Not shown"
    assert answers(baseline=0.9)["Is it better than guessing?"]["answer"] == "No"


def test_the_second_answer_is_the_interval():
    found = answers()["How sure is that?"]
    assert (found["answer"], found["tone"]) == ("60.0 % to 86.0 %", "open")
    assert found["sentence"] == (
        "The 95 % interval for the share of new series predicted correctly, from 40 series that were not used in "
        "training; more test series would narrow it."
    )


def test_the_second_answer_is_open_without_an_interval():
    found = answers({**TEST, "intervals": {}})["How sure is that?"]
    assert (found["answer"], found["sentence"]) == ("Unknown", "40 series were tested, which give no interval.")


def test_the_third_answer_names_mistake_and_class():
    found = answers()["Where does it fail?"]
    assert found["answer"] == "10 of 40 series"
    assert found["sentence"] == (
        "The most frequent mistake: 'worn' is taken for 'idle' (5 of 10). 'worn' is recognised least: 2 of 10."
    )


def test_a_perfect_score_has_no_mistake_and_no_alarm():
    confusion = {"labels": ["ok", "worn"], "counts": [[20, 0], [0, 20]]}
    test = {**TEST, "accuracy": 1.0, "intervals": {"accuracy": [0.912, 1.0]}, "confusion": confusion}
    found = answers(test)
    assert found["Where does it fail?"]["answer"] == "No mistake"
    assert {one["tone"] for one in found.values()} == {"good"}


@pytest.mark.parametrize(("chance", "lowest", "shown"), [(0.01, 0.4, True), (0.2, 0.4, False), (0.01, 1.0, False)])
def test_a_group_is_named_if_chance_does_not_explain_it(chance, lowest, shown):
    groups = [{"value": "north", "balanced_accuracy": 1.0}, {"value": "south", "balanced_accuracy": lowest}]
    scored = {"groups": groups, "worst": 1, "chance": chance}
    assert stands_out(scored) is shown
    sentence = answers(groups={"place": scored})["Where does it fail?"]["sentence"]
    assert ("It is weaker for place = south: balanced accuracy 0.400." in sentence) is shown


def test_several_labels_name_the_one_that_is_missed():
    confusion = {"labels": ["fog", "rain"], "counts": [[[30, 1], [0, 9]], [[20, 0], [15, 5]]]}
    test = {"n": 40, "accuracy": 0.5, "hamming_loss": 0.2, "per_class": {"fog": {}, "rain": {}}, "confusion": confusion}
    metrics = {"test": test, "baseline": {"hamming_loss": 0.4}}
    found = verdict_answers(metrics)["answers"][2]
    assert (found["answer"], found["sentence"]) == (
        "20.0 % of the single labels",
        "'rain' is missed most often: 15 of 20.",
    )
