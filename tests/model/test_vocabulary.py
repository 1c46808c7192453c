import datetime
import json
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.metadata import leaking_fields
from limelight.data.panel import Panel
from limelight.data.reading.tables import join_tables
from limelight.errors import DataError, ModelFolderError, ParameterError
from limelight.model.vocabulary import Vocabulary, fit_vocabulary

NOTES = [f"pump {number} makes a strange noise" for number in range(60)]


def fit_field(cells, **options):
    """The only field of a table."""
    (field,) = fit_vocabulary(pa.table({"field": cells}), **options).fields
    return field


def encoded(training, cells, **options):
    return fit_vocabulary(pa.table({"field": training}), **options).encode(pa.table({"field": cells}), len(cells))


# kinds


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, False], "boolean"),
        (["yes", "No"], "boolean"),
        (["true", "FALSE", None], "boolean"),
        (["yes", "false"], "category"),
        ([1, 2], "number"),
        ([0, 1], "number"),
        ([1.5, None], "number"),
        (pa.array(["1.5", "2"]).cast(pa.decimal128(5, 2)), "number"),
        (pa.array([1, 2], pa.duration("s")), "number"),
        (["1", "2"], "category"),
        ([datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)], "date"),
        ([datetime.datetime(2024, 1, 1, 5), datetime.datetime(2024, 1, 1, 7)], "date"),
        (["2024-01-31", "2024-02-01T12:00:00Z", "", "n/a"], "date"),
        (["31.01.2024", "1.2.2024 12:30"], "date"),
        (["31-Jan-2024", "Feb 1, 2024 9:30 PM"], "date"),
        (["Jan 2024", "Feb 2024"], "category"),
        (["2024-01-31", "yesterday"], "category"),
        (["left", "right"], "category"),
        (pa.array(["left", "right"]).dictionary_encode(), "category"),
        (["one two three four", "five"], "category"),
        (["one two three four five", "six"], "text"),
        ([f"m{number % 50}" for number in range(60)], "category"),
        ([f"m{number % 51}" for number in range(61)], "text"),
        ([f"m{number}" for number in range(51)] * 2, "category"),
        (NOTES, "text"),
        (pa.array([["a", "b"], ["b"]]), "category"),
    ],
    ids=str,
)
def test_the_kind_is_inferred_from_the_training_cells(cells, kind):
    assert fit_field(cells).kind == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2], "category"),
        (["1", "2"], "number"),
        ([0, 1], "boolean"),
        (["left", "right"], "text"),
        (["left", "right"], "ignore"),
        (["20240131", "20240201"], "category"),
    ],
)
def test_the_schema_states_another_kind(cells, kind):
    assert fit_field(cells, schema={"field": kind}).kind == kind


def test_an_unknown_field_in_the_schema_is_refused():
    with pytest.raises(ParameterError) as error:
        fit_vocabulary(pa.table({"age": [1, 2]}), schema={"agee": "number"})
    assert str(error.value) == "schema: there is no metadata field 'agee'; did you mean 'age'?"


def test_an_unknown_kind_in_the_schema_is_refused():
    with pytest.raises(ParameterError) as error:
        fit_vocabulary(pa.table({"age": [1, 2]}), schema={"age": "numbers"})
    assert str(error.value) == "schema: expected a kind for 'age', got 'numbers'; did you mean 'number'?"


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("number", ["1", "old"], "a number in metadata 'field', got 'old' in row 1"),
        ("number", [1.0, None, 1e39], "a finite number within float32 in metadata 'field', got 1e+39 in row 2"),
        (
            "number",
            [None, datetime.date(2024, 1, 31)],
            "a number in metadata 'field', got '2024-01-31 00:00:00.000000' in row 1",
        ),
        (
            "date",
            ["2024-01-01", "31/1/2024"],
            "a date such as 2024-01-31 in metadata 'field', got '31/1/2024' in row 1",
        ),
        ("date", [5, 6], "a date such as 2024-01-31 in metadata 'field', got '5' in row 0"),
        ("boolean", ["yes", "maybe"], "yes, no, true or false in metadata 'field', got 'maybe' in row 1"),
    ],
)
def test_cells_that_are_not_of_the_stated_kind_are_refused(kind, cells, expected):
    with pytest.raises(DataError) as error:
        fit_field(cells, schema={"field": kind})
    assert str(error.value) == (
        f"expected {expected} (the first series is row 0); correct it, leave the cell empty, or train with another kind "
        "for the field"
    )


