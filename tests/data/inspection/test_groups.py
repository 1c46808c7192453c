"""Which metadata fields identify a group of series, by their values alone."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.inspection.groups import group_fields

N = 160
DRAW = np.random.default_rng(7)
MACHINES = np.repeat(np.arange(40), 4)
NOTHING = np.zeros((N, 0))


def found(features=NOTHING, **columns):
    return list(group_fields(pa.table({name: np.asarray(cells) for name, cells in columns.items()}), features))


@pytest.mark.parametrize("name", ["Maschine", "identifiant_du_patient", "Proband", "x"])
def test_many_categories_identify_groups_under_any_name(name):
    words = np.array([f"{chr(97 + one % 26)}{chr(97 + one // 26)}" for one in range(40)])[DRAW.permutation(MACHINES)]
    assert found(**{name: words}) == [name]


def test_a_few_codes_identify_groups():
    assert found(Anlage=[f"Anlage {row % 9}" for row in range(N)]) == ["Anlage"]


def test_numeric_codes_with_equal_counts_identify_groups():
    assert found(nummer=DRAW.permutation(MACHINES) + 101) == ["nummer"]


def test_leading_zeros_make_a_code():
    assert found(badge=[f"{one:03d}" for one in DRAW.permutation(MACHINES)]) == ["badge"]


def test_sparse_numbers_that_repeat_identify_groups():
    serials = DRAW.integers(10_000, 99_999, 30)
    assert found(serial=serials[DRAW.integers(0, 30, N)]) == ["serial"]


def test_few_categories_with_a_constant_number_identify_groups():
    subject = DRAW.integers(0, 6, N)
    names, ages = np.array(["anna", "ben", "carl", "dora", "emil", "fay"]), np.array([31, 54, 54, 60, 47, 31])
    assert found(Name=names[subject], Alter=ages[subject]) == ["Name"]


def test_numbers_of_similar_series_identify_groups():
    machines = DRAW.integers(0, 12, N)
    features = DRAW.normal(size=(12, 2))[machines] + DRAW.normal(0, 0.02, (N, 2))
    assert found(features, nr=machines) == ["nr"]


def test_a_field_that_follows_from_another_is_not_listed():
    assert found(machine=[f"M{one}" for one in MACHINES], site=[f"S{one // 8}" for one in MACHINES]) == ["machine"]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("mode", np.array(["idle", "run", "boost"])[DRAW.integers(0, 3, N)]),
        ("mode_number", DRAW.integers(1, 4, N)),
        ("mode_code", [f"mode {one}" for one in DRAW.integers(1, 4, N)]),
        ("sex", np.array(["m", "f"])[DRAW.integers(0, 2, N)]),
        ("age", DRAW.normal(50, 12, N).round().astype(int)),
        ("speed", np.tile(np.arange(500, 2500, 100), 8)),
        ("weekday", np.array(["mo", "tu", "we", "th", "fr", "sa", "su"])[DRAW.integers(0, 7, N)]),
        ("temperature", DRAW.normal(20, 1, N).round(1)),
        ("remark", [f"a longer remark about {one}" for one in MACHINES]),
        ("serial", [f"M{row}" for row in range(N)]),
        ("calibrated", DRAW.integers(0, 2, N).astype(bool)),
    ],
)
def test_categories_and_measurements_identify_no_groups(name, cells):
    features = DRAW.normal(size=(N, 4))
    ages = DRAW.normal(50, 12, N).round().astype(int)
    assert found(features, **{name: cells, "other age": ages}) == []


def test_text_is_preferred_to_numbers_as_group():
    names = ["Alpha", "Berta", "Clara", "Dora", "Emil", "Fritz", "Gerd", "Hanna"]
    years = [1990, 1993, 1994, 1999, 2001, 2007, 2008, 2015]
    table = pa.table({"year": [years[row % 8] for row in range(48)], "machine": [names[row % 8] for row in range(48)]})
    assert list(group_fields(table, np.zeros((48, 0)))) == ["machine"]
