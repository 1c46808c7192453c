import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import read_table
from limelight.data.reading.tables import read_split
from limelight.errors import DataError, LabelError
from support.errors import message_of
from support.strategies import assert_equal

IDS = ["s1", "s2", "s3", "s4"]


def series(ids=IDS, **fields):
    """A long table with two steps in each series."""
    columns = {"series_id": ids, "x": [*map(float, range(len(ids)))], **fields}
    return pd.DataFrame(columns).loc[np.repeat(range(len(ids)), 2)].reset_index(drop=True)


def labels(ids=IDS, label=("a", "b", "a", "b"), **fields):
    return pd.DataFrame({"series_id": ids, "label": list(label), **fields})


# ids


@pytest.mark.parametrize(
    "others", [["S1", "S2", "S3", "S4"], ["s01.csv", "s02.csv", "s03.csv", "s04.csv"], [1, 2, 3, 4]]
)
def test_labels_match_ids_in_another_spelling(others):
    panel = read_table(series(), labels=labels(others).iloc[::-1])
    assert panel.labels.tolist() == ["a", "b", "a", "b"]
    assert panel.notes[-1].startswith("matched ids that are written differently in the labels table: 's1' is ")


def test_unmatched_ids_of_both_tables_are_shown():
    assert message_of(DataError, read_table, series(), labels=labels(["u", "v", "w", "x"])) == (
        "expected ids of the series table in the labels table, got 'u', 'v', 'w', 'x', the first in row 0 (the first is "
        "0) of the labels table; there is no line for the series 's1', 's2', 's3', 's4'; write the ids in the same way"
    )


def test_the_id_column_of_labels_is_found_by_content():
    table = pd.DataFrame({"recorded": ["s1.csv", "s2.csv", "s3.csv", "s4.csv"], "state": ["ok", "ok", "worn", "worn"]})
    panel = read_table(series(), labels=table)
    assert panel.labels.tolist() == ["ok", "ok", "worn", "worn"]
    assert panel.notes == (
        "took column 'recorded' of the labels table as id",
        "matched ids that are written differently in the labels table: 's1' is 's1.csv', 's2' is 's2.csv', 's3' is "
        "'s3.csv' and 1 more",
        "took column 'state' of the labels table as label",
    )


def test_row_numbers_are_not_ids():
    table = pd.DataFrame({"Unnamed: 0": [0, 1, 2, 3], "name": ["2", "3", "0", "1"], "label": ["c", "d", "a", "b"]})
    assert read_table(series(["0", "1", "2", "3"]), labels=table).labels.tolist() == ["a", "b", "c", "d"]


def test_a_table_without_ids_shows_its_columns_and_the_series():
    table = pd.DataFrame({"name": list("uvwx"), "label": list("abab")})
    assert message_of(DataError, read_table, series(), labels=table) == (
        "expected a column 'series_id' with the ids of the series table in the labels table, got columns 'name', "
        "'label', none of which holds such ids; the series are 's1', 's2', 's3' and 1 more"
    )


def test_an_id_column_named_as_label_is_reported():
    table = pd.DataFrame({"file": IDS, "state": list("abab")})
    assert message_of(DataError, read_table, series(), labels=table, label="file") == (
        "expected a column with the ids of the series table beside 'file' in the labels table, got these ids in 'file' "
        "itself; name another column in its place"
    )


def test_several_columns_that_may_be_the_label_are_named():
    table = pd.DataFrame({"series_id": IDS, "u": list("abab"), "v": list("aabb")})
    assert message_of(DataError, read_table, series(), labels=table) == (
        "expected one label column in the labels table, got 'u', 'v'; choose one with label=... "
        '("label" in the data section of an experiment file, --label on the command line)'
    )


def test_a_split_matches_ids_in_another_spelling():
    table = pd.DataFrame({"file": ["S2.csv", "S1.csv"], "split": ["test", "train"]})
    assert read_split(table, ["s1", "s2"]).test.tolist() == [1]