def test_an_infinite_number_is_refused():
    with pytest.raises(DataError, match="got inf in row 1 "):
        fit_field([1.0, float("inf")])


def test_zero_buckets_are_refused():
    with pytest.raises(ParameterError) as error:
        fit_vocabulary(pa.table({"note": NOTES}), buckets=0)
    assert str(error.value) == "expected at least one bucket, got buckets=0; use for example 2048"


def test_two_fields_of_one_name_are_refused():
    with pytest.raises(DataError) as error:
        fit_vocabulary(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["age", "age"]))
    assert str(error.value) == "expected distinct metadata fields, got 'age' more than once; rename one of them"


# fields that are not used


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["x", "x"], "is the same"),
        ([3, 3], "is the same"),
        ([None, None], "is missing"),
        (["", " "], "is missing"),
        (["2024-01-01", "2024-01-01"], "is the same"),
        (["2024-01-01T10:05", "2024-01-01T10:06"], "has the same year, month, weekday and hour"),
    ],
)
def test_a_constant_field_is_dropped_with_a_note(cells, reason):
    vocabulary = fit_vocabulary(pa.table({"field": cells, "mode": ["a", "b"]}))
    assert vocabulary.notes == (f"metadata 'field' {reason} for every series: not used",)
    assert vocabulary.sizes() == {
        "categories": (3,),
        "numbers": (),
        "texts": 0,
        "buckets": 2048,
        "signals": (),
        "vector_size": 0,
    }
    assert vocabulary.encode(pa.table({"mode": ["b"]}), 1).notes == ()


@pytest.mark.parametrize("cells", [["x", None], [3, None], [True, None]])
def test_a_field_with_one_value_and_missing_cells_is_used(cells):
    vocabulary = fit_vocabulary(pa.table({"field": cells}))
    assert (vocabulary.notes, vocabulary.fields[0].has_missing) == ((), True)


def test_an_ignored_field_has_no_note():
    vocabulary = fit_vocabulary(pa.table({"field": [1, 2]}), schema={"field": "ignore"})
    metadata = vocabulary.encode(pa.table({"field": ["x"]}), 1)
    assert (vocabulary.notes, metadata.notes, metadata.numbers.shape) == ((), (), (1, 0))


# categories and booleans


def test_categories_are_sorted_and_coded_from_1():
    metadata = encoded(["run", "idle", None, " run "], ["idle", "run", None, ""])
    assert metadata.categories.tolist() == [[1], [2], [0], [0]]
    assert fit_field(["run", "idle", None, " run "]).words == ("idle", "run")


def test_unseen_categories_are_unknown_and_counted():
    metadata = encoded(["a", "b"], list("ghcdefgga"))
    assert metadata.categories[:, 0].tolist() == [0] * 8 + [1]
    assert metadata.notes == (
        "metadata 'field' has 6 words not seen in training, in 8 series: 'c', 'd', 'e', 'f', 'g' and 1 more; "
        "treated as unknown",
    )


def test_a_numeric_category_ignores_a_trailing_decimal_point():
    metadata = encoded([3, 5], [5.0, None, 3.0], schema={"field": "category"})
    assert metadata.categories[:, 0].tolist() == [2, 0, 1]


@pytest.mark.parametrize("cells", [[True, False, None], ["yes", "no", ""], ["TRUE", "false", None], [1.0, 0.0, None]])
@pytest.mark.parametrize("training", [[True, False], ["no", "yes"], ["true", "False"]])
def test_booleans_are_the_same_in_every_spelling(training, cells):
    assert encoded(training, cells).categories[:, 0].tolist() == [2, 1, 0]


# text among numbers, dates and booleans

AGES = [str(age) for age in range(20, 40)]


@pytest.mark.parametrize("word", ["?", "-", "--", ".", "n/a", "unknown", "Unbekannt", "k.A.", "#N/A", "#DIV/0!", "NaN"])
def test_a_field_with_missing_value_markers_stays_numeric(word):
    field = fit_field([*AGES, word, f" {word}"])
    assert (field.kind, field.mean, field.has_missing) == ("number", 29.5, True)


