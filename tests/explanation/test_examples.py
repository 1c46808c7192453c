"""Examples: nearest series of each class, and the smallest change that changes a prediction."""

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.examples import find_examples
from support.linear import linear

MODEL = linear([[1.0]])


def levels(*numbers, labels=None, ids=None):
    """Series that stay at a level; the model predicts b above 0."""
    series = [np.full(32, level) for level in numbers]
    return Panel.from_series(series, labels=labels, ids=ids)


BACKGROUND = levels(3.0, 1.0, -1.0, -9.0, labels=["b", "b", "a", "a"], ids=["b3", "b1", "a1", "a9"])


def test_the_nearest_series_of_each_class_is_found():
    found = find_examples(MODEL, levels(2.6, -8.0), BACKGROUND)
    assert found.predicted.tolist() == ["b", "a"]
    assert found.nearest.tolist() == [["a1", "b3"], ["a9", "b1"]]
    assert (np.sort(found.distances, axis=1)[:, 0] < 1).all()


def test_the_change_is_as_short_as_it_can_be():
    panel = levels(0.5)
    found = find_examples(MODEL, panel, BACKGROUND)
    start, stop = int(found.start[0]), int(found.stop[0])
    assert (found.turned_by[0], found.turned_into[0]) == ("a1", "a")
    changed = panel.series(0)[:, 0].copy()
    changed[start:stop] = -1.0
    assert MODEL.predict(Panel.from_series([changed])).labels.tolist() == ["a"]
    changed[stop - 2 : stop] = 0.5
    assert MODEL.predict(Panel.from_series([changed])).labels.tolist() == ["b"]


def test_a_table_has_a_row_for_each_class():
    table = find_examples(MODEL, levels(0.5), BACKGROUND).table()
    assert table["class"].to_pylist() == ["a", "b"]
    assert table["stop"].is_null().to_pylist() == [False, True]


def test_without_another_class_there_is_no_change():
    found = find_examples(MODEL, levels(0.5), BACKGROUND[:2])
    assert (found.turned_by.tolist(), found.start.tolist()) == ([""], [-1])
    assert found.nearest.tolist() == [["", "b1"]]


def test_a_model_of_steps_is_refused():
    with pytest.raises(ParameterError) as error:
        find_examples(linear([[1.0]], level="step"), levels(1.0), BACKGROUND)
    assert str(error.value) == (
        "expected a model that predicts one class for each series to find examples, got binary predictions for each "
        "step; use an explanation method instead"
    )


def test_unlabelled_examples_are_refused():
    with pytest.raises(DataError) as error:
        find_examples(MODEL, levels(1.0), levels(1.0, 2.0))
    assert str(error.value) == ("expected labelled series to choose examples from, got none; pass the training series")
