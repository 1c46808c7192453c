from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.align import StepSignals, align
from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.data.store.open import open_store
from limelight.data.store.write import write_store
from limelight.data.windowing.windows import cut_windows
from limelight.errors import DataError, ParameterError
from support.errors import message_of

NAN = float("nan")
DAY = np.datetime64("2024-05-01T00:00:00", "ns")


def panel_with_clocks(**clocks):
    """Series of zeros by id and clock; dates come as text."""
    times = [
        np.array(clock, dtype="datetime64[ns]") if isinstance(clock[0], str) else clock for clock in clocks.values()
    ]
    return Panel.from_series([np.zeros(len(clock)) for clock in times], ids=list(clocks), times=times)


def signal_of(*rows, **types):
    """Rows of series, time and value."""
    ids, times, values = zip(*rows, strict=True)
    return pa.table({"series_id": ids, "time": times, types.get("name", "x"): pa.array(values)})


def channel(panel, name):
    return panel.values[:, panel.channels.index(name)].tolist()


def assert_float32_equal(values, expected):
    np.testing.assert_array_equal(np.array(values, dtype=np.float32), np.array(expected, dtype=np.float32))


def words_of(signals, place=0):
    classes = np.array([*signals.classes[place], None], dtype=object)
    return classes[signals.codes[:, place]].tolist()


def align_error(panel, signal, error_class=DataError, **options):
    return message_of(error_class, align, panel, signal, **options)


# the value at each step


def test_a_step_has_the_last_value_at_or_before_it():
    aligned = align(panel_with_clocks(a=[0, 5, 10, 15]), signal_of(("a", 5, 1.5), ("a", 11, 2.5)))
    assert_float32_equal(channel(aligned, "x"), [NAN, 1.5, 1.5, 2.5])
    assert aligned.channels == ("channel_0", "x")
    assert aligned.signals is None


def test_text_becomes_categories_of_steps_and_no_channel():
    aligned = align(panel_with_clocks(a=[0, 5, 10]), signal_of(("a", 5, "run"), ("a", 6, "idle"), name="mode"))
    assert aligned.channels == ("channel_0",)
    assert (aligned.signals.names, aligned.signals.classes, aligned.signals.codes.dtype) == (
        ("mode",),
        (("idle", "run"),),
        np.int16,
    )
    assert aligned.signals.codes.tolist() == [[-1], [1], [0]]


@pytest.mark.parametrize(
    ("time", "tick"),
    [
        (2**62 + 1, 1),
        (-(2**63), 1),
        (0.3, float(np.nextafter(0.3, 1)) - 0.3),
        (np.datetime64("2024-05-01T12:00:00.123456789"), np.timedelta64(1, "ns")),
    ],
)
def test_a_value_after_the_step_is_never_used(time, tick):
    panel = Panel.from_series([[0.0]], ids=["a"], times=[np.array([time])])
    earlier, later = signal_of(("a", time, 1.0)), signal_of(("a", time + tick, 2.0))
    assert later["time"][0].as_py() != earlier["time"][0].as_py()
    assert_float32_equal(channel(align(panel, earlier), "x"), [1.0])
    aligned = align(panel, later)
    assert_float32_equal(channel(aligned, "x"), [NAN])
    assert aligned.notes == ("no value of 'x' before the first sample: 1 step of 1 series ('a')",)


def test_every_series_has_its_own_signal():
    rows = [("b", 0, 20.0), ("a", 0, 10.0), ("b", 2, 22.0), ("a", 1, 11.0)]
    aligned = align(panel_with_clocks(a=[0, 1, 2], b=[0, 1, 2]), signal_of(*rows))
    assert_float32_equal(channel(aligned, "x"), [10, 11, 11, 20, 20, 22])


def test_two_series_may_have_a_sample_at_one_time():
    aligned = align(panel_with_clocks(a=[5], b=[5]), signal_of(("a", 5, 1.0), ("b", 5, 2.0)))
    assert_float32_equal(channel(aligned, "x"), [1, 2])


