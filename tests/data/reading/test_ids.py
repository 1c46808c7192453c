import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.data.reading.ids import match_ids


@pytest.mark.parametrize(
    ("ids", "others"),
    [
        (["7", "8"], ["007", "008"]),
        (["7", "8"], ["7.0", "8.0"]),
        (["0.0", "1.0"], ["0", "1"]),
        (["s7", "s8"], ["s7 ", " s8"]),
        (["s7", "s8"], ["S7", "S8"]),
        (["s7", "s8"], ["s7.csv", "s8.csv"]),
        (["s7", "s8"], ["data/s7.csv", "data/s8.csv"]),
        (["s7", "s8"], ["C:\\data\\S07.CSV", "C:\\data\\S08.CSV"]),
        (["data/s7.csv", "data/s8.csv"], ["s7", "s8"]),
        (["s7.csv.gz", "s8.csv.gz"], ["s7", "s8"]),
        (["pump 1", "pump 2"], ["Pump_01", "Pump-02"]),
        (["s7", "s8"], ["7", "8"]),
        (["a/s1.csv", "b/s1.csv"], ["a/s1", "b/s1"]),
        (["1", "10"], ["01", "10"]),
    ],
    ids=str,
)
def test_ids_that_are_written_differently_match(ids, others):
    rows, note = match_ids(ids, others[::-1], "the labels table")
    assert rows.tolist() == [1, 0]
    assert note.startswith("matched ids that are written differently in the labels table: ")


@pytest.mark.parametrize(
    ("ids", "others", "rows"),
    [
        (["a", "b"], ["b", "a"], [1, 0]),
        (["7", "007"], ["7", "07"], [0, -1]),
        (["s7", "S7"], ["s7", "x"], [0, -1]),
        (["s7", "t8"], ["7", "8"], [-1, -1]),
        (["s7", "s9"], ["7", "8"], [-1, -1]),
        (["1.5", "1.25"], ["1", "2"], [-1, -1]),
        (["x.run1", "x.run2"], ["x", "y"], [-1, -1]),
        (["a"], [], [-1]),
        ([], ["a"], []),
    ],
    ids=str,
)
def test_only_a_mapping_of_one_to_one_is_accepted(ids, others, rows):
    assert (match_ids(ids, others)[0].tolist(), match_ids(ids, others)[1]) == (rows, None)


def test_the_note_shows_a_few_ids():
    ids = [f"s{number}" for number in range(5)]
    assert match_ids(ids, [f"S{number}" for number in range(5)], "'labels.csv'")[1] == (
        "matched ids that are written differently in 'labels.csv': 's0' is 'S0', 's1' is 'S1', 's2' is 'S2' and 2 more"
    )


@given(st.lists(st.text(), max_size=6), st.lists(st.text(), max_size=6))
def test_equal_ids_always_match(ids, others):
    rows, _ = match_ids(ids, others)
    for one, row in zip(ids, rows.tolist(), strict=True):
        assert one not in others or others[row] == one or row >= 0
    assert len(rows) == len(ids)
    assert rows.dtype == np.int64
