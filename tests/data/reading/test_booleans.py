"""Boolean columns, among them the mask of labels."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.reading.booleans import read_booleans
from limelight.data.reading.sources import Source
from limelight.data.reading.tables import read_table
from limelight.errors import DataError, LabelError, ParameterError


def booleans(column: object) -> list[bool]:
    return read_booleans(Source(pa.table({"known": column}), "the table"), "known").tolist()


@pytest.mark.parametrize(
    "column",
    [
        ["yes", "no", "yes"],
        ["oui", "non", "vrai"],
        ["Sí", "falso", "y"],
        ["True", "FALSE", "true"],
        ["1", "0", " 1 "],
        [1, 0, 1],
        [True, False, True],
    ],
    ids=str,
)
def test_booleans_are_read_in_all_usual_forms(column: list) -> None:
    assert booleans(column) == [True, False, True]


def test_an_empty_cell_is_false() -> None:
    assert booleans(["yes", None, ""]) == [True, False, False]


def test_a_value_that_is_not_boolean_is_refused() -> None:
    with pytest.raises(DataError) as error:
        booleans(["yes", "maybe"])
    assert str(error.value) == (
        "expected 1 or 0, or a word for yes or no such as 'yes', 'true', 'wahr', 'oui' in column 'known', got 'maybe' in row 1 "
        "(the first is 0) of the table; correct it"
    )


STEPS = pa.table(
    {
        "series_id": ["a", "a", "b"],
        "speed": [1.0, 2.0, 3.0],
        "label_rain": [1, 0, 1],
        "label_fog": [0, 1, None],
        "known": [1, 0, 1],
    }
)
SERIES = STEPS.select(["series_id", "speed"])


def test_a_mask_hides_step_labels_and_is_not_a_channel() -> None:
    panel = read_table(STEPS, per_step=True, mask="known")
    assert panel.channels == ("speed",)
    assert panel.step_labels.codes.tolist() == [[1, 0], [-1, -1], [1, -1]]


def test_a_mask_hides_all_labels_of_a_series() -> None:
    table = pa.table({"series_id": ["b", "a"], "label_rain": [1, 0], "label_fog": [0, None], "known": ["no", "yes"]})
    panel = read_table(SERIES, labels=table, mask="known")
    np.testing.assert_array_equal(panel.labels, [[0, np.nan], [np.nan, np.nan]])
    assert panel.label_names == ("rain", "fog")


def test_a_label_may_be_empty_with_a_mask() -> None:
    table = pa.table({"series_id": ["b", "a"], "label": ["", "wet"], "known": [0, 1]})
    assert read_table(SERIES, labels=table, mask="known").labels.tolist() == ["wet", None]
    with pytest.raises(LabelError, match="write the label, or leave that series out"):
        read_table(SERIES, labels=table)


def test_a_mask_for_labels_per_series_is_rejected() -> None:
    table = SERIES.append_column("label", [["x", "x", "y"]]).append_column("known", [[1, 1, 0]])
    with pytest.raises(ParameterError) as error:
        read_table(table, mask="known")
    assert str(error.value) == (
        "expected per-step labels with mask='known' in the series table, got one label per series; pass these labels "
        "as a separate table that includes the mask"
    )


def test_an_empty_label_is_unknown_whatever_the_mask_says() -> None:
    table = pa.table({"series_id": ["b", "a"], "label": ["", "wet"], "known": ["yes", "yes"]})
    assert read_table(SERIES, labels=table, mask="known").labels.tolist() == ["wet", None]
    table = pa.table({"series_id": ["b", "a"], "label": ["", None], "known": ["no", ""]})
    assert read_table(SERIES, labels=table, mask="known").labels.tolist() == [None, None]


# Several labels of series in a table


def test_empty_cells_of_label_columns_are_unknown() -> None:
    table = pa.table({"series_id": ["b", "a"], "label_rain": ["1", "0"], "label_fog": ["", "1"], "note": ["x", "y"]})
    panel = read_table(SERIES, labels=table)
    np.testing.assert_array_equal(panel.labels, [[0, 1], [1, np.nan]])
    assert panel.label_names == ("rain", "fog")


@pytest.mark.parametrize("words", [("no", "yes"), ("False", "True"), ("nein", " Ja"), ("FALSCH", "WAHR")], ids=str)
def test_several_labels_may_be_booleans(tmp_path, words) -> None:
    no, yes = words
    file = tmp_path / "labels.csv"
    file.write_text(f"series_id,label_rain,label_fog\nb,{yes},{no}\na,{no},\n")
    panel = read_table(SERIES, labels=file)
    np.testing.assert_array_equal(panel.labels, [[0, np.nan], [1, 0]])


@pytest.mark.parametrize("words", [("no", "yes"), ("False", "True"), ("nein", "ja")], ids=str)
def test_several_labels_of_steps_may_be_booleans(words) -> None:
    no, yes = words
    table = SERIES.append_column("label_rain", [[yes, no, ""]]).append_column("label_fog", [[no, no, yes]])
    steps = read_table(table, per_step=True).step_labels
    assert (steps.codes.tolist(), steps.classes) == ([[1, 0], [0, 0], [-1, 1]], ("0", "1"))


def test_a_value_that_is_not_boolean_is_located() -> None:
    table = pa.table({"series_id": ["b", "a"], "label_rain": ["yes", "maybe"], "label_fog": ["no", "yes"]})
    with pytest.raises(DataError) as error:
        read_table(SERIES, labels=table)
    assert str(error.value) == (
        "expected a number in column 'label_rain', got 'maybe' in row 1 (the first is 0) of the labels table (series "
        "'a'); correct it, or leave the cell empty if the value is unknown"
    )


def test_one_column_of_labels_is_the_label() -> None:
    panel = read_table(SERIES, labels=pa.table({"series_id": ["b", "a"], "label_rain": [1, 0]}))
    assert panel.labels.tolist() == ["not rain", "rain"]


def test_other_numbers_than_0_and_1_are_refused() -> None:
    table = pa.table({"series_id": ["b", "a"], "label_rain": [1, 2], "label_fog": [0, 1]})
    with pytest.raises(LabelError) as error:
        read_table(SERIES, labels=table)
    assert str(error.value) == (
        "expected 0 or 1 in multi-label column 'label_rain', got 2 in row 1 (the first is 0) of the labels "
        "table; leave the cell empty if the label is unknown"
    )


def test_a_series_without_a_row_of_labels_is_refused() -> None:
    table = pa.table({"series_id": ["b"], "label_rain": [1], "label_fog": [0]})
    with pytest.raises(LabelError) as error:
        read_table(SERIES, labels=table)
    assert str(error.value) == (
        "expected a label for every series of the series table in the labels table, got none for 'a'; add a line for "
        "each, or leave these series out"
    )
