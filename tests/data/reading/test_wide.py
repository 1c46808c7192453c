import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.data.reading.sources import Source, open_source
from limelight.data.reading.tables import read_table
from limelight.data.reading.wide import looks_wide, read_wide
from limelight.errors import DataError, LabelError, ParameterError
from support.errors import message_of
from support.strategies import assert_equal

NAN = float("nan")
floats = st.floats(width=32, allow_infinity=False, allow_nan=False)
forms = st.sampled_from(["{}{}", "{}_{}", "{}.{}", "{}-{}", "{} {}", "{}[{}]", "{}_{:03}"])


def _source(columns):
    return Source(pa.table(columns), "the series table")


def read_error(source, error_class=DataError, **options):
    source = source if isinstance(source, Source) else _source(source)
    return message_of(error_class, read_wide, source, **options)


@pytest.fixture
def csv(tmp_path):
    """Write lines into a CSV file and open it."""

    def writer(*lines):
        path = tmp_path / "wide.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return open_source(path, "series")

    return writer


@given(
    series=st.integers(1, 3).flatmap(
        lambda channels: st.lists(
            st.lists(st.lists(floats | st.none(), min_size=channels, max_size=channels), min_size=1, max_size=6),
            min_size=1,
            max_size=5,
        )
    ),
    form=forms,
    first=st.integers(0, 2),
    draw=st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=50)
def test_a_written_wide_table_reads_back_equal(series, form, first, draw):
    steps, channels = max(map(len, series)), [f"{letter}x" for letter in "abc"[: len(series[0][0])]]
    series = [[*one[:-1], [0.0 if value is None else value for value in one[-1]]] for one in series]
    columns = {
        form.format(channel, first + step): pa.array(
            [one[step][place] if step < len(one) else None for one in series], pa.float32()
        )
        for place, channel in enumerate(channels)
        for step in range(steps)
    }
    names = list(columns)
    draw.shuffle(names)
    table = _source({"series_id": [f"s{row}" for row in range(len(series))], **{name: columns[name] for name in names}})
    expected = Panel.from_series(
        [np.array(one, dtype=np.float32) for one in series],
        ids=[f"s{row}" for row in range(len(series))],
        channels=channels,
    )
    assert_equal(read_wide(table, channels=channels), expected)


def test_columns_named_by_numbers_alone_are_the_default_channel():
    panel = read_wide(_source({"series_id": ["a"], "10": [3.0], "9": [2.0], "8": [1.0]}))
    assert (panel.channels, panel.values[:, 0].tolist()) == (("channel_0",), [1, 2, 3])


def test_a_pandas_frame_of_numbered_columns_reads():
    panel = read_wide(open_source(pd.DataFrame([[1.0, 2.0], [3.0, 4.0]]), "series"))
    assert (panel.ids.tolist(), panel.labels, panel.lengths.tolist()) == (["0", "1"], None, [2, 2])
    assert panel.notes == ("no column 'series_id': the series are named by their row, from 0",)


def test_step_columns_are_sorted_by_number():
    panel = read_wide(_source({"series_id": ["a"], "x_10": [3.0], "x_9": [2.0], "x_08": [1.0]}))
    assert panel.values[:, 0].tolist() == [1, 2, 3]


def test_unevenly_spaced_steps_are_noted():
    panel = read_wide(_source({"series_id": ["a"], "x_0": [1.0], "x_1": [2.0], "x_5": [3.0]}))
    assert panel.lengths.tolist() == [3]
    assert panel.notes == ("the numbers of the steps are not evenly spaced: only their order was kept",)


def test_labels_are_text_and_other_columns_are_metadata(csv):
    panel = read_wide(csv("series_id,label,age,site,x0,x1", "a,01,30,north,1,2", "b,02,,,3,4"))
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["a", "b"], ["01", "02"])
    assert panel.metadata.to_pylist() == [{"age": 30, "site": "north"}, {"age": None, "site": None}]
    assert panel.notes == ("took columns that are not steps as metadata: 'age', 'site'",)


def test_common_names_of_label_and_id_are_used_and_noted():
    panel = read_wide(_source({"sample": ["a", "b"], "class": [1.0, 2.0], "x0": [1.0, 3.0], "x1": [2.0, 4.0]}))
    assert (panel.ids.tolist(), panel.labels.tolist(), panel.metadata) == (["a", "b"], ["1", "2"], None)
    assert panel.notes == ("took column 'class' as label", "took column 'sample' as id")