# rows


def test_labels_of_other_series_are_ignored_with_a_note():
    panel = read_table(series(), labels=labels([*IDS, "s9"], "ababa"))
    assert panel.labels.tolist() == ["a", "b", "a", "b"]
    assert panel.notes == ("labels for 1 unknown series ignored: 's9'",)


def test_rows_that_repeat_a_label_are_kept_once():
    panel = read_table(series(), labels=labels([*IDS, "s2"], "ababb"))
    assert panel.labels.tolist() == ["a", "b", "a", "b"]
    assert panel.notes == ("rows of the labels table that repeat a series with the same content were ignored: 's2'",)


def test_rows_that_contradict_each_other_are_located():
    assert message_of(DataError, read_table, series(), labels=labels([*IDS, "s2"], "ababa")) == (
        "expected each series once in the labels table, got 's2' with label 'a' in row 4 (the first is 0) of the labels "
        "table, and with 'b' in row 1 (the first is 0) of the labels table; keep one of the two"
    )


# further columns


def test_further_columns_of_labels_are_metadata():
    panel = read_table(series(), labels=labels(machine=["m1", "m1", "m2", "m2"], age=[1, 2, 3, None]))
    assert panel.metadata.to_pydict() == {"machine": ["m1", "m1", "m2", "m2"], "age": [1, 2, 3, None]}
    assert panel.notes == ("took columns of the labels table besides the labels as metadata: 'machine', 'age'",)