def test_ids_are_compared_as_they_are_written():
    aligned = align(panel_with_clocks(**{"7": [0, 1]}), signal_of((7, 1, 3.0)))
    assert_float32_equal(channel(aligned, "x"), [NAN, 3])


def test_an_empty_cell_keeps_the_value_before():
    table = pa.table(
        {"series_id": ["a"] * 4, "time": [0, 1, 2, 3], "x": [1.0, None, 3.0, NAN], "mode": [None, "run", "", "idle"]}
    )
    aligned = align(panel_with_clocks(a=[0, 1, 2, 3]), table)
    assert_float32_equal(channel(aligned, "x"), [1, 1, 3, 3])
    assert words_of(aligned.signals) == [None, "run", "run", "idle"]
    assert aligned.notes == ("no value of 'mode' before the first sample: 1 step of 1 series ('a')",)


def test_dates_of_signal_and_series_are_aligned():
    panel = panel_with_clocks(a=["2024-05-01T00:00", "2024-05-01T00:01", "2024-05-01T00:02"])
    aligned = align(panel, signal_of(("a", "2024-05-01 00:00:59.999999999", 1.0), ("a", "2024-05-01 00:02", 2.0)))
    assert_float32_equal(channel(aligned, "x"), [NAN, 1, 2])


@pytest.mark.parametrize("decimals", ["panel", "signal"])
def test_integer_and_decimal_clocks_are_aligned(decimals):
    steps, samples = ([0.5, 1.5, 2.5], [1, 2]) if decimals == "panel" else ([0, 1, 2], [0.5, 1.0])
    aligned = align(panel_with_clocks(a=steps), signal_of(*(("a", time, time * 10.0) for time in samples)))
    assert_float32_equal(channel(aligned, "x"), [NAN, 10, 20] if decimals == "panel" else [NAN, 10, 10])


def test_interpolation_uses_the_later_sample():
    signal = signal_of(("a", 1, 10.0), ("a", 5, 30.0))
    aligned = align(panel_with_clocks(a=[0, 1, 2, 4, 5, 6]), signal, method="linear", future=True)
    assert_float32_equal(channel(aligned, "x"), [NAN, 10, 15, 25, 30, NAN])
    assert aligned.notes == (
        "'x' is interpolated, so each step depends on a later sample (future=True)",
        "no value of 'x' before the first sample: 1 step of 1 series ('a')",
        "no value of 'x' after the last sample: 1 step of 1 series ('a')",
    )


def test_interpolation_does_not_leave_its_series():
    signal = signal_of(("a", 0, 10.0), ("b", 2, 30.0), ("b", 4, 50.0))
    aligned = align(panel_with_clocks(a=[0, 1], b=[1, 3]), signal, method="linear", future=True)
    assert_float32_equal(channel(aligned, "x"), [10, NAN, NAN, 40])


def test_text_is_never_interpolated():
    table = pa.table({"series_id": ["a", "a"], "time": [0, 2], "x": [0.0, 1.0], "mode": ["run", "idle"]})
    aligned = align(panel_with_clocks(a=[0, 1, 2]), table, method="linear", future=True, since_change=True)
    assert words_of(aligned.signals) == ["run", "run", "idle"]
    assert aligned.channels == ("channel_0", "x", "mode_since_change")


# time since a change


def test_a_repeated_category_is_not_a_change():
    signal = signal_of(("a", 1, "run"), ("a", 3, "run"), ("a", 5, "idle"), name="mode")
    aligned = align(panel_with_clocks(a=[0, 1, 2, 4, 5, 7]), signal, since_change=True)
    assert_float32_equal(channel(aligned, "mode_since_change"), [NAN, 0, 1, 3, 0, 2])


def test_the_first_sample_of_every_series_is_a_change():
    signal = signal_of(("a", 0, "run"), ("b", 2, "run"), name="mode")
    aligned = align(panel_with_clocks(a=[0, 3], b=[1, 3]), signal, since_change=True)
    assert_float32_equal(channel(aligned, "mode_since_change"), [0, 3, NAN, 1])


