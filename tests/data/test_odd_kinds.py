"""Arrays, labels, ids, times and metadata of unsuitable types are refused; whole messages are compared."""

import datetime
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from limelight.data.array_labels import attach_labels
from limelight.data.arrays import as_panel
from limelight.data.panel import Panel
from limelight.errors import DataError, DataTypeError, InputError, LabelError, printable
from support.errors import message_of

SERIES = np.arange(12.0).reshape(3, 4)
HALF_PAIR = "a\ud800"


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (None, "expected series as a Panel, an array, a list of arrays or a frame, got None; pass arrays"),
        ({1.0, 2.0}, "expected series as a Panel, an array, a list of arrays or a frame, got {1.0, 2.0}; pass arrays"),
        (SERIES + 1j, "expected numbers as series, got complex numbers (Complex data not supported); convert them"),
        (SERIES.astype("M8[s]"), "expected numbers as series, got dates; convert them"),
        (np.zeros(3, [("x", float), ("y", float)]), "expected numbers as series, got structured values; convert them"),
        ([SERIES, None], "expected an array of numbers for each series, got None; convert it, or leave it out"),
        (["x"], "expected an array of numbers for each series, got 'x'; convert it, or leave it out"),
    ],
)
def test_objects_without_series_are_refused(series, message):
    assert message_of(DataError, as_panel, series) == message


def test_a_sparse_matrix_is_refused_as_a_type_error():
    message = message_of(DataTypeError, as_panel, scipy.sparse.csr_array(SERIES))
    assert message == "expected dense arrays, got csr_array, which is sparse; pass X.toarray()"
    assert issubclass(DataTypeError, TypeError)


def test_a_tensor_without_data_is_refused():
    assert message_of(DataError, as_panel, torch.empty((3, 4), device="meta")) == (
        "expected series or labels as arrays, got Tensor that cannot be used: Cannot copy out of meta tensor; no data!; "
        "pass NumPy arrays of numbers"
    )


def test_masked_values_of_a_list_are_missing():
    panel = Panel.from_series([np.ma.masked_equal([1.0, -9.0], -9.0)])
    np.testing.assert_array_equal(panel.values[:, 0], [1.0, np.nan])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("abc", "expected a label for each series, got 'abc'; pass a list or an array of labels"),
        (3, "expected a label for each series, got 3; pass a list or an array of labels"),
        (["a", HALF_PAIR, "b"], "expected labels that can be saved, got 'a\\ud800', which has half of a surrogate pair; "
         "remove it, or decode the text again"),
        (np.array(["a", HALF_PAIR, "b"]), "expected labels that can be saved, got 'a\\ud800', which has half of a "
         "surrogate pair; remove it, or decode the text again"),
        ([{1}, {2}, {1}], "expected text, whole numbers or dates as labels, got {1} of type set; convert the labels to "
         "text, for example with str"),
        ([uuid.UUID(int=1)] * 3, "expected text, whole numbers or dates as labels, got "
         "UUID('00000000-0000-0000-0000-000000000001') of type UUID; convert the labels to text, for example with str"),
        ([10**400, 1, 1], "expected whole numbers of at most 64 bits as labels, got 100000000000000000000000000000000000000"
         "...00000000000000000000000000000000000000; write them as text"),
        ([b"a", b"\xff", b"a"], "expected text as labels, got bytes that are not UTF-8, b'\\xff'; decode them"),
        (np.zeros(3, complex), "expected text, whole numbers or dates as labels, got complex numbers; convert them"),
        (pd.Series(pd.to_timedelta([1, 2, 1], unit="s")), "expected text, whole numbers or dates as labels, got "
         "durations; convert them"),
        (["a", datetime.date(2024, 1, 1), "b"], "expected labels of one type, got dates and text, such as 'a' and "
         "datetime.date(2024, 1, 1); write all as text, or all as numbers"),
        ([np.zeros(4), "a", np.zeros(4)], "expected an array of labels for each series, got 'a' for one of them; pass one "
         "label for each series, or one for each step of it"),
        ([np.zeros(4), ["a"] * 4, ["b"] * 4], "expected per-step labels of one type, got numbers and text; write all as "
         "text"),
    ],
)  # fmt: skip
def test_invalid_labels_are_refused(labels, message):
    assert message_of(InputError, attach_labels, as_panel(SERIES), labels) == message


def test_dates_as_labels_become_text():
    days = [datetime.datetime(2024, 1, 1, 23, tzinfo=datetime.timezone(datetime.timedelta(hours=-2))), None]
    assert Panel.from_series([[1.0]] * 2, labels=days).labels.tolist() == ["2024-01-02T01:00:00", None]


def test_bytes_as_labels_and_ids_become_text():
    panel = Panel.from_series([[1.0]], ids=[b"pump"], labels=["größe".encode()])
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["pump"], ["größe"])


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"ids": "abc"}, "expected a list of 3 ids, one for each series, got 'abc'; pass a list of text"),
        ({"ids": [HALF_PAIR, "b", "c"]}, "expected text that can be saved as the id of a series, got 'a\\ud800', which has "
         "half of a surrogate pair; remove it, or decode the text again"),
        ({"ids": [["a"], ["b"], ["c"]]}, "expected text or a number as the id of a series, got ['a']; pass one for each"),
        ({"channels": [HALF_PAIR]}, "expected text that can be saved as the name of a channel, got 'a\\ud800', which has "
         "half of a surrogate pair; remove it, or decode the text again"),
        ({"times": [[1, 2, 3, 4]]}, "expected a time for each step of each series, got 1 arrays for 3 series; pass one "
         "array for each series"),
        ({"times": [np.zeros(4, complex)] * 3}, "expected numbers or dates as the times of series 0, got complex128; "
         "convert them, for example with pandas.to_datetime"),
        ({"times": [np.zeros(4), np.zeros(4, "M8[s]"), np.zeros(4)]}, "expected one kind of time in every series, got "
         "dates and numbers; convert them"),
        ({"metadata": "site"}, "expected metadata as a table with one row for each series, got 'site'; pass a frame or a "
         "dict of columns"),
        ({"labels": [["a", "b"]] * 3}, "expected 0, 1 or NaN in labels of shape (3, 2), got text; pass one label for each "
         "series, or a column of 0 and 1 for each label"),
    ],
)  # fmt: skip
def test_attributes_of_odd_types_are_refused(attributes, message):
    assert message_of(DataError, Panel.from_series, list(SERIES), **attributes) == message


def test_metadata_may_be_a_frame_dict_or_table():
    frame = pd.DataFrame({"age": [1, 2, 3]})
    for metadata in (frame, {"age": [1, 2, 3]}, pa.table({"age": [1, 2, 3]})):
        assert Panel.from_series(list(SERIES), metadata=metadata).metadata.to_pydict() == {"age": [1, 2, 3]}


def test_metadata_that_are_not_utf8_are_refused():
    metadata = pa.table({"site": pa.array([b"\xff", b"a", b"b"]).view(pa.string())})
    assert message_of(DataError, Panel.from_series, list(SERIES), metadata=metadata) == (
        "expected metadata that can be read, got Table with an invalid column: Column 0: In chunk 0: Invalid: Invalid "
        "UTF8 sequence at string index 0; correct it, or leave it out"
    )


def test_a_message_sends_no_control_codes():
    assert str(LabelError("got \x1b[2J, \u202e and \ud800")) == "got \\x1b[2J, \\u202e and \\ud800"
    assert printable("größe 日本\n") == "größe 日本\n"