def test_missing_value_markers_are_noted():
    vocabulary = fit_vocabulary(pa.table({"age": [*AGES, "?", "old", "n/a"]}))
    assert vocabulary.notes == (
        "metadata 'age' has words among its numbers in 2 of 23 series: '?', 'old'; read as missing values",
    )


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([*AGES, "old"], "number"),
        ([*AGES, "old", "older"], "ignore"),
        ([*AGES, *AGES, *["old", "older"] * 3], "category"),
        (["1", "2", "old"], "category"),
        (["1", "2", "?"], "category"),
        (["1", "2", "3", "?"], "number"),
        ([*AGES, *AGES, "007"], "category"),
        ([f"1_{age}" for age in AGES * 2], "category"),
        (["?", "-"], "category"),
        ([None, ""], "ignore"),
        (["2024-01-31"] + [f"2024-02-{day}" for day in range(10, 20)] + ["soon"], "date"),
        (["2024-01-31", "2024-02-10", "unbekannt", "?"], "date"),
        (["yes", "no", "?"], "boolean"),
        (["true", "false", "unknown"], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["left", "right", "unknown"], "category"),
    ],
    ids=str,
)
def test_few_words_do_not_make_a_number_field_categorical(cells, kind):
    assert fit_field(cells).kind == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"P{number:03}" for number in range(20)], "ignore"),
        ([f"P{number:03}" for number in range(19)], "category"),
        ([f"P{number:03}" for number in range(18)] + ["P000", "P001"], "ignore"),
        ([f"P{number:03}" for number in range(17)] + ["P000", "P001", "P002"], "category"),
        ([f"P{number:03}" for number in range(80)] + [None] * 300, "ignore"),
        ([f"pump {number:03}" for number in range(80)], "text"),
    ],
    ids=str,
)
def test_a_field_that_identifies_each_series_is_not_used(cells, kind):
    assert fit_field(cells).kind == kind


def test_an_identifier_is_used_if_its_kind_is_stated():
    codes = pa.table({"patient": [f"P{number}" for number in range(30)]})
    assert fit_vocabulary(codes).notes == (
        "metadata 'patient' has another word for almost every series, as an identifier has: not used; state its kind, "
        "category or text, to use it",
    )
    assert [one.kind for one in fit_vocabulary(codes, schema={"patient": "category"}).fields] == ["category"]


def test_a_frame_of_mixed_cells_is_read_as_numbers():
    cells = pd.DataFrame({"series_id": range(21), "age": pd.Series([*range(20), "?"], dtype=object)})
    panel = Panel.from_series([[1.0]] * 21, ids=[str(row) for row in range(21)])
    field = fit_vocabulary(join_tables(panel, metadata=cells).metadata).fields[0]
    assert (field.kind, field.mean, field.has_missing) == ("number", 9.5, True)


def test_new_categories_among_booleans_are_unknown():
    metadata = encoded(["yes", "no", "?"], ["no", "?", "-", "maybe"])
    assert metadata.categories[:, 0].tolist() == [1, 0, 0, 0]
    assert metadata.notes == (
        "metadata 'field' has 1 word not seen in training, in 1 series: 'maybe'; treated as unknown",
    )


# numbers


def test_numbers_are_not_scaled_and_missing_cells_are_nan():
    metadata = encoded([2, 4, 9, None], [3.0, None, float("nan")])
    np.testing.assert_array_equal(metadata.numbers, np.array([[3], [np.nan], [np.nan]], dtype=np.float32), strict=True)


def test_mean_and_deviation_exclude_missing_training_numbers():
    field = fit_field([2.0, None, 4.0, 9.0])
    assert (field.mean, field.deviation, field.has_missing) == (5.0, np.std([2.0, 4.0, 9.0]), True)


def test_the_deviation_of_a_constant_number_is_1():
    assert fit_field([0.1, None, 0.1, 0.1]).deviation == 1.0


def test_text_is_parsed_as_numbers_in_a_number_field():
    metadata = encoded([1, 2], ["3", " 4.5", "n/a", None])
    np.testing.assert_array_equal(metadata.numbers[:, 0], [3, 4.5, np.nan, np.nan])


def test_new_words_in_a_numeric_field_are_unknown():
    metadata = encoded([1, 2], ["3", "old"])
    np.testing.assert_array_equal(metadata.numbers[:, 0], [3, np.nan])
    assert metadata.notes == (
        "metadata 'field' has words among its numbers in 1 of 2 series: 'old'; treated as unknown",
        "metadata 'field' is missing for 1 of 2 series: treated as unknown",
    )


# dates


def test_only_the_parts_of_dates_that_vary_are_used():
    assert fit_field(["2024-01-01", "2024-02-05"]).parts == ("month", "year")  # two Mondays
    assert fit_field(["2024-01-01", "2024-01-02"]).parts == ("weekday", "year")
    assert fit_field(["2024-01-01T01:00", "2024-01-01T02:00"]).parts == ("hour",)