def test_the_time_since_a_change_is_in_seconds_for_dates():
    signal = signal_of(("a", "2024-05-01T00:00:30", 1), ("a", "2024-05-01T00:01:00", 2))
    aligned = align(panel_with_clocks(a=["2024-05-01T00:00:45", "2024-05-01T00:01:01.5"]), signal, since_change=True)
    assert_float32_equal(channel(aligned, "x_since_change"), [15, 1.5])
    assert aligned.units == {"x_since_change": "s"}


def test_the_time_since_a_change_supports_numbers():
    signal = signal_of(("a", 0, 1.0), ("a", 1, 1.0), ("a", 2, None), ("a", 3, 4.0), ("a", 4, 1.0))
    aligned = align(panel_with_clocks(a=[0, 1, 2, 3, 4, 9]), signal, since_change=True)
    assert_float32_equal(channel(aligned, "x_since_change"), [0, 1, 2, 0, 0, 5])


# tolerance


def test_a_sample_as_old_as_the_tolerance_is_used():
    aligned = align(panel_with_clocks(a=[0, 5, 6]), signal_of(("a", 0, 1.0)), tolerance=5, since_change=True)
    assert_float32_equal(channel(aligned, "x"), [1, 1, NAN])
    assert_float32_equal(channel(aligned, "x_since_change"), [0, 5, NAN])
    assert aligned.notes == (
        "no value of 'x' where the last sample is older than the tolerance of 5: 1 step of 1 series ('a')",
    )


@pytest.mark.parametrize(("unit", "tolerance"), [("ms", "5 ms"), ("s", "5 s"), (None, "5 s"), ("min", "300s")])
def test_a_duration_as_tolerance_uses_the_clock_unit(unit, tolerance):
    panel = panel_with_clocks(a=[0, 5, 6]).replace(units={"time": unit} if unit else {})
    assert_float32_equal(channel(align(panel, signal_of(("a", 0, 1.0)), tolerance=tolerance), "x"), [1, 1, NAN])


@pytest.mark.parametrize("tolerance", [0.3, "300 ms"])
def test_a_tolerance_for_dates_is_exact(tolerance):
    panel = panel_with_clocks(a=["2024-05-01T00:00:00.3", "2024-05-01T00:00:00.300000001"])
    aligned = align(panel, signal_of(("a", "2024-05-01T00:00:00", 1.0)), tolerance=tolerance)
    assert_float32_equal(channel(aligned, "x"), [1, NAN])


@given(
    step=st.integers(-(10**6), 10**6),
    age=st.integers(0, 40),
    limit=st.integers(0, 40),
    digits=st.integers(0, 3),
)
@settings(deadline=None, max_examples=100)
def test_decimal_rounding_does_not_affect_the_tolerance(step, age, limit, digits):
    def decimal(number):
        return float(Fraction(number, 10**digits))

    aligned = align(
        panel_with_clocks(a=[decimal(step)]), signal_of(("a", decimal(step - age), 1.0)), tolerance=decimal(limit)
    )
    assert_float32_equal(channel(aligned, "x"), [1 if age <= limit else NAN])


# against a slow plain implementation


def plainly(steps, samples, *, method, tolerance):
    """Return the value at each step of one series and the time since it changed, from sorted samples (time, value)."""
    samples = [(time, value) for time, value in samples if value is not None]
    expected = []
    for step in steps:
        held = [(time, value) for time, value in samples if time <= step]
        following = [(time, value) for time, value in samples if time > step]
        if not held or (tolerance is not None and step - held[-1][0] > tolerance):
            expected.append((None, None))
            continue
        (time, value), changed = held[-1], held[0][0]
        for (_, one), (later, other) in pairwise(held):
            changed = later if one != other else changed
        if method == "linear" and step > time:
            value = value + (following[0][1] - value) * (step - time) / (following[0][0] - time) if following else None
        expected.append((value, step - changed))
    return expected


@st.composite
def cases(draw):
    """Draw times and samples in ticks, with ties and gaps; some series have no samples, some samples no series."""
    ticks = st.integers(-12, 12)
    series = draw(
        st.dictionaries(st.sampled_from("abcd"), st.lists(ticks, min_size=1, max_size=8).map(sorted), min_size=1)
    )
    cells = st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from(["run", "idle", "off"]))
    samples = draw(st.dictionaries(st.tuples(st.sampled_from("abcdxy"), ticks), cells, max_size=40))
    kind = draw(st.sampled_from(["whole", "large", "decimal", "dates", "whole and decimal"]))
    order = draw(st.permutations(list(samples)))
    return series, [("z", 0, 0, "run"), *((*key, *samples[key]) for key in order)], kind