@pytest.mark.parametrize(
    "fields",
    [
        {"interval_start": [0] * 4, "interval_stop": [1] * 4},
        {"split": ["a", "a", "b", "b"]},
        {"known": [1, 1, 1, 1]},
        {"Unnamed: 0": [0, 1, 2, 3]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_columns_about_the_use_of_labels_are_not_metadata(fields):
    panel = read_table(series(), labels=labels(**fields))
    assert (panel.metadata, panel.notes) == (None, ())


def test_a_column_of_parts_beside_the_labels_is_kept():
    panel = read_table(series(), labels=labels(used_for=["train", "train", "Test", "test"]))
    assert panel.metadata.to_pydict() == {"used_for": ["train", "train", "Test", "test"]}


def test_a_column_of_parts_is_not_the_label():
    table = labels(used_for=["train", "train", "Test", "test"]).rename(columns={"label": "verdict"})
    assert read_table(series(), labels=table).labels.tolist() == ["a", "b", "a", "b"]


def test_a_column_that_renames_the_label_is_not_metadata():
    panel = read_table(series(), labels=labels(code=[1, 2, 1, 2]))
    assert panel.metadata is None
    assert panel.notes == ("column 'code' of the labels table is the label in other words: no metadata",)


def test_columns_that_differ_within_a_series_are_not_read():
    table = labels([*IDS, "s2"], "ababb", annotator=["u", "v", "u", "v", "w"])
    panel = read_table(series(), labels=table)
    assert panel.metadata is None
    assert "column 'annotator' of the labels table differs among the rows of one series: not read" in panel.notes


# the same Panel in any order and spelling


@st.composite
def respelled(draw):
    """The ids s1 to s4, all written in another way, and an order of the rows."""
    form = draw(st.sampled_from(["{}", " {}", "{}\u00a0", "S{:.1}", "{}.csv", "a/{}.txt", "s0{:.1}"]))
    ids = [form.format(one[1:] if ":.1" in form else one) for one in IDS]
    return ids, draw(st.permutations(range(4)))


@settings(max_examples=30, deadline=None)
@given(respelled(), respelled())
def test_order_and_spelling_of_ids_do_not_matter(of_labels, of_metadata):
    def tables(spelled_labels, spelled_metadata):
        (first, order), (second, other) = spelled_labels, spelled_metadata
        return {
            "labels": labels(first).iloc[list(order)],
            "metadata": pd.DataFrame({"series_id": second, "age": [1, 2, 3, 4]}).iloc[list(other)],
        }

    plain = (IDS, range(4))
    panel = read_table(series(), **tables(of_labels, of_metadata))
    assert_equal(panel.replace(notes=()), read_table(series(), **tables(plain, plain)))


def test_labels_unknown_for_every_series_are_named():
    table = labels(label=[None] * 4)
    assert message_of(LabelError, read_table, series(), labels=table) == (
        "expected no empty cell in column 'label', got one in row 0 (the first is 0) of the labels table; write the "
        "label, or leave that series out"
    )


def test_missing_value_markers_are_unknown_labels_if_there_are_several():
    table = pa.table({"series_id": IDS, "label_rain": ["1", "?", "0", "1"], "label_snow": ["0", "1", "0", "1"]})
    panel = read_table(series(), labels=table)
    assert np.isnan(panel.labels[1, 0])
    assert panel.notes == ("words in columns of numbers were read as missing values: '?' in 1 cell of 'label_rain'",)


@pytest.mark.parametrize("numbers", [{"id": [4, 7, 9, 1]}, {"run": [1, 2, 3, 4]}], ids=["ids", "row numbers"])
def test_a_column_of_distinct_values_is_not_metadata(numbers):
    panel = read_table(series(), labels=labels(**numbers))
    assert panel.metadata is None
    assert panel.notes == (
        f"column {next(iter(numbers))!r} of the labels table only tells the rows apart: no metadata",
    )


def test_series_without_labels_are_described_by_the_labels_table():
    panel = read_table(series(), label=None, labels=labels([*IDS[:3], "s9"], machine=["m1", "m2", "m2", "m1"]))
    assert panel.labels is None
    assert panel.metadata.to_pydict() == {"machine": ["m1", "m2", "m2", None]}


def test_a_labels_table_of_other_series_is_ignored_without_labels():
    table = pd.DataFrame({"name": list("uvwx"), "label": list("abab"), "machine": list("mmnn")})
    panel = read_table(series(), label=None, labels=table)
    assert (panel.metadata, panel.notes) == (None, ())


# labels in the metadata table


def test_labels_in_the_metadata_table_are_labels():
    panel = read_table(series(), metadata=labels(machine=["m1", "m2", "m2", "m1"]))
    assert panel.labels.tolist() == ["a", "b", "a", "b"]
    assert panel.metadata.column_names == ["machine"]
    assert "took column 'label' of the metadata table as label" in panel.notes


@pytest.mark.parametrize("words", [("a", "b", "a", "b"), ("no", "yes", "no", "yes")])
def test_a_renamed_copy_of_the_label_is_not_metadata(words):
    table = labels(label=words, machine=["m1", "m2", "m2", "m1"])
    panel = read_table(series(), labels=labels(), metadata=table)
    assert panel.metadata.column_names == ["machine"]
    assert panel.notes[-1] == "column 'label' of the metadata is the label: no metadata"


def test_a_different_column_named_label_is_metadata():
    panel = read_table(series(), labels=labels(), metadata=labels(label=["m1", "m2", "m2", "m1"]))
    assert panel.metadata["label"].to_pylist() == ["m1", "m2", "m2", "m1"]


def test_labels_of_machines_are_metadata_of_unlabelled_series():
    table = pd.DataFrame({"machine": ["m1", "m2"], "label": ["old", "new"]})
    panel = read_table(series(machine=["m1", "m2", "m2", "m1"]), metadata=table)
    assert panel.labels is None
    assert panel.metadata["label"].to_pylist() == ["old", "new", "new", "old"]


def test_a_column_with_another_name_of_labels_stays_metadata():
    panel = read_table(series(), labels=labels(), metadata=labels().rename(columns={"label": "outcome"}))
    assert panel.metadata.column_names == ["outcome"]
