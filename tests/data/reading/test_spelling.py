import unicodedata

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import read_table
from limelight.data.reading.accumulators import WordCodes
from limelight.data.reading.columns import read_optional_words, read_words
from limelight.data.reading.pack_long import pack_long
from limelight.data.reading.roles import find_roles
from limelight.data.reading.sheets import open_sheets
from limelight.data.reading.sources import Source
from limelight.data.reading.spelling import describe_spellings, one_form, several_spellings
from limelight.data.store.open import open_store
from limelight.errors import LabelError


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("walk ", "walk"),
        ("\twalk", "walk"),
        ("walk\u00a0", "walk"),
        ("\ufeffwalk", "walk"),
        ("walk\u00a0 up", "walk up"),
        ("1.0", "1"),
        ("-1.00", "-1"),
        ("1.", "1"),
        ("1.5", "1.5"),
        ("v1.0", "v1.0"),
        ("007", "007"),
        ("Walk", "Walk"),
        (unicodedata.normalize("NFD", "caf\u00e9"), "caf\u00e9"),
        (" ", ""),
    ],
)
def test_spellings_of_a_word_are_unified(word, form):
    assert one_form(word) == form


@given(st.text())
def test_unifying_spellings_is_idempotent(word):
    assert one_form(one_form(word)) == one_form(word)


def table_of(labels):
    return pd.DataFrame({"series_id": list("abc"), "label": labels})


def series(ids="abc"):
    return pd.DataFrame({"series_id": [one for one in ids for _ in range(2)], "x": range(2 * len(ids))})


@pytest.mark.parametrize(
    ("labels", "read", "note"),
    [
        (["walk", "walk ", "run"], ["walk", "walk", "run"], "blanks: 'walk ' was read as 'walk'"),
        (["1", "1.0", "2.0"], ["1", "1", "2"], "a decimal point: '1.0' was read as '1'"),
        (
            ["e\u0301", "\u00e9", "u"],
            ["\u00e9", "\u00e9", "u"],
            "the encoding of accents: 'e\u0301' was read as '\u00e9'",
        ),
    ],
)
def test_labels_that_differ_in_spelling_only_are_one_class(labels, read, note):
    panel = read_table(series(), labels=table_of(labels))
    assert panel.labels.tolist() == read
    assert panel.notes == (f"labels in column 'label' differed only by {note}",)


def test_blanks_around_every_label_need_no_note():
    panel = read_table(series(), labels=table_of([" walk", " run", " walk"]))
    assert (panel.labels.tolist(), panel.notes) == (["walk", "run", "walk"], ())


def test_case_distinguishes_classes():
    assert read_table(series(), labels=table_of(["a", "A", "b"])).labels.tolist() == ["a", "A", "b"]


def test_a_blank_label_is_missing():
    with pytest.raises(LabelError) as error:
        read_table(series(), labels=table_of(["a", "\u00a0", "b"]))
    assert str(error.value) == (
        "expected no empty cell in column 'label', got one in row 1 (the first is 0) of the labels table; write the "
        "label, or leave that series out"
    )


@pytest.mark.parametrize("word", ["none", "unknown", "NA", "-", "?", "normal"])
def test_missing_value_markers_are_classes(word):
    assert read_table(series(), labels=table_of(["a", word, "b"])).labels.tolist() == ["a", word, "b"]


def test_blanks_do_not_split_a_series():
    table = pd.DataFrame({"series_id": ["a", "a ", "b"], "x": [1, 2, 3], "label": ["u", "u", "v"]})
    panel = read_table(table)
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (["a", "b"], [2, 1])
    assert panel.notes == ("ids in column 'series_id' differed only by blanks: 'a ' was read as 'a'",)


def test_spellings_of_step_labels_are_unified():
    table = pd.DataFrame({"series_id": ["a"] * 3, "x": [1, 2, 3], "label_on": ["0.0", "1", "1.0"]})
    panel = read_table(table, per_step=True)
    assert panel.step_labels.classes == ("not on", "on")
    assert panel.notes == ("labels in column 'label_on' differed only by a decimal point: '1.0' was read as '1'",)


def test_spellings_of_labels_are_unified_in_wide_tables():
    table = pd.DataFrame({"label": ["u ", "u", "v"], **{str(step): [1.0, 2.0, 3.0] for step in range(5)}})
    panel = read_table(table)
    assert panel.labels.tolist() == ["u", "u", "v"]
    assert "labels in column 'label' differed only by blanks: 'u ' was read as 'u'" in panel.notes


def test_spellings_are_unified_across_chunks(tmp_path):
    rows = "".join(
        f"{'a ' if row > 150_000 else 'a'},{row},{'u ' if row > 150_000 else 'u'}\n" for row in range(300_000)
    )
    (tmp_path / "series.csv").write_text("series_id,x,label\n" + rows)
    sheets, roles = find_roles(
        open_sheets(tmp_path / "series.csv"), id="series_id", time="time", label="label", channels=None, labels="series"
    )
    store = open_store(pack_long(sheets, roles, tmp_path / "store"))
    assert (store.ids.tolist(), store.labels.tolist()) == (["a"], ["u"])
    assert store.notes == (
        "ids in column 'series_id' differed only by blanks: 'a ' was read as 'a'",
        "labels in column 'label' differed only by blanks: 'u ' was read as 'u'",
    )


def test_many_spellings_are_counted():
    spellings = several_spellings([f"{word}{blank}" for word in "abcde" for blank in ("", " ")])
    assert describe_spellings("words", "mode", spellings) == [
        "words in column 'mode' differed only by blanks: 'a ' was read as 'a', 'b ' was read as 'b', 'c ' was read as "
        "'c' and 2 more"
    ]


words = st.sampled_from(["a", "a ", " a", "b", "1", "1.0", "\u00e9", "e\u0301", " ", ""])


@settings(max_examples=50)
@given(st.lists(words, min_size=1), st.integers(1, 5))
def test_spellings_do_not_depend_on_chunks(cells, size):
    def added(parts):
        codes = WordCodes()
        for part in parts:
            codes.add(read_optional_words(Source(pa.table({"word": part}), "the table"), "word", "metadata"))
        merged = {form: set(spellings) for form, spellings in codes.spellings.items() if len(spellings) > 1}
        return list(codes.codes), merged

    assert added([cells]) == added([cells[start : start + size] for start in range(0, len(cells), size)])


def test_numbers_and_their_text_are_equal():
    numbers, text = [Source(pa.table({"id": cells}), "the table") for cells in ([1.0, 2.0], ["1.0", "2"])]
    assert read_words(numbers, "id", "id", "").decode().tolist() == read_words(text, "id", "id", "").decode().tolist()


def test_removed_decimal_points_are_noted():
    panel = read_table(series(["0.0", "1.0"]), labels=pd.DataFrame({"series_id": [0, 1], "label": ["a", "b"]}))
    assert panel.ids.tolist() == ["0", "1"]
    assert panel.notes == (
        "ids in column 'series_id' are read without a decimal point: '0.0' was read as '0', '1.0' was read as '1'",
    )


@pytest.mark.parametrize("word", ["nan", "NaN", "NaT", "<NA>", " nan"])
def test_a_label_that_is_not_a_number_is_missing(word):
    with pytest.raises(LabelError, match="expected no empty cell in column 'label', got one in row 1"):
        read_table(series(), labels=table_of(["a", word, "b"]))