def clock_of(ticks, kind, side):
    if kind == "dates":
        return DAY + np.array(ticks) * np.timedelta64(1, "ns")
    if kind == "large":
        return 2**62 + np.array(ticks, dtype=np.int64)
    if kind == "decimal" or (kind == "whole and decimal" and side == "signal"):
        return np.array(ticks) / 8
    return np.array(ticks) if kind == "whole" else np.array(ticks) // 8


@given(
    case=cases(),
    tolerance=st.none() | st.integers(0, 20),
    method=st.sampled_from(["last", "linear"]),
    since_change=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_every_step_matches_a_plain_loop(case, tolerance, method, since_change):
    series, samples, kind = case
    unit = {"decimal": Fraction(1, 8), "dates": Fraction(1, 10**9)}.get(kind, 1)
    clocks = {name: clock_of(ticks, kind, "panel") for name, ticks in series.items()}
    panel = Panel.from_series([np.zeros(len(one)) for one in clocks.values()], ids=list(clocks), times=clocks.values())
    ids, ticks, numbers, words = zip(*samples, strict=True)
    table = pa.table(
        {
            "series_id": ids,
            "time": clock_of(ticks, kind, "signal"),
            "x": pa.array(numbers, pa.float64()),
            "mode": pa.array(words, pa.string()),
        }
    )
    if not set(ids) & set(series):
        assert align_error(panel, table).startswith("expected samples of the series, got none in the signal table")
        return
    limit = None if tolerance is None else f"{tolerance} ns" if kind == "dates" and tolerance else tolerance * unit
    limit = float(limit) if isinstance(limit, Fraction) else limit
    aligned = align(panel, table, tolerance=limit, method=method, since_change=since_change, future=method == "linear")

    expected = {"x": [], "mode": [], "x_since_change": [], "mode_since_change": []}
    rescale = 8 if kind == "whole and decimal" else 1
    for name, own in series.items():
        steps = [tick // 8 * 8 for tick in own] if rescale == 8 else own
        for column, place in (("x", 2), ("mode", 3)):
            rows = sorted((row[1], row[place]) for row in samples if row[0] == name and row[place] is not None)
            expected_rows = plainly(
                steps,
                rows,
                method=method if column == "x" else "last",
                tolerance=None if tolerance is None else tolerance * rescale,
            )
            expected[column] += [value for value, _ in expected_rows]
            expected[f"{column}_since_change"] += [
                NAN if age is None else float(age * unit / rescale) for _, age in expected_rows
            ]
    x = np.array([NAN if value is None else value for value in expected["x"]])
    np.testing.assert_allclose(channel(aligned, "x"), x, rtol=1e-6, atol=1e-6)
    assert words_of(aligned.signals) == expected["mode"]
    channels = [] if not since_change else ["mode_since_change"] + ["x_since_change"] * (method == "last")
    assert set(aligned.channels) == {"channel_0", "x", *channels}
    for name in channels:
        assert_float32_equal(channel(aligned, name), expected[name])


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=20)
def test_aligned_numbers_equal_those_of_pandas_and_polars(seed):
    random = np.random.default_rng(seed)
    n, steps, samples = 5, 40, 30
    clocks = np.sort(random.integers(0, 200, (n, steps)), axis=1)
    panel = Panel.from_series(list(np.zeros((n, steps))), times=list(clocks))
    times = np.concatenate([random.choice(200, samples, replace=False) for _ in range(n)])
    ids = np.repeat(np.arange(n), samples)
    frame = pd.DataFrame({"series_id": ids.astype(str), "time": times, "x": random.normal(size=n * samples)})
    frame = frame.sample(frac=1, random_state=seed)
    aligned = align(panel, frame, tolerance=9)

    left = pd.DataFrame({"series_id": np.repeat(panel.ids, steps), "time": clocks.reshape(-1)})
    ordered = left.reset_index().sort_values("time")
    joined = pd.merge_asof(ordered, frame.sort_values("time"), on="time", by="series_id", tolerance=9)
    assert_float32_equal(channel(aligned, "x"), joined.sort_values("index")["x"].to_numpy())

    right = pl.from_pandas(frame).sort("series_id", "time")
    found = pl.from_pandas(left).join_asof(
        right, on="time", by="series_id", tolerance=9, strategy="backward", check_sortedness=False
    )
    assert_float32_equal(channel(aligned, "x"), found["x"].fill_null(NAN).to_numpy())


# attributes and notes of the result


def test_attributes_are_kept_and_the_input_panel_does_not_change():
    panel = panel_with_clocks(a=[0, 1], b=[0, 1, 2]).replace(
        labels=["x", "y"], metadata=pa.table({"age": [1, 2]}), units={"time": "ms"}, notes=["read"]
    )
    panel = panel.replace(step_labels=StepLabels.of(list("pqpqp")))[[1]]
    aligned = align(panel, signal_of(("b", 1, "run"), name="mode"), since_change=True)
    assert panel.channels == ("channel_0",)
    assert (aligned.ids.tolist(), aligned.labels.tolist(), aligned.metadata.to_pylist()) == (["b"], ["y"], [{"age": 2}])
    assert aligned.step_labels.codes[:, 0].tolist() == [0, 1, 0]
    assert aligned.clock(0).tolist() == [0, 1, 2]
    assert words_of(aligned.signals) == [None, "run", "run"]
    assert len(aligned.signals) == len(aligned.values)
    assert aligned.units == {"time": "ms", "mode_since_change": "ms"}
    assert aligned.notes[0] == "read"


def test_series_may_be_in_any_order():
    panel = panel_with_clocks(a=[0, 1], b=[0, 1])[[1, 0]]
    aligned = align(panel, signal_of(("a", 0, 1.0), ("b", 1, 2.0)))
    assert_float32_equal(aligned.series(0)[:, 1], [NAN, 2])
    assert_float32_equal(aligned.series(1)[:, 1], [1, 1])


def test_the_unit_of_a_column_becomes_that_of_the_channel():
    fields = [pa.field("series_id", pa.string()), pa.field("time", pa.int64())]
    table = pa.table(
        {"series_id": ["a"], "time": [0], "heat": [20.0]},
        schema=pa.schema([*fields, pa.field("heat", pa.float64(), metadata={"unit": "degC"})]),
    )
    assert align(panel_with_clocks(a=[0]), table).units == {"heat": "degC"}


def test_only_requested_columns_are_aligned():
    table = pa.table({"series_id": ["a"], "time": [0], "x": [1.0], "y": [2.0], "mode": ["run"]})
    aligned = align(panel_with_clocks(a=[0]), table, columns="y")
    assert (aligned.channels, aligned.signals) == (("channel_0", "y"), None)
    aligned = align(panel_with_clocks(a=[0]), table, columns=["mode", "x"])
    assert (aligned.channels, aligned.signals.names) == (("channel_0", "x"), ("mode",))


def test_booleans_and_categories_are_categories_of_a_signal():
    frame = pd.DataFrame({"series_id": ["a", "a"], "time": [0, 1], "on": [True, False]})
    frame["gear"] = pd.Categorical([3, 1])
    signals = align(panel_with_clocks(a=[0, 1]), frame).signals
    assert signals.classes == (("False", "True"), ("1", "3"))
    assert (words_of(signals), words_of(signals, 1)) == (["True", "False"], ["3", "1"])


def test_columns_of_a_csv_file_can_be_named(tmp_path):
    file = tmp_path / "modes.csv"
    file.write_text("machine,at,mode,heat\nb,2,run,1.5\na,1,idle,\na,0,run,7\n")
    aligned = align(panel_with_clocks(a=[0, 1], b=[1, 2]), file, id="machine", time="at")
    assert words_of(aligned.signals) == ["run", "idle", None, "run"]
    assert_float32_equal(channel(aligned, "heat"), [7, 7, NAN, 1.5])


def test_samples_of_other_series_and_series_without_samples_are_counted():
    signal = signal_of(("a", 0, 1.0), ("x", 0, 2.0), ("y", 0, 3.0), ("x", 1, 2.0))
    aligned = align(panel_with_clocks(a=[0], b=[0, 1], c=[4]), signal)
    assert aligned.notes == (
        "dropped 3 samples of 2 unknown series: 'x', 'y'",
        "no sample for 2 series (3 steps): 'b', 'c'",
    )


def test_columns_with_the_same_gap_share_a_note():
    table = pa.table({"series_id": ["a", "b"], "time": [1, 2], "x": [1.0, 2.0], "mode": ["run", "idle"]})
    aligned = align(panel_with_clocks(a=[0, 1], b=[0, 1, 2]), table)
    assert aligned.notes == ("no value of 'x', 'mode' before the first sample: 3 steps of 2 series ('a', 'b')",)


def test_several_time_zones_are_noted():
    panel = panel_with_clocks(a=["2024-05-01T10:00"]).replace(units={"time": "UTC"})
    signal = signal_of(("a", "2024-05-01T11:59:00+02:00", 1.0), ("a", "2024-05-01T10:00:01Z", 2.0))
    aligned = align(panel, signal)
    assert_float32_equal(channel(aligned, "x"), [1])
    assert aligned.notes == ("times in 'time' have several time zones (+02:00, Z); all were converted to UTC",)


def test_signals_are_indexed_as_arrays():
    signals = StepSignals(np.array([[0, 1], [-1, 0]], dtype=np.int16), ("mode", "on"), (("run",), ("no", "yes")))
    assert signals.at([1]).codes.tolist() == [[-1, 0]]
    assert (signals.at([1]).names, signals.at([1]).classes) == (signals.names, signals.classes)


# errors


def test_duplicate_samples_are_rejected_with_both_positions(tmp_path):
    file = tmp_path / "modes.csv"
    file.write_text("series_id,time,x\na,2024-05-01,1\nb,2024-05-01,2\na,2024-05-01,1\n")
    assert align_error(panel_with_clocks(a=["2024-05-01"], b=["2024-05-01"]), file) == (
        "expected distinct times in each series, got time 2024-05-01 00:00:00 of series 'a' again in line 4 of "
        f"{str(file)!r}, first in line 2 of {str(file)!r}; keep one of the two"
    )


def test_duplicate_samples_of_an_unknown_series_are_ignored():
    aligned = align(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0), ("x", 0, 1.0), ("x", 0, 2.0)))
    assert_float32_equal(channel(aligned, "x"), [1])


