"""Localisation of attention, compared with uniform attention."""

import re

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.explanation.quality.localisation import score_localisation
from limelight.model.fitted import Prediction
from limelight.task import Task

TASK = Task(("flat", "ok"))
NOWHERE = (-1, -1)


def localisation_of(attention, intervals, labels=None, logits=None):
    panel = Panel.from_series([np.zeros(len(one)) for one in attention], labels=labels, intervals=intervals)
    logits = np.full((len(panel), 1), -1.0) if logits is None else np.array(logits, dtype=float)[:, None]
    weights = [np.array(one, dtype=np.float32) for one in attention]
    return score_localisation(Prediction(panel.ids, TASK, logits, weights), panel)


def test_share_and_peak_inside_are_means_over_series():
    scores = localisation_of([[0.1, 0.6, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]], [(1, 3), (0, 1)])
    assert scores["series"] == 2
    assert scores["attention_inside"] == pytest.approx((0.8 + 0.1) / 2)
    assert scores["peak_inside"] == 0.5
    assert scores["attention_inside_uniform"] == scores["peak_inside_uniform"] == (2 / 4 + 1 / 4) / 2


def test_uniform_attention_scores_as_the_uniform_baseline():
    scores = localisation_of([[0.25] * 4], [(1, 2)])
    assert scores["attention_inside"] == scores["attention_inside_uniform"] == 0.25
    assert scores["peak_inside"] == scores["peak_inside_uniform"] == 0.25


def test_series_without_a_known_interval_do_not_count():
    scores = localisation_of([[0.0, 1.0], [1.0, 0.0]], [(1, 2), NOWHERE])
    assert (scores["series"], scores["attention_inside"], scores["peak_inside"]) == (1, 1.0, 1.0)


def test_correctly_classified_series_are_scored_separately():
    scores = localisation_of([[0.0, 1.0], [1.0, 0.0]], [(1, 2), (1, 2)], labels=["flat", "flat"], logits=[-1, 1])
    assert (scores["series"], scores["attention_inside"]) == (2, 0.5)
    assert scores["correct"] == {
        "series": 1,
        "attention_inside": 1.0,
        "attention_inside_uniform": 0.5,
        "peak_inside": 1.0,
        "peak_inside_uniform": 0.5,
    }


def test_means_are_none_without_correctly_classified_series():
    scores = localisation_of([[0.0, 1.0]], [(1, 2)], labels=["flat"], logits=[1])
    assert scores["correct"]["series"] == 0
    assert scores["correct"]["attention_inside"] is None


def test_an_unlabelled_panel_has_no_correct_series():
    assert localisation_of([[0.0, 1.0]], [(1, 2)])["correct"] is None


def test_an_interval_ends_with_the_series():
    assert localisation_of([[0.5, 0.5]], [(1, 9)])["attention_inside_uniform"] == 0.5


def test_without_intervals_nothing_is_scored():
    assert localisation_of([[0.5, 0.5]], None) is None
    assert localisation_of([[0.5, 0.5]], [NOWHERE]) is None


def test_without_attention_nothing_is_scored():
    panel = Panel.from_series([np.zeros(2)], intervals=[(0, 1)])
    assert score_localisation(Prediction(panel.ids, TASK, np.zeros((1, 1))), panel) is None


def test_predictions_of_another_panel_are_refused():
    panel = Panel.from_series([np.zeros(2), np.zeros(2)])
    sentence = (
        "expected predictions for the 2 series of the panel, got predictions for 1; pass the panel that was predicted"
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        score_localisation(Prediction(panel.ids[:1], TASK, np.zeros((1, 1))), panel)