def test_a_repeating_id_column_is_metadata():
    panel = read_wide(_source({"recording": ["r", "r"], "x0": [1.0, 3.0], "x1": [2.0, 4.0]}))
    assert (panel.ids.tolist(), panel.metadata.to_pydict()) == (["0", "1"], {"recording": ["r", "r"]})


def test_id_and_label_columns_can_be_switched_off():
    panel = read_wide(_source({"series_id": ["a", "b"], "label": [1, 2], "x0": [1.0, 3.0]}), id=None, label=None)
    assert (panel.ids.tolist(), panel.labels) == (["0", "1"], None)
    assert panel.metadata.column_names == ["series_id"]
    assert panel.notes == (
        "the labels in column 'label' were not read",
        "took columns that are not steps as metadata: 'series_id'",
    )


def test_trailing_empty_steps_are_dropped_and_inner_ones_kept(csv):
    panel = read_wide(csv("series_id,x0,x1,x2,y0,y1,y2", "a,1,NaN,,4,,", "b,1,,3,,,", "c,,,3,,5,"))
    assert panel.lengths.tolist() == [1, 3, 3]
    np.testing.assert_array_equal(
        panel.values, [[1, 4], [1, NAN], [NAN, NAN], [3, NAN], [NAN, NAN], [NAN, 5], [3, NAN]]
    )
    assert panel.notes == ("the last steps of 1 series are empty: read as shorter series",)


def test_channels_are_selected_by_name_and_others_noted():
    table = {"series_id": ["a"]} | {f"{channel}{step}": [1.0 * step] for channel in "xyz" for step in range(3)}
    panel = read_wide(_source(table), channels=["z", "x"])
    assert (panel.channels, panel.metadata, panel.notes) == (("z", "x"), None, ("channels that were not read: 'y'",))


def test_text_columns_with_numbered_names_are_metadata():
    panel = read_wide(_source({"series_id": ["a"], "site2": ["north"], "x0": [1.0], "x1": [2.0]}))
    assert (panel.channels, panel.metadata.to_pylist()) == (("x",), [{"site2": "north"}])


def test_numbered_columns_are_metadata_if_channels_are_named():
    columns = {"series_id": ["a"], "pm10": [3], "x0": [1.0], "x1": [2.0]}
    panel = read_wide(_source(columns), channels=["x"])
    assert (panel.channels, panel.metadata.to_pylist()) == (("x",), [{"pm10": 3}])
    assert read_error(columns) == (
        "expected the same steps in every channel of the series table, got channel 'pm' without step 0, 1, which channel "
        "'x' has; add the missing steps, or choose channels with channels=[...]"
    )


@pytest.mark.parametrize("having", ["x", "y"])
def test_a_channel_that_lacks_a_step_is_named(having):
    columns = {"series_id": ["a"], "x_0": [1.0], "y_0": [1.0], "x_1": [1.0], "y_1": [1.0], f"{having}_2": [1.0]}
    lacking = "xy".replace(having, "")
    assert read_error(columns) == (
        f"expected the same steps in every channel of the series table, got channel {lacking!r} without step 2, which "
        f"channel {having!r} has; add the missing steps, or choose channels with channels=[...]"
    )


def test_labels_of_steps_are_not_a_channel():
    columns = {"series_id": ["a"], "x_0": [1.0], "x_1": [1.0], "label_0": [0], "label_1": [1], "label2": [1]}
    panel = read_wide(_source(columns))
    assert (panel.channels, panel.metadata) == (("x",), None)
    assert panel.notes == ("per-step labels were not read: 'label_0', 'label_1', 'label2'",)


def test_a_repeated_series_is_located_by_both_rows(csv):
    source = csv("series_id,x0,x1", "a,1,2", "b,1,2", "a,3,4")
    assert read_error(source) == (
        f"expected one row per series in {source.name}, got series 'a' again in line 4 of {source.name}, first in "
        f"line 2 of {source.name}; keep one of the two, or set layout='long' if each row is a step"
    )


def test_a_row_without_values_is_named(csv):
    source = csv("series_id,x0,x1", "a,1,2", "b,,nan")
    assert read_error(source) == (
        f"expected at least one value in every series, got none in line 3 of {source.name} (series 'b'); leave the row "
        "out"
    )


def test_a_cell_that_is_not_a_number_is_located(csv):
    source = csv("series_id,x0,x1", "a,1,2", "b,1,fast")
    assert read_error(source) == (
        f"expected a number in column 'x1', got 'fast' in line 3 of {source.name} (series 'b'); correct it, or leave "
        "the cell empty if the value is unknown"
    )