@pytest.mark.parametrize(
    ("times", "sample", "unit", "panel_has", "signal_has"),
    [
        ([0], "2024-05-01", None, "numbers", "dates without a time zone"),
        (["2024-05-01"], 7, None, "dates without a time zone", "numbers"),
        (["2024-05-01"], "2024-05-01T00:00:00Z", None, "dates without a time zone", "dates with a time zone"),
        (["2024-05-01"], "2024-05-01", "UTC", "dates with a time zone", "dates without a time zone"),
    ],
)
def test_clocks_of_two_kinds_are_refused(times, sample, unit, panel_has, signal_has):
    panel = panel_with_clocks(a=times).replace(units={"time": unit} if unit else {})
    assert align_error(panel, signal_of(("a", sample, 1.0))) == (
        f"expected times of one kind, got {panel_has} in the panel and {signal_has} in column 'time' of the signal table; "
        "convert one of them"
    )


def test_clocks_of_two_units_are_refused():
    schema = pa.schema([("series_id", pa.string()), pa.field("time", pa.int64(), metadata={"unit": "s"}), ("x", "f8")])
    table = pa.table({"series_id": ["a"], "time": [0], "x": [1.0]}, schema=schema)
    assert align_error(panel_with_clocks(a=[0]).replace(units={"time": "ms"}), table) == (
        "expected times of one kind, got numbers in 'ms' in the panel and numbers in 's' in column 'time' of the signal "
        "table; convert one of them"
    )
    aligned = align(panel_with_clocks(a=[0]).replace(units={"time": "s"}), table)
    assert_float32_equal(channel(aligned, "x"), [1])


