"""Class names that differ only in spelling, and names that differ in meaning."""

import numpy as np
import pytest

from limelight.data.inspection.alike import compound_names, names_alike
from limelight.data.inspection.inspect_panel import inspect_panel
from limelight.data.panel import Panel


@pytest.mark.parametrize(
    "names",
    [("B", "b"), ("a", "a "), ("step up", "step_up"), ("step-up", "StepUp"), ("Straße", "STRASSE"), ("1", "1.0"), ("ok.", "ok")],
)  # fmt: skip
def test_names_are_alike_despite_case_blanks_and_punctuation(names):
    assert names_alike(["other", *names]) == [names]


@pytest.mark.parametrize("names", [("a", "b"), ("-1", "1"), ("1.5", "15"), ("a+", "a-"), ("1_2", "12"), ("?", "!")])
def test_different_names_are_not_alike(names):
    assert names_alike(names) == []


@pytest.mark.parametrize("sign", ["|", ";", ", ", "+", " & ", "/"])
def test_names_that_join_others_are_compound(sign):
    names = ["rest", f"rest{sign}walk", f"walk{sign}run", "run"]
    assert compound_names(names) == names[1:3]


@pytest.mark.parametrize("names", [("km/h", "m/s"), ("a|b", "c"), ("a|", "a"), ("ok", "worn"), ("1,5", "2,5")])
def test_other_names_are_not_compound(names):
    assert compound_names(names) == []


def test_classes_that_join_others_raise_a_question():
    series = [np.arange(5.0) ** row for row in range(6)]
    panel = Panel.from_series(series, labels=["walk", "rest", "walk|rest", "walk", "rest", "walk|rest"])
    assert (
        "class 'walk|rest' combines the names of other classes, and each combination is learned as a class of its own; if several "
        "labels are meant, write a column label_x of 0 and 1 for each label x"
    ) in inspect_panel(panel).warnings
