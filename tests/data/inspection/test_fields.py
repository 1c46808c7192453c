"""Summary of metadata fields, and fields that leak the label."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.inspection.fields import FieldUse, find_leaks, summarise_fields
from limelight.data.inspection.findings import Leaks

LABELS = np.array(["ok", "worn"] * 20)


def leaks(labels=LABELS, ignored=(), **columns):
    return find_leaks(pa.table(columns), labels, set(ignored))


@pytest.mark.parametrize("outcome", [["fine", "broken"] * 20, [0, 1] * 20, [2.0, 3.0] * 20, [False, True] * 20])
def test_a_copy_of_the_label_leaks(outcome):
    assert leaks(outcome=outcome) == Leaks(values=("outcome",))


def test_a_number_that_separates_the_classes_leaks():
    draw = np.random.default_rng(0)
    scores = np.where(LABELS == "ok", 0.0, 10.0) + draw.uniform(0, 9, 40)
    assert leaks(score=scores, noise=draw.normal(size=40)) == Leaks(thresholds=("score",))


def test_a_field_known_for_one_class_only_leaks():
    dates = [None if label == "ok" else f"2024-01-{row % 27 + 1:02d}" for row, label in enumerate(LABELS)]
    assert leaks(failed_on=dates) == Leaks(missing=("failed_on",))


def test_an_unused_field_does_not_leak():
    assert leaks(outcome=LABELS, ignored=["outcome"]) == Leaks()


def test_a_field_with_exceptions_is_not_a_leak():
    scores = np.where(LABELS == "ok", 0.0, 10.0)
    scores[0] = 10.0
    assert leaks(score=scores, outcome=[*LABELS[1::-1], *LABELS[2:]]) == Leaks()


def test_a_copy_of_one_of_several_labels_leaks():
    labels = np.random.default_rng(0).integers(0, 2, (40, 3))
    labels[0] = 1
    assert leaks(labels, rain=["wet" if one else "dry" for one in labels[:, 1]], age=np.arange(40)) == Leaks(("rain",))


def test_unlabelled_series_are_ignored():
    labels = np.array([*LABELS, None, None], dtype=object)
    assert leaks(labels, outcome=[*LABELS, "ok", "worn"]) == Leaks(values=("outcome",))


def test_a_field_is_summarised_by_its_kind():
    table = pa.table({"age": [30.0, 9.0, None, 30.0], "site": ["b", "a", "b", "b"]})
    age, site = summarise_fields(table, {"age": FieldUse("number"), "site": FieldUse("ignore", "names a group")})
    assert (age.kind, age.missing, age.distinct, age.examples) == ("number", 1, 2, ("9", "30"))
    assert (site.why, site.missing, site.examples) == ("names a group", 0, ("b", "a"))


def test_text_among_numbers_is_missing_and_named():
    (field,) = summarise_fields(pa.table({"age": ["30", "?", "", "old", "18"]}), {"age": FieldUse("number")})
    assert (field.missing, field.distinct, field.examples) == (3, 2, ("18", "30"))
    assert field.why == "'?', 'old' read as missing"