def test_integers_without_exact_decimals_are_refused():
    assert align_error(panel_with_clocks(a=[2**53 + 1]), signal_of(("a", 0.5, 1.0))) == (
        "expected integer times up to 2^53 if the other times are decimals, got larger ones in the panel or in column "
        "'time' of the signal table; count from a later start"
    )


def test_a_panel_without_a_clock_is_refused():
    assert align_error(Panel.from_series([[0.0]], ids=["a"]), signal_of(("a", 0, 1.0))) == (
        "expected series with times, got series without; pass their times, or name the time column"
    )


def test_windows_are_refused():
    windows = cut_windows(panel_with_clocks(a=[0, 1, 2, 3]), 2)
    assert align_error(windows, signal_of(("a", 0, 1.0))) == (
        "expected recordings, got windows; align the recordings before cutting them"
    )


def test_series_of_a_store_are_refused(tmp_path):
    write_store(panel_with_clocks(a=[0, 1]), tmp_path / "store")
    assert align_error(open_store(tmp_path / "store"), signal_of(("a", 0, 1.0))) == (
        "expected series in memory, got series memory-mapped from a store; align them before packing"
    )


def test_an_empty_panel_is_refused():
    assert align_error(panel_with_clocks(a=[0])[[]], signal_of(("a", 0, 1.0))) == (
        "expected at least one series to align a signal with, got none; pass at least one"
    )