def test_dates_become_cyclic_parts_and_years_since_2000():
    moments = ["2024-04-03T06:59", "2001-01-01T00:00", None]  # a Wednesday, a Monday
    metadata = encoded(moments, moments)
    turns = np.array([3 / 12, 2 / 7, 6 / 24])
    cyclic = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1).ravel()
    days = (datetime.date(2024, 4, 3) - datetime.date(2000, 1, 1)).days
    np.testing.assert_allclose(metadata.numbers[0], [*cyclic, days / 365.2425], atol=1e-6)
    np.testing.assert_allclose(metadata.numbers[1], [0, 1, 0, 1, 0, 1, 366 / 365.2425], atol=1e-6)
    assert np.isnan(metadata.numbers[2]).all()


def test_dates_before_1970_have_months_weekdays_and_hours_too():
    cells = [datetime.datetime(1969, 12, 31, 23), datetime.datetime(1970, 1, 1, 0)]  # Wednesday, Thursday
    metadata = encoded(cells, cells)
    turns = np.arctan2(metadata.numbers[:, :6:2], metadata.numbers[:, 1:6:2]) / (2 * np.pi) % 1
    np.testing.assert_allclose(turns, [[11 / 12, 2 / 7, 23 / 24], [0, 3 / 7, 0]], atol=1e-6)


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-31T23:00:00Z", "2024-06-01T10:00:00Z"],
        ["2024-02-01T01:00:00+02:00", "2024-06-01T12:00:00+02:00"],
        pd.Series(pd.to_datetime(["2024-01-31T23:00", "2024-06-01T10:00"])).dt.tz_localize("UTC"),
        pd.Series(pd.to_datetime(["2024-02-01T00:00", "2024-06-01T12:00"])).dt.tz_localize("Europe/Berlin"),
    ],
    ids=["Z", "offset", "utc", "berlin"],
)
def test_dates_with_a_zone_are_converted_to_utc(cells):
    plain = ["2024-01-31T23:00", "2024-06-01T10:00"]
    np.testing.assert_array_equal(encoded(plain, pa.array(cells)).numbers, encoded(plain, plain).numbers)


def test_only_years_of_a_date_are_scaled():
    vocabulary = fit_vocabulary(pa.table({"field": ["2000-01-01", "2001-06-01", None]}))
    mean, deviation = vocabulary.statistics()
    years = (np.array(["2000-01-01", "2001-06-01"], "datetime64[D]") - np.datetime64("2000-01-01")).astype(
        int
    ) / 365.2425
    assert mean.tolist() == [0, 0, 0, 0, years.mean()]
    assert deviation.tolist() == [1, 1, 1, 1, years.std()]
    assert vocabulary.sizes()["numbers"] == (True,) * 5


def test_whole_numbers_in_date_form_are_dates():
    plain = ["2024-01-31", "2024-06-01"]
    np.testing.assert_array_equal(encoded(plain, [20240131, 20240601]).numbers, encoded(plain, plain).numbers)


def test_other_numbers_are_not_dates():
    with pytest.raises(DataError, match="expected a date such as 2024-01-31 in metadata 'field', got '19.5' in row 0"):
        encoded(["2024-01-31", "2024-02-01"], [19.5])


# texts


def test_texts_are_hashed_lower_case_words_of_two_characters():
    metadata = encoded(NOTES, ["A strange NOISE", None, "x"], buckets=100)
    strange, noise = (zlib.crc32(word) % 100 + 1 for word in (b"strange", b"noise"))
    assert metadata.tokens.tolist() == [[[strange, noise]], [[0, 0]], [[0, 0]]]
    assert metadata.tokens.dtype == np.int64


def test_several_texts_are_padded_to_the_longest_of_all():
    table = pa.table({"note": NOTES, "more": [f"{note} of its own" for note in NOTES]})
    metadata = fit_vocabulary(table).encode(table, 60)
    assert metadata.tokens.shape == (60, 2, 8)
    assert (metadata.tokens[10:, 0] > 0).sum(axis=1).tolist() == [5] * 50
    assert (metadata.tokens[10:, 1] > 0).all()


# missing fields


