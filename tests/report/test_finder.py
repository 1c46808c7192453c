"""The list of all series: wrong and doubtful predictions, and links from the confusion matrix."""

import base64

import numpy as np
import pytest

from limelight.report import finder
from limelight.report.content import collect
from limelight.report.finder import list_series
from limelight.report.highlights import choose_highlights


def decoded(packed):
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=np.dtype(packed["dtype"]).newbyteorder("<"))


def listed(inputs):
    return list_series(inputs, choose_highlights(inputs))


def test_each_series_has_its_true_and_predicted_class(make_inputs):
    inputs = make_inputs(60, ("a", "b", "c"), sharp=1.0)
    found = listed(inputs)
    names = [name for name, _ in found["names"]]
    assert [names[code] for code in decoded(found["truth"])] == inputs.panel.labels.tolist()
    assert [names[code] for code in decoded(found["predicted"])] == inputs.prediction.labels.tolist()
    best = inputs.prediction.probabilities.max(axis=1)
    assert decoded(found["probability"]) / 65_535 == pytest.approx(best, abs=1e-5)


def test_a_prediction_is_doubtful_if_a_second_class_comes_close(make_inputs):
    inputs = make_inputs(200, ("a", "b", "c"), sharp=1.0)
    best = np.sort(inputs.prediction.probabilities, axis=1)
    wrong = inputs.prediction.labels != inputs.panel.labels
    state = decoded(listed(inputs)["state"])
    assert (state == 1).tolist() == wrong.tolist()
    assert (state == 2).tolist() == (~wrong & (best[:, -1] - best[:, -2] < 0.2)).tolist()


def test_several_labels_are_listed_together(make_inputs):
    inputs = make_inputs(30, ("fog", "hail"), kind="labels", sharp=1.0)
    found = listed(inputs)
    assert found["labels"] == ["fog", "hail"]
    assert {tuple(codes): name for name, codes in found["names"]}[(1, 1)] == "fog, hail"


@pytest.mark.parametrize(("kind", "key"), [("steps", "1,0"), ("labels of steps", "0,1,0")])
def test_a_cell_of_steps_lists_the_series_with_most(make_inputs, kind, key):
    inputs = make_inputs(40, ("a", "b"), kind=kind, sharp=0.5)
    codes, decisions = (x.reshape(len(x), -1)[:, 0] for x in (inputs.labelled.codes, inputs.labelled.decisions))
    hits = (codes == 1) & (decisions == 0)
    counts = np.array([hits[inputs.slice_of(row)].sum() for row in range(40)])
    cell = listed(inputs)["cells"][key]
    assert counts[cell].tolist() == np.sort(counts)[::-1][: len(cell)].tolist()


def test_wrong_series_are_kept_first_if_there_are_too_many(make_inputs, monkeypatch):
    monkeypatch.setattr(finder, "MOST_LISTED", 10)
    inputs = make_inputs(100, sharp=0.8)
    found = listed(inputs)
    assert (found["omitted"], found["total"]) == (90, 100)
    assert set(decoded(found["state"]).tolist()) == {1}


def test_series_with_a_figure_are_linked(make_inputs):
    inputs = make_inputs(40, sharp=1.0)
    content = collect(inputs)
    assert sorted(row for _, row in content["find"]["drawn"]) == sorted(choose_highlights(inputs).pictured)