def test_a_repeated_series_is_refused():
    assert align_error(panel_with_clocks(a=[0])[[0, 0]], signal_of(("a", 0, 1.0))) == (
        "expected distinct ids of series, got 'a' more than once; rename them"
    )


@pytest.mark.parametrize(
    "clock",
    [[0.0, 2.0, 1.0], [0.0, NAN, 1.0], np.array(["2024", "NaT", "2025"], "M8[s]"), np.array(["3000"] * 3, "M8[s]")],
)
def test_a_panel_clock_that_does_not_increase_is_rejected(clock):
    panel = Panel.from_series([[0.0], [0.0, 0.0, 0.0]], ids=["a", "b"], times=[clock[:1], clock])
    panel = panel[[1]]
    assert align_error(panel, signal_of(("b", 0, 1.0))) == (
        "expected rising times in series 'b', got a time that is missing, decreases or, for dates, is not between 1678 "
        "and 2262 in whole nanoseconds; correct the times, or sort the steps"
    )


def test_an_invalid_clock_of_the_panel_is_refused():
    panel = Panel.from_series([[0.0]], ids=["a"]).replace(times=np.array(["noon"]))
    assert align_error(panel, signal_of(("a", 0, 1.0))) == (
        "expected numbers or dates as times of the panel, got <U4; convert them"
    )


def test_a_signal_of_other_series_alone_is_refused():
    assert align_error(panel_with_clocks(a=[0]), signal_of(("x", 0, 1.0), ("y", 0, 1.0))) == (
        "expected samples of the series, got none in the signal table, which has samples of 'x', 'y'; check the ids in "
        "both"
    )


def test_an_empty_table_is_refused():
    empty = pa.table({"series_id": pa.array([], "string"), "time": pa.array([], "int64"), "x": pa.array([], "f8")})
    assert (
        align_error(panel_with_clocks(a=[0]), empty)
        == "expected at least one row in the signal table, got none; check the path, or write the table again"
    )


def test_a_table_without_signal_columns_is_refused():
    assert align_error(panel_with_clocks(a=[0]), pa.table({"series_id": ["a"], "time": [0]})) == (
        "expected a column besides 'series_id' and 'time' in the signal table, got none; add the signal"
    )


@pytest.mark.parametrize(("columns", "got"), [([], "no name"), (["x", "x"], "'x'"), (["time", "x"], "'time'")])
def test_impossible_columns_are_refused(columns, got):
    assert align_error(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0)), ParameterError, columns=columns) == (
        f"expected columns to name columns other than 'series_id' and 'time', each once, got {got}; leave columns "
        "out to use all"
    )