def test_a_repeated_step_is_refused():
    assert read_error({"series_id": ["a"], "x1": [1.0], "x_01": [2.0]}) == (
        "expected each step of a channel once in the series table, got columns 'x1' and 'x_01' for step 1 of channel "
        "'x'; rename one"
    )


def test_a_table_without_steps_is_refused():
    assert read_error({"series_id": ["a"], "speed": [1.0]}) == (
        "expected columns named by step number, such as '0', 'x_0' or 'x[0]', in the series table, got "
        "'speed'; rename them, or set layout='long' if each row is a step"
    )


def test_a_series_without_a_label_is_named():
    assert read_error({"series_id": ["a", "b"], "label": ["x", None], "x0": [1.0, 2.0]}, LabelError) == (
        "expected no empty cell in column 'label', got one in row 1 (the first is 0) of the series table; write the "
        "label, or leave that series out"
    )


def test_two_possible_label_columns_are_named():
    assert read_error({"class": ["a"], "target": ["b"], "x0": [1.0]}) == (
        "expected one label column in the series table, got 'class', 'target'; choose one with label=... "
        '("label" in the data section of an experiment file, --label on the command line)'
    )


@pytest.mark.parametrize("option", ["id", "label"])
def test_a_named_column_must_exist(option):
    assert read_error({"case": ["a"], "x0": [1.0]}, **{option: "cases"}) == (
        f"expected a column 'cases' (set by {option!r}) in the series table, got none of that name; did you mean 'case'?"
    )


def test_missing_channels_are_named():
    assert read_error({"series_id": ["a"], "speed0": [1.0]}, channels=["sped"]) == (
        "expected channels whose steps are columns, got 'sped'; did you mean 'speed'?"
    )


@pytest.mark.parametrize(("channels", "got"), [([], "no name"), (["x", "x"], "'x'")])
def test_impossible_channels_are_refused(channels, got):
    assert read_error({"series_id": ["a"], "x0": [1.0]}, ParameterError, channels=channels) == (
        f"expected channels to name channels of the table, each once, got {got}; omit channels to take all"
    )


@pytest.mark.parametrize(
    "columns",
    [
        [str(step) for step in range(5)],
        ["label", *(str(step) for step in range(1, 25))],
        ["series_id", "label", "date", *(f"x_{step}" for step in range(24))],
        ["id", "age", *(f"{channel}[{step}]" for channel in ("x", "y") for step in range(3))],
        ["time", *(f"x{step}" for step in range(9))],
        ["series_id", "site2", *(f"x{step:03}" for step in range(9))],
    ],
)
def test_these_columns_look_wide(columns):
    assert looks_wide(columns)


@pytest.mark.parametrize(
    "columns",
    [
        ["series_id", "time", "acc_1", "acc_2", "acc_3"],
        ["series_id", "time", *(f"lpc{number:02}" for number in range(1, 13))],
        ["recording", "timestamp", *(f"sensor_{number}" for number in range(1, 22))],
        ["series_id", "speed", "height"],
        ["series_id", *(f"x{step}" for step in range(4))],
        ["series_id", *(f"x{step}" for step in range(0, 20, 2))],
        ["series_id", *(f"{channel}{step}" for channel in "abc" for step in range(2))],
        [*(f"x{step}" for step in range(5)), *"abcdef"],
        ["series_id", *(f"label_{number}" for number in range(9))],
        [],
    ],
)
def test_these_columns_do_not_look_wide(columns):
    assert not looks_wide(columns)


def test_the_name_of_the_id_column_is_considered():
    columns = ["engine", "time", *(f"x{step}" for step in range(9))]
    assert (looks_wide(columns, id="engine"), looks_wide(columns)) == (False, True)


def test_numbers_of_rows_with_german_names_are_ignored():
    table = {"lfd. Nr.": [3, 1, 2], "0": [1.0, 2.0, 3.0], "1": [4.0, 5.0, 6.0], "2": [7.0, 8.0, 9.0]}
    panel = read_wide(_source(table))
    assert panel.metadata is None
    assert "ignored row numbers in column 'lfd. Nr.'" in panel.notes


def test_a_few_numbered_columns_are_noted_as_possible_steps() -> None:
    columns = {f"x_{step}": [0.1, 0.2, 0.3] for step in range(4)}
    table = pa.table({"series_id": ["a", "b", "c"], **columns, "label": ["u", "v", "u"]})
    assert read_table(table).notes == (
        "each series has one step of 4 channels; if the columns 'x_0', 'x_1', 'x_2', 'x_3' are its steps, set "
        "layout='wide' (--set data.layout=wide)",
    )
    assert read_table(table, layout="wide").lengths.tolist() == [4, 4, 4]