def test_all_fields_are_unknown_without_metadata():
    table = pa.table(
        {"age": [1, 2] * 30, "mode": ["a", "b"] * 30, "note": NOTES, "built": ["2024-01-01", "2024-01-02"] * 30}
    )
    metadata = fit_vocabulary(table).encode(None, 12)
    assert metadata.categories.tolist() == [[0]] * 12
    assert metadata.numbers.shape == (12, 4)
    assert np.isnan(metadata.numbers).all()
    assert metadata.tokens.tolist() == [[[0]]] * 12
    assert metadata.notes == tuple(
        f"metadata {name!r} is missing for all 12 series: treated as unknown"
        for name in ("age", "mode", "note", "built")
    )


def test_missing_fields_are_unknown_and_new_ones_ignored():
    vocabulary = fit_vocabulary(pa.table({"age": [1, 2], "mode": ["a", "b"]}))
    metadata = vocabulary.encode(pa.table({"colour": ["red"] * 3, "mode": ["b"] * 3, "shape": [1, 2, 3]}), 3)
    assert metadata.categories.tolist() == [[2]] * 3
    assert np.isnan(metadata.numbers).all()
    assert metadata.notes == (
        "metadata 'age' is missing for all 3 series: treated as unknown",
        "metadata fields not present in training are not used: 'colour', 'shape'",
    )


def test_missing_cells_are_noted_if_training_had_none():
    assert encoded([1, 2], [3, None, None]).notes == (
        "metadata 'field' is missing for 2 of 3 series: treated as unknown",
    )
    assert encoded([1, 2, None], [3, None, None]).notes == ()


def test_empty_metadata_are_encoded_as_empty_arrays():
    nothing = fit_vocabulary(pa.table({"age": [1, 1]})).encode(None, 3)
    none = fit_vocabulary(pa.table({"age": [1, 2], "mode": ["a", "b"]})).encode(None, 0)
    assert [one.shape for one in (nothing.categories, nothing.numbers, nothing.tokens)] == [(3, 0), (3, 0), (3, 0, 1)]
    assert [one.shape for one in (none.categories, none.numbers, none.tokens)] == [(0, 1), (0, 1), (0, 0, 1)]
    assert none.notes == ()


def test_a_row_for_each_series_is_required():
    with pytest.raises(DataError) as error:
        fit_vocabulary(pa.table({"age": [1, 2]})).encode(pa.table({"age": [1, 2]}), 3)
    assert str(error.value) == "expected one row of metadata for each of the 3 series, got 2 rows"


def test_a_few_words_among_numbers_are_noted():
    vocabulary = fit_vocabulary(pa.table({"age": ["31", "27", "old", "45"]}))
    assert vocabulary.notes == (
        "metadata 'age' has numbers, but words in 1 of 4 series: 'old'; read as category: correct the words, or set "
        "the kind of the field",
    )


# sizes and JSON


def test_sizes_name_fields_in_the_order_of_the_table():
    table = pa.table({"age": [1, None], "on": [True, False], "note": [*"ab"], "mode": [*"xy"], "weight": [1, 2]})
    vocabulary = fit_vocabulary(table, schema={"note": "text"}, buckets=64)
    assert vocabulary.sizes() == {
        "categories": (3, 3),
        "numbers": (True, False),
        "texts": 1,
        "buckets": 64,
        "signals": (),
        "vector_size": 0,
    }
    assert [one.tolist() for one in vocabulary.statistics()] == [[1.0, 1.5], [1.0, 0.5]]


def test_statistics_of_no_numbers_are_empty():
    assert [one.shape for one in fit_vocabulary(pa.table({"mode": ["a", "b"]})).statistics()] == [(0,), (0,)]


@pytest.mark.parametrize(
    "content",
    [[], {}, {"fields": 1}, {"fields": [{"name": "a", "kind": "word"}], "buckets": 5}, {"fields": [], "buckets": 0}],
    ids=str,
)
def test_invalid_json_of_a_vocabulary_is_refused(content):
    with pytest.raises(ModelFolderError) as error:
        Vocabulary.from_json(content)
    assert str(error.value) == (
        f"expected a vocabulary, got {str(content)!r}; the model is damaged or from a newer limelight"
    )


# properties

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(width=32, allow_infinity=False)
cells = {
    "category": words,
    "number": numbers,
    "whole": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "date": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(9999, 1, 1)),
    "note": st.lists(words, min_size=5, max_size=12).map(" ".join),
}


@st.composite
def tables(draw):
    n = draw(st.integers(1, 12))
    names = draw(st.lists(st.sampled_from(sorted(cells)), min_size=1, max_size=4, unique=True))
    return pa.table({name: draw(st.lists(st.none() | cells[name], min_size=n, max_size=n)) for name in names})