def test_a_missing_column_is_refused():
    assert align_error(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0), name="mode"), columns=["mod"]) == (
        "expected a column 'mod' (set by 'columns') in the signal table, got none of that name; did you mean 'mode'?"
    )


@pytest.mark.parametrize("name", ["channel_0", "x_since_change"])
def test_the_name_of_an_existing_channel_is_refused(name):
    table = pa.table({"series_id": ["a"], "time": [0], "x": [1.0], name: [2.0]})
    assert align_error(panel_with_clocks(a=[0]), table, since_change=True) == (
        f"expected new names for channels and signals, got {name!r} from the signal table, which the panel has already; "
        "rename the column, or leave it out of columns"
    )


def test_cells_that_are_neither_numbers_nor_text_are_refused():
    table = pa.table({"series_id": ["a"], "time": [0], "since": [np.datetime64("2024-05-01", "s")]})
    assert align_error(panel_with_clocks(a=[0]), table) == (
        "expected numbers or text in column 'since' of the signal table, got cells of type timestamp[s]; leave it out "
        "of columns, or convert it"
    )


def test_too_many_categories_are_refused():
    many = 2**15
    words = [f"w{number}" for number in range(many)]
    table = pa.table({"series_id": ["a"] * many, "time": range(many), "note": words})
    assert align_error(panel_with_clocks(a=[0]), table) == (
        "expected at most 32767 distinct words in column 'note' of the signal table, got 32768; leave it out of "
        "columns, or convert it to numbers"
    )
    signals = align(panel_with_clocks(a=[many]), table.slice(1)).signals
    assert words_of(signals) == [words[-1]]


def test_interpolation_must_be_allowed_to_use_the_future():
    assert align_error(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0)), ParameterError, method="linear") == (
        "expected method='last', got 'linear', which looks into the future: a value between two samples is known only "
        "after the later sample, too late for a model in live use; pass future=True if it may wait"
    )


def test_an_unknown_method_is_refused_with_the_nearest():
    assert align_error(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0)), ParameterError, method="lst") == (
        "expected method to be 'last' or 'linear', got 'lst'; did you mean 'last'?"
    )


@pytest.mark.parametrize("tolerance", [-1, NAN, float("inf"), True])
def test_an_impossible_tolerance_is_refused(tolerance):
    assert align_error(panel_with_clocks(a=[0]), signal_of(("a", 0, 1.0)), ParameterError, tolerance=tolerance) == (
        f"expected a tolerance of at least 0, or a duration such as '5 min', got {tolerance!r}; leave it out for no limit"
    )


def test_a_tolerance_in_time_needs_a_clock_in_time():
    panel = panel_with_clocks(a=[0]).replace(units={"time": "strokes"})
    assert align_error(panel, signal_of(("a", 0, 1.0)), ParameterError, tolerance="5 s") == (
        "expected a clock in ns, us, ms, s, min, h, d, got 'strokes'; give the tolerance of '5 s' as a number"
    )


def test_codes_that_do_not_fit_their_names_are_refused():
    with pytest.raises(DataError) as error:
        StepSignals(np.zeros((2, 1), dtype=np.int16), ("mode", "on"), (("run",),))
    assert str(error.value) == (
        "expected codes of shape (steps, 2) and classes for each of 'mode', 'on', got shape (2, 1) and classes for "
        "1 signal"
    )


def test_samples_match_ids_in_another_spelling():
    panel = Panel.from_series([[1.0, 2.0], [3.0, 4.0]], ids=["s1", "s2"], times=[[0, 1], [0, 1]])
    signal = pa.table({"file": ["S1.csv", "S2.csv"], "t": [0, 1], "heat": [5.0, 6.0]})
    aligned = align(panel, signal)
    assert aligned.values[:, 1].tolist() == pytest.approx([5, 5, float("nan"), 6], nan_ok=True)
    assert aligned.notes[:3] == (
        "took column 't' of the signal table as time",
        "took column 'file' of the signal table as id",
        "matched ids that are written differently in the series: 'S1.csv' is 's1', 'S2.csv' is 's2'",
    )
