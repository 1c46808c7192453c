import pandas as pd
import pytest

from limelight import align, read_table
from limelight.data.reading.missing import OddWords, is_missing
from limelight.errors import DataError


@pytest.mark.parametrize("word", ["", " ", "?", "N/A", "<NA>", "#DIV/0!", "k.A.", "\u2013", "missing", "\\N"])
def test_common_missing_value_markers_are_recognised(word):
    assert is_missing(word)


@pytest.mark.parametrize("word", ["0", "fast", "normal", "inf", "no"])
def test_other_words_are_values(word):
    assert not is_missing(word)


def written(folder, *cells):
    (folder / "series.csv").write_text("series_id,x\n" + "".join(f"a,{cell}\n" for cell in cells))
    return folder / "series.csv"


def test_missing_value_markers_in_a_channel_are_missing(tmp_path):
    panel = read_table(written(tmp_path, 1, "?", "-", "n/a", 5, "?"))
    assert panel.values[:, 0].tolist() == pytest.approx([1, *[float("nan")] * 3, 5, float("nan")], nan_ok=True)
    assert panel.notes == (
        "words in columns of numbers were read as missing values: '?' in 2 cells of 'x', '-' in 1 cell of 'x'",
    )


def test_standard_missing_value_markers_have_no_note(tmp_path):
    assert read_table(written(tmp_path, 1, "NaN", "null", "NA", "", 5)).notes == ()


def test_other_text_in_a_channel_is_rejected(tmp_path):
    path = written(tmp_path, 1, 2, "?", "fast", 5)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value) == (
        f"expected a number in column 'x', got 'fast' in line 5 of {str(path)!r} (series 'a'); correct it, or leave the "
        "cell empty if the value is unknown"
    )


def test_missing_value_markers_are_rejected_if_missing_values_are(tmp_path):
    with pytest.raises(
        DataError, match="expected a number in every cell of column 'x', got 1 missing, the first in line 3"
    ):
        read_table(written(tmp_path, 1, "?"), missing="error")


def test_a_column_of_missing_value_markers_is_not_a_channel():
    panel = read_table(pd.DataFrame({"series_id": ["a", "b"], "x": [1, 2], "comment": ["-", "-"]}))
    assert (panel.channels, panel.metadata) == (("x",), None)


def test_wide_tables_note_missing_value_markers_once():
    table = pd.DataFrame({str(step): ["1", "?", "2"] for step in range(6)} | {"0": ["1", "2", "3"]})
    panel = read_table(table)
    assert (
        "words in columns of numbers were read as missing values: '?' in 5 cells of '1', '2', '3' and 2 more"
        in panel.notes
    )


def test_missing_value_markers_in_side_signals_are_noted():
    series = pd.DataFrame({"series_id": ["a"] * 3, "time": [0, 1, 2], "x": [1, 2, 3]})
    signal = pd.DataFrame({"series_id": ["a"] * 3, "time": [0, 1, 2], "heat": ["5", "?", "7"]})
    panel = align(read_table(series), signal)
    assert panel.values[:, 1].tolist() == [5, 5, 7]
    assert "words in columns of numbers were read as missing values: '?' in 1 cell of 'heat'" in panel.notes


def test_many_missing_value_markers_are_counted():
    words = OddWords()
    words.add("x", {f"-{number}": number for number in range(1, 8)})
    assert words.notes()[0].endswith("'-3' in 3 cells of 'x' and 2 more")