def assert_same_encoding(one, other):
    for name in ("categories", "numbers", "tokens", "vectors"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.notes == other.notes


@settings(max_examples=50, deadline=None)
@given(table=tables())
def test_the_training_table_has_no_unknown_categories(table):
    vocabulary = fit_vocabulary(table)
    metadata = vocabulary.encode(table, len(table))
    assert metadata.notes == ()
    assert metadata.numbers.shape[1] == len(vocabulary.sizes()["numbers"])
    assert (metadata.tokens <= vocabulary.buckets).all()
    codes = iter(metadata.categories.T)
    for field in vocabulary.fields:
        if field.kind in ("category", "boolean"):
            code = next(codes)
            assert field.has_missing == (code == 0).any()
            assert set(code) - {0} == set(range(1, len(field.words) + 1))


@settings(max_examples=50, deadline=None)
@given(table=tables(), random=st.randoms())
def test_the_order_of_the_rows_does_not_matter(table, random):
    order = random.sample(range(len(table)), len(table))
    vocabulary, shuffled = fit_vocabulary(table), fit_vocabulary(table.take(order))
    assert vocabulary == shuffled
    metadata, others = vocabulary.encode(table, len(table)), shuffled.encode(table.take(order), len(table))
    for name in ("categories", "numbers", "tokens", "vectors"):
        np.testing.assert_array_equal(getattr(metadata, name)[order], getattr(others, name))


@settings(max_examples=50, deadline=None)
@given(table=tables(), other=tables())
def test_a_vocabulary_survives_json(table, other):
    vocabulary = fit_vocabulary(table, schema={name: "text" for name in table.column_names if name == "note"})
    content = vocabulary.to_json()
    again = Vocabulary.from_json(json.loads(json.dumps(content, allow_nan=False)))
    assert (again, again.to_json()) == (vocabulary, content)
    assert json.loads(json.dumps(content)) == content
    assert_same_encoding(again.encode(table, len(table)), vocabulary.encode(table, len(table)))


@settings(max_examples=50, deadline=None)
@given(table=tables(), data=st.data())
def test_unseen_categories_never_raise(table, data):
    vocabulary = fit_vocabulary(table, schema=dict.fromkeys(table.column_names, "category"))
    n = data.draw(st.integers(0, 5))
    new = {name: data.draw(st.lists(st.none() | words, min_size=n, max_size=n)) for name in table.column_names}
    metadata = vocabulary.encode(pa.table({name: pa.array(column, pa.string()) for name, column in new.items()}), n)
    assert (metadata.categories < np.array(vocabulary.sizes()["categories"], dtype=np.int64).reshape(1, -1)).all()


# leaking fields

LABELS = ["up", "up", "down", "down"]


@pytest.mark.parametrize(
    ("cells", "labels", "leaks"),
    [
        (["a", "a", "b", "b"], LABELS, True),
        ([1, 1, 2, 2], LABELS, True),
        ([True, True, False, False], LABELS, True),
        (["a", "a", "b", None], LABELS, False),
        (["a", "a", "b", "b", None], [*LABELS, "up"], True),
        (["a", "b", "a", "b"], LABELS, False),
        (["a", "b", "c", "d"], LABELS, False),
        (["a", "a", "b", "b", "b"], [*LABELS, "up"], False),
        (["up", "down"], ["up", "down"], True),
        ([1, 2], ["1", "2"], True),
        (["1", "2"], [1, 2], True),
        (["a", "a", "b", "b"], ["up"] * 4, False),
        (["up"] * 4, ["up"] * 4, False),
        (["a", "a", "b", "b", None], ["up"] * 4 + ["down"], False),
        ([None] * 4, LABELS, False),
    ],
    ids=str,
)
def test_a_leaking_field_is_found(cells, labels, leaks):
    assert leaking_fields(pa.table({"field": cells}), labels) == ["field"] * leaks


def test_every_leaking_field_is_found():
    table = pa.table(
        {"label": LABELS, "age": [1, 2, 3, 4], "place": ["x", "x", "y", "y"], "mode": ["x", "y", "x", "y"]}
    )
    assert leaking_fields(table, np.array(LABELS)) == ["label", "place"]


def test_the_column_of_the_split_is_not_used():
    fitted = fit_vocabulary(pa.table({"set": ["TRAIN", "TEST", "TRAIN"]}))
    assert fitted.fields[0].kind == "ignore"
    assert fitted.notes == ("metadata 'set' names the parts of a split: not used; state its kind, category, to use it",)
