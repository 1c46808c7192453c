import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.annotations import UNKNOWN, Origin, StepLabels
from limelight.data.clock import read_duration
from limelight.data.panel import Panel
from limelight.data.windowing import labels as window_labels
from limelight.data.windowing.windows import cut_windows, merge_windows
from limelight.errors import DataError, LabelError, ParameterError
from support.panels import values_of

EDGES = ("drop", "keep", "shift")
CLASSES = ("rest", "run", "walk")
step_counts = st.lists(st.integers(1, 30), min_size=1, max_size=5)
edges = st.sampled_from(EDGES)
sizes = st.integers(1, 12)


def ramps(*lengths: int, **attributes: object) -> Panel:
    """Series a, b, ... of ascending values, all distinct."""
    series = np.split(np.arange(sum(lengths) * 2.0).reshape(-1, 2), np.cumsum(lengths)[:-1])
    return Panel.from_series(series, ids=list("abcdefgh"[: len(lengths)]), **attributes)


def labelled(codes: list[int], classes: tuple[str, ...] = CLASSES, **attributes: object) -> Panel:
    steps = StepLabels(np.array(codes, dtype=np.int16)[:, None], ("label",), classes)
    return Panel.from_series([np.arange(float(len(codes)))], ids=["r"], step_labels=steps, **attributes)


def spans(windows: Panel) -> list[tuple[str, int, int]]:
    ends = (windows.origin.offsets + windows.lengths).tolist()
    return list(zip(windows.origin.recordings.tolist(), windows.origin.offsets.tolist(), ends, strict=True))


def covered(windows: Panel, panel: Panel) -> list[np.ndarray]:
    held = [np.zeros(steps, dtype=bool) for steps in panel.lengths]
    for recording, begin, end in spans(windows):
        held[panel.rows_of([recording])[0]][begin:end] = True
    return held


def cut_or_nothing(panel: Panel, *sizes: object, **rules: object) -> Panel | None:
    try:
        return cut_windows(panel, *sizes, **rules)
    except DataError as error:
        if rules["edge"] == "drop" and str(error).startswith("expected windows no longer than the longest series"):
            return None
        raise


def plainly_cut(steps: int, length: int, stride: int, edge: str) -> list[tuple[int, int]]:
    found = [(begin, begin + length) for begin in range(0, steps - length + 1, stride)]
    following = len(found) * stride
    if edge == "drop" or following >= steps or (found and found[-1][1] >= steps):
        return found
    return [*found, (following, steps) if edge == "keep" else (max(steps - length, 0), steps)]


# windows of a number of steps


def test_windows_follow_each_other_by_the_stride() -> None:
    windows = cut_windows(ramps(6, 5), 4, 2)
    assert windows.ids.tolist() == ["a[0:4]", "a[2:6]", "b[0:4]"]
    assert windows.origin.recordings.tolist() == ["a", "a", "b"]
    assert windows.origin.offsets.tolist() == [0, 2, 0]


def test_without_a_stride_windows_do_not_overlap() -> None:
    assert spans(cut_windows(ramps(6), 3)) == [("a", 0, 3), ("a", 3, 6)]


def test_whole_numbers_of_numpy_are_steps() -> None:
    assert spans(cut_windows(ramps(6), np.int64(3), np.int32(3))) == [("a", 0, 3), ("a", 3, 6)]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ("drop", [("a", 0, 4), ("a", 3, 7)]),
        ("keep", [("a", 0, 4), ("a", 3, 7), ("a", 6, 9), ("b", 0, 2)]),
        ("shift", [("a", 0, 4), ("a", 3, 7), ("a", 5, 9), ("b", 0, 2)]),
    ],
)
def test_the_edge_rule_applies_to_the_last_window(edge: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(cut_windows(ramps(9, 2), 4, 3, edge=edge)) == expected


@pytest.mark.parametrize("edge", EDGES)
def test_the_edge_rule_changes_nothing_without_a_remainder(edge: str) -> None:
    assert spans(cut_windows(ramps(8), 4, 2, edge=edge)) == [("a", 0, 4), ("a", 2, 6), ("a", 4, 8)]


@settings(max_examples=100, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes, edge=edges)
def test_windows_are_those_of_a_plain_loop(counts: list[int], length: int, stride: int, edge: str) -> None:
    windows = cut_or_nothing(ramps(*counts), length, stride, edge=edge)
    plain = [
        ("abcdefgh"[row], *span)
        for row, steps in enumerate(counts)
        for span in plainly_cut(steps, length, stride, edge)
    ]
    assert ([] if windows is None else spans(windows)) == plain


@settings(max_examples=50, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes)
def test_dropped_edges_leave_windows_of_exactly_the_length(counts: list[int], length: int, stride: int) -> None:
    windows = cut_or_nothing(ramps(*counts), length, stride, edge="drop")
    assert windows is None or set(windows.lengths.tolist()) == {length}


@settings(max_examples=50, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes, edge=st.sampled_from(["keep", "shift"]), timed=st.booleans())
def test_windows_cover_every_step_unless_edges_are_dropped(
    counts: list[int], length: int, stride: int, edge: str, timed: bool
) -> None:
    stride = min(length, stride)
    panel = ramps(*counts, times=[np.sort(np.random.default_rng(0).uniform(0, steps, steps)) for steps in counts])
    windows = cut_windows(panel, *([f"{length} s", f"{stride} s"] if timed else [length, stride]), edge=edge)
    assert all(held.all() for held in covered(windows, panel))


@settings(max_examples=50, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes, edge=edges)
def test_steps_outside_every_window_are_noted(counts: list[int], length: int, stride: int, edge: str) -> None:
    panel = ramps(*counts)
    windows = cut_or_nothing(panel, length, stride, edge=edge)
    if windows is None:
        return
    held = covered(windows, panel)
    missing = sum(int((~one).sum()) for one in held if one.any())
    dropped = sum(int(note.split()[1]) for note in windows.notes if "step" in note)
    assert dropped == missing
    short = sum(not one.any() for one in held)
    assert sum(int(note.split()[1]) for note in windows.notes if "shorter" in note) == short


def test_short_recordings_are_noted() -> None:
    panel = ramps(7, 3, 9, 8, notes=["read from 'a.csv'"])
    assert cut_windows(panel, 4).notes == (
        "read from 'a.csv'",
        "dropped 1 recording shorter than one window: 'b'",
        "dropped 4 steps at the end of 2 recordings, too few for a window",
    )


def test_a_stride_beyond_the_length_is_noted() -> None:
    windows = cut_windows(ramps(10), 2, 4)
    assert windows.notes == ("dropped 4 steps between windows: the stride exceeds the length",)


@pytest.mark.parametrize("edge", ["keep", "shift"])
def test_complete_windows_have_no_notes(edge: str) -> None:
    assert cut_windows(ramps(9, 2), 4, 3, edge=edge).notes == ()


# inherited attributes


@settings(max_examples=30, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes)
def test_windows_share_the_memory_of_the_recordings(counts: list[int], length: int, stride: int) -> None:
    panel = ramps(*counts, times=[np.arange(steps) for steps in counts])
    windows = cut_windows(panel, length, stride, edge="keep")
    assert windows.values is panel.values
    assert windows.times is panel.times
    assert np.shares_memory(windows.series(0), panel.values)


def test_windows_inherit_metadata_units_and_clock() -> None:
    panel = ramps(4, 2, times=[[0, 1, 2, 3], [7, 8]], metadata=pa.table({"sex": ["f", "m"]}), units={"time": "min"})
    windows = cut_windows(panel, 2)
    assert windows.metadata.to_pylist() == [{"sex": "f"}, {"sex": "f"}, {"sex": "m"}]
    assert [windows.clock(row).tolist() for row in range(3)] == [[0, 1], [2, 3], [7, 8]]
    assert windows.units == {"time": "min"}


def test_intervals_are_shifted_and_cut_to_the_window() -> None:
    panel = ramps(9, 3, intervals=[[2, 7], [-1, -1]])
    windows = cut_windows(panel, 3)
    assert windows.intervals.tolist() == [[2, 3], [0, 3], [0, 1], [-1, -1]]


def test_an_interval_ending_at_the_window_start_is_outside() -> None:
    assert cut_windows(ramps(6, intervals=[[0, 3]]), 3).intervals.tolist() == [[0, 3], [-1, -1]]


def test_selected_rows_are_cut_from_their_own_steps() -> None:
    panel = ramps(4, 3, 5)[[2, 0]]
    windows = cut_windows(panel, 2, edge="keep")
    assert spans(windows) == [("c", 0, 2), ("c", 2, 4), ("c", 4, 5), ("a", 0, 2), ("a", 2, 4)]
    assert windows.series(4).tolist() == panel.series(1)[2:].tolist()


def test_recordings_are_the_groups_of_windows() -> None:
    assert cut_windows(ramps(4, 2), 2).groups().tolist() == ["a", "a", "b"]


class Files:
    """A stand-in for memory-mapped files."""

    read = 0

    def note_read(self, lengths: np.ndarray) -> None:
        self.read += int(lengths.sum())


class Unread(np.ndarray):
    def __getitem__(self, key: object) -> None:
        raise AssertionError("values were read")


@pytest.mark.parametrize("length", [4, "4 s"])
def test_values_of_mapped_files_are_not_read(length: int | str) -> None:
    panel = labelled([0, 1, 1, 2, 0, 0, 1, 1], times=[np.arange(8)])
    files = Files()
    panel = panel.replace(values=panel.values.view(Unread), backing=files)._with(values=panel.values.view(Unread))
    windows = cut_windows(panel, length, edge="keep")
    assert windows.labels.tolist() == ["run", "run"]
    assert windows.backing is files
    assert files.read >= 8


@settings(max_examples=30, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes)
def test_pickled_windows_come_back_equal(counts: list[int], length: int, stride: int) -> None:
    codes = np.arange(sum(counts), dtype=np.int16)[:, None] % 3
    panel = ramps(*counts, step_labels=StepLabels(codes, ("label",), CLASSES), times=[np.arange(n) for n in counts])
    windows = cut_windows(panel, length, stride, edge="keep")
    again = pickle.loads(pickle.dumps(windows))
    assert values_of(again) == values_of(windows)
    assert again.ids.tolist() == windows.ids.tolist()
    assert again.labels.tolist() == windows.labels.tolist()
    assert spans(again) == spans(windows)
    places, again_places = windows.step_positions(), again.step_positions()
    assert again.times[again_places].tolist() == windows.times[places].tolist()
    assert again.step_labels.codes[again_places].tolist() == windows.step_labels.codes[places].tolist()


# windows of a duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("500ms", 500_000_000),
        ("2s", 2_000_000_000),
        (" 2.5 s ", 2_500_000_000),
        ("10 min", 600_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        (".5 us", 500),
        ("7ns", 7),
        ("0.1 us", 100),
    ],
)
def test_durations_are_read_exactly(text: str, nanoseconds: int) -> None:
    assert read_duration(text) == nanoseconds


@settings(max_examples=50, deadline=None)
@given(number=st.decimals(1, 9999, places=3), unit=st.sampled_from(["us", "ms", "s", "min", "h", "d"]))
def test_any_decimal_number_of_a_unit_is_exact(number: object, unit: str) -> None:
    one = Fraction(read_duration(f"1 {unit}"))
    assert read_duration(f"{number} {unit}") == Fraction(str(number)) * one


CLOCKS = {
    "dates": lambda steps: (
        np.datetime64("2024-01-31T23:59:59", "ns") + 100 * np.arange(steps).astype("timedelta64[ms]")
    ),
    "dates in milliseconds": lambda steps: np.datetime64("2024-01-31T00:00", "ms") + 100 * np.arange(steps),
    "decimal seconds": lambda steps: np.arange(steps) * 0.1,
    "decimal seconds since 1970": lambda steps: 1.7e9 + np.arange(steps) * 0.1,
    "added up": lambda steps: np.cumsum(np.full(steps, 0.1)),
    "single precision": lambda steps: (np.arange(steps) * 0.1).astype(np.float32),
}


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(2, 60), min_size=1, max_size=4),
    length=sizes,
    stride=sizes,
    edge=edges,
    clock=st.sampled_from(list(CLOCKS)),
)
def test_durations_equal_steps_on_a_regular_clock(
    counts: list[int], length: int, stride: int, edge: str, clock: str
) -> None:
    panel = ramps(*counts, times=[CLOCKS[clock](steps) for steps in counts])
    in_steps = cut_or_nothing(panel, length, stride, edge=edge)
    in_time = cut_or_nothing(panel, f"{length * 100} ms", f"{stride * 100}ms", edge=edge)
    assert (in_steps is None) == (in_time is None)
    if in_time is not None:
        assert in_time.ids.tolist() == in_steps.ids.tolist()
        assert in_time.notes == in_steps.notes


@pytest.mark.parametrize(("unit", "length"), [("ms", "3ms"), ("h", "3 h"), ("d", "72h"), ("ns", "3ns")])
def test_a_clock_of_numbers_counts_in_its_unit(unit: str, length: str) -> None:
    panel = ramps(6, times=[np.arange(6)], units={"time": unit})
    assert spans(cut_windows(panel, length)) == [("a", 0, 3), ("a", 3, 6)]


def test_thirds_of_a_second_fill_a_second() -> None:
    panel = ramps(6, times=[np.arange(6) / 3])
    assert spans(cut_windows(panel, "1s")) == [("a", 0, 3), ("a", 3, 6)]


def plainly_cut_in_time(times: list[int], length: int, stride: int, edge: str) -> list[tuple[int, int]]:
    offsets = [time - times[0] for time in times]
    step = int(np.median(np.diff(offsets))) if len(offsets) > 1 else 0
    reach, found, begin, end = offsets[-1] + step, [], 0, 0

    def holds(low: int, high: int) -> tuple[int, int]:
        inside = [place for place, time in enumerate(offsets) if low <= time < high]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    while begin + length <= reach:
        found.append(holds(begin, begin + length))
        end, begin = begin + length, begin + stride
    if max(begin, end) <= offsets[-1] and edge != "drop":
        last = (holds(max(reach - length, 0), reach + 1)[0], len(offsets))
        found.append(holds(begin, begin + length) if edge == "keep" else last)
    return [span for place, span in enumerate(found) if span[1] and span not in found[:place]]


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 6), min_size=0, max_size=25),
    length=sizes,
    stride=sizes,
    edge=edges,
    decimal=st.booleans(),
)
def test_on_any_clock_windows_are_those_of_a_plain_loop(
    gaps: list[int], length: int, stride: int, edge: str, decimal: bool
) -> None:
    times = np.cumsum([5, *gaps])
    step = int(np.median(gaps)) if gaps else 0
    if decimal and gaps and step != np.median(gaps):
        return
    panel = ramps(len(times), times=[times.astype(float) if decimal else times])
    windows = cut_or_nothing(panel, f"{length}s", f"{stride}s", edge=edge)
    plain = plainly_cut_in_time(times.tolist(), length, stride, edge)
    assert ([] if windows is None else [span[1:] for span in spans(windows)]) == plain


def test_windows_in_a_gap_are_counted_and_never_listed() -> None:
    panel = ramps(4, times=[[0, 1, 10**15, 10**15 + 1]])
    windows = cut_windows(panel, "2s", edge="keep")
    assert spans(windows) == [("a", 0, 2), ("a", 2, 4)]
    assert windows.notes == ("dropped 499999999999999 windows without any step: the clock has gaps",)


def test_a_stride_shorter_than_a_step_repeats_no_window() -> None:
    windows = cut_windows(ramps(4, times=[np.arange(4)]), "2s", "500ms")
    assert spans(windows) == [("a", 0, 2), ("a", 1, 3), ("a", 2, 4)]
    assert windows.notes == ("dropped 2 windows with the same steps as the one before",)


def test_a_duration_in_days_cuts_dates_by_days() -> None:
    days = np.arange("2024-02-27", "2024-03-04", dtype="datetime64[D]")
    assert spans(cut_windows(ramps(6, times=[days]), "48h")) == [("a", 0, 2), ("a", 2, 4), ("a", 4, 6)]


# Labels


def plain_label(codes: list[int], rule: str, positive: int, classes: tuple[str, ...]) -> str | None:
    known = [code for code in codes if code != UNKNOWN]
    if rule == "last":
        return None if codes[-1] == UNKNOWN else classes[codes[-1]]
    if not known:
        return None
    if rule == "any":
        return classes[positive if positive in known else 1 - positive]
    return classes[max(set(known), key=lambda code: (known.count(code), code))]


@settings(max_examples=150, deadline=None)
@given(
    codes=st.lists(st.lists(st.integers(-1, 1), min_size=1, max_size=20), min_size=1, max_size=4),
    length=sizes,
    stride=sizes,
    rule=st.sampled_from(["majority", "last", "any"]),
    positive=st.integers(0, 1),
    third=st.booleans(),
    block=st.sampled_from([3, 1 << 20]),
    rows=st.randoms(use_true_random=False),
)
def test_labels_are_those_of_a_plain_count(codes, length, stride, rule, positive, third, block, rows) -> None:
    classes = CLASSES if third and rule != "any" else CLASSES[:2]
    codes = [[code + 1 if third and rule != "any" and code > 0 else code for code in one] for one in codes]
    steps = StepLabels(np.concatenate(codes).astype(np.int16)[:, None], ("label",), classes)
    order = rows.sample(range(len(codes)), len(codes))
    panel = ramps(*map(len, codes), step_labels=steps)[order]
    unlabelled = cut_windows(panel, length, stride, edge="keep", label="step")
    plain = {
        window: plain_label(codes["abcdefgh".index(recording)][begin:end], rule, positive, classes)
        for window, (recording, begin, end) in zip(unlabelled.ids.tolist(), spans(unlabelled), strict=True)
    }
    known = {window: label for window, label in plain.items() if label is not None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_labels, "BLOCK_STEPS", block)
        if not known:
            with pytest.raises(LabelError, match="expected a window with a known label"):
                cut_windows(panel, length, stride, edge="keep", label=rule, positive=classes[positive])
            return
        windows = cut_windows(panel, length, stride, edge="keep", label=rule, positive=classes[positive])
    assert dict(zip(windows.ids.tolist(), windows.labels.tolist(), strict=True)) == known
    dropped = [note for note in windows.notes if "known label" in note]
    assert (int(dropped[0].split()[1]) if dropped else 0) == len(plain) - len(known)


def test_ties_are_broken_by_the_later_class() -> None:
    assert cut_windows(labelled([2, 0, 0, 2, 1, 0]), 2).labels.tolist() == ["walk", "walk", "run"]


def test_a_window_without_a_known_label_is_dropped_and_counted() -> None:
    windows = cut_windows(labelled([0, 0, -1, -1, 1, -1]), 2)
    assert windows.ids.tolist() == ["r[0:2]", "r[4:6]"]
    assert windows.notes == ("dropped 1 window without a known label",)


def test_any_uses_the_later_class_by_default() -> None:
    panel = labelled([0, 1, 1, 1, 0, 0], classes=("calm", "storm"))
    assert cut_windows(panel, 2, label="any").labels.tolist() == ["storm", "storm", "calm"]
    assert cut_windows(panel, 2, label="any", positive="calm").labels.tolist() == ["calm", "storm", "calm"]


def test_step_keeps_only_per_step_labels() -> None:
    panel = labelled([0, 0, -1, -1], labels=["whole"])
    windows = cut_windows(panel, 2, label="step")
    assert (len(windows), windows.labels) == (2, None)
    assert windows.step_labels is panel.step_labels


def test_several_labels_of_a_step_are_kept_by_step() -> None:
    codes = StepLabels(np.zeros((4, 2), dtype=np.int16), ("label_rain", "label_fog"), ("0", "1"))
    assert cut_windows(ramps(4, step_labels=codes), 2, label="step").labels is None


@pytest.mark.parametrize("rule", ["majority", "last", "any"])
def test_windows_inherit_the_label_of_their_recording(rule: str) -> None:
    assert cut_windows(ramps(4, 2, labels=["u", "v"]), 2, label=rule).labels.tolist() == ["u", "u", "v"]


@pytest.mark.parametrize("rule", ["majority", "last", "any", "step"])
def test_without_labels_windows_have_none(rule: str) -> None:
    assert cut_windows(ramps(4), 2, label=rule).labels is None


def test_labels_of_steps_take_precedence_over_labels_of_recordings() -> None:
    assert cut_windows(labelled([0, 0, 1, 1], labels=["whole"]), 2).labels.tolist() == ["rest", "run"]


# merged onto the recordings


@settings(max_examples=100, deadline=None)
@given(
    counts=step_counts,
    length=sizes,
    stride=sizes,
    edge=edges,
    block=st.sampled_from([5, 1 << 20]),
    shuffle=st.randoms(use_true_random=False),
)
def test_merged_values_are_the_values_and_nan_elsewhere(counts, length, stride, edge, block, shuffle) -> None:
    panel = ramps(*counts)
    windows = cut_or_nothing(panel, length, stride, edge=edge)
    if windows is None:
        return
    windows = windows[shuffle.sample(range(len(windows)), shuffle.randint(1, len(windows)))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_labels, "BLOCK_STEPS", block)
        merged = merge_windows(windows, [windows.series(row) for row in range(len(windows))], panel)
    for row, held in enumerate(covered(windows, panel)):
        assert np.array_equal(merged[row][held], panel.series(row)[held])
        assert merged[row].shape == panel.series(row).shape
        assert np.isnan(merged[row][~held]).all()


@settings(max_examples=50, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes, seed=st.integers(0, 5))
def test_predictions_of_overlapping_windows_are_averaged(counts, length, stride, seed) -> None:
    panel = ramps(*counts)
    windows = cut_windows(panel, length, stride, edge="keep")
    predictions = np.random.default_rng(seed).normal(size=(len(windows), 3))
    merged = merge_windows(windows, predictions, panel)
    for row, name in enumerate(panel.ids.tolist()):
        for step in range(counts[row]):
            over = [
                predictions[w]
                for w, (of, begin, end) in enumerate(spans(windows))
                if of == name and begin <= step < end
            ]
            expected = np.mean(over, axis=0) if over else np.full(3, np.nan)
            np.testing.assert_allclose(merged[row][step], expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(counts=step_counts, length=sizes, stride=sizes, seed=st.integers(0, 5))
def test_the_order_of_rows_changes_no_bit(counts, length, stride, seed) -> None:
    panel, draw = ramps(*counts), np.random.default_rng(seed)
    windows = cut_windows(panel, length, stride, edge="shift")
    predictions, order = draw.normal(size=(len(windows), 2)), draw.permutation(len(windows))
    others = draw.permutation(len(panel))
    merged, again = (
        merge_windows(windows, predictions, panel),
        merge_windows(windows[order], predictions[order], panel[others]),
    )
    assert all(np.array_equal(merged[row], again[place], equal_nan=True) for place, row in enumerate(others))


def test_predictions_for_windows_by_duration_are_merged_too() -> None:
    panel = ramps(5, times=[[0, 1, 2, 10, 11]])
    windows = cut_windows(panel, "2s", edge="keep")
    merged = merge_windows(windows, np.arange(len(windows))[:, None], panel)
    assert merged[0][:, 0].tolist() == [0.0, 0.0, 1.0, 2.0, 2.0]


def test_equal_windows_accept_one_array_of_step_predictions() -> None:
    panel = ramps(4)
    assert merge_windows(cut_windows(panel, 2), np.arange(4.0).reshape(2, 2, 1), panel)[0][:, 0].tolist() == [
        0,
        1,
        2,
        3,
    ]


def test_steps_without_windows_are_nan() -> None:
    panel = ramps(2, 1)
    merged = merge_windows(cut_windows(panel, 1)[[]], np.zeros((0, 1)), panel)
    assert [one.shape for one in merged] == [(2, 1), (1, 1)]
    assert all(np.isnan(one).all() for one in merged)


# Errors


CLOCKED = ramps(120, times=[np.arange(120)])


@pytest.mark.parametrize(
    ("panel", "arguments", "message"),
    [
        (
            CLOCKED,
            {"length": 0},
            "expected a length of a whole number of steps, at least 1, or a duration, got 0; use 100 or '2.5 s'",
        ),
        (
            CLOCKED,
            {"length": 2.5},
            "expected a length of a whole number of steps, at least 1, or a duration, got 2.5; use 100 or '2.5 s'",
        ),
        (
            CLOCKED,
            {"length": True},
            "expected a length of a whole number of steps, at least 1, or a duration, got True; use 100 or '2.5 s'",
        ),
        (
            CLOCKED,
            {"length": 5, "stride": -1},
            "expected a stride of a whole number of steps, at least 1, or a duration, got -1; use 100 or '2.5 s'",
        ),
        (
            CLOCKED,
            {"length": 5, "stride": 0},
            "expected a stride of a whole number of steps, at least 1, or a duration, got 0; use 100 or '2.5 s'",
        ),
        (
            CLOCKED,
            {"length": "5 s", "stride": 2},
            "expected length and stride both in steps or both in time, got '5 s' and 2",
        ),
        (
            CLOCKED,
            {"length": "-2s"},
            "expected a duration with a unit, such as '2.5 s', got '-2s'; known are: ns, us, ms, s, min, h, d",
        ),
        (
            CLOCKED,
            {"length": "50"},
            "expected a duration with a unit, such as '2.5 s', got '50'; known are: ns, us, ms, s, min, h, d",
        ),
        (
            CLOCKED,
            {"length": "3 secnds"},
            "expected a duration with a unit, such as '2.5 s', got '3 secnds'; did you mean 'seconds'?",
        ),
        (
            CLOCKED,
            {"length": "0s"},
            "expected a duration from 1 ns to 36500 d in whole ns, got '0s'; use for example '1 s'",
        ),
        (
            CLOCKED,
            {"length": "0.5 ns"},
            "expected a duration from 1 ns to 36500 d in whole ns, got '0.5 ns'; use for example '1 s'",
        ),
        (
            CLOCKED,
            {"length": "40000d"},
            "expected a duration from 1 ns to 36500 d in whole ns, got '40000d'; use for example '1 s'",
        ),
        (
            CLOCKED,
            {"length": 5, "edge": "shft"},
            "expected edge to be one of 'drop', 'keep', 'shift', got 'shft'; did you mean 'shift'?",
        ),
        (
            CLOCKED,
            {"length": 5, "label": "majorty"},
            "expected label to be one of 'majority', 'last', 'any', 'step', got 'majorty'; did you mean 'majority'?",
        ),
        (
            labelled([0, 1], classes=("calm", "storm")),
            {"length": 1, "label": "any", "positive": "strom"},
            "expected positive to be a class, got 'strom'; did you mean 'storm'?",
        ),
        (
            ramps(3),
            {"length": "2s"},
            "expected series with times to cut windows by duration, got none; give length in steps",
        ),
        (
            CLOCKED.replace(units={"time": "weeks"}),
            {"length": "2s"},
            "expected a clock in ns, us, ms, s, min, h, d, got 'weeks'; state the unit of 'time'",
        ),
        (
            CLOCKED.replace(units={"time": "secnds"}),
            {"length": "2s"},
            "expected a clock in ns, us, ms, s, min, h, d, got 'secnds'; did you mean 'seconds'?",
        ),
        (
            CLOCKED.replace(origin=Origin(np.array(["r"]), np.array([0]))),
            {"length": 2},
            "expected recordings, got windows; cut the recordings that they came from",
        ),
    ],
)
def test_impossible_windows_are_refused(panel: Panel, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        cut_windows(panel, **arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("panel", "length", "message"),
    [
        (
            CLOCKED,
            500,
            "expected windows no longer than the longest series (120 steps), got a length of 500; "
            "shorten the window or use edge='keep'",
        ),
        (
            CLOCKED,
            10**30,
            f"expected windows no longer than the longest series (120 steps), got a length of {10**30}; "
            "shorten the window or use edge='keep'",
        ),
        (
            CLOCKED,
            "10 min",
            "expected windows no longer than the longest series (120 s), got a length of 10 min; "
            "shorten the window or use edge='keep'",
        ),
        (
            ramps(2)[[]],
            2,
            "expected at least one recording to cut into windows, got none; pass at least one",
        ),
        (
            ramps(2, 2)[[1, 0, 1]],
            2,
            "expected distinct ids of recordings, got 'b' more than once; rename them",
        ),
        (
            ramps(1, 3, times=[[0], [0, 2, 1]]),
            "1s",
            "expected rising times in series 'b', got a missing or decreasing time; sort its steps",
        ),
        (
            ramps(1, times=[[np.nan]]),
            "1s",
            "expected rising times in series 'a', got a missing or decreasing time; sort its steps",
        ),
    ],
)
def test_unsuitable_recordings_are_refused(panel: Panel, length: int | str, message: str) -> None:
    with pytest.raises(DataError) as error:
        cut_windows(panel, length)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("panel", "rule", "message"),
    [
        (
            labelled([0, 1, 2, 0]),
            "any",
            "expected two classes for label='any', got 'rest', 'run', 'walk'; use label='majority'",
        ),
        (
            ramps(4, labels=["u"]),
            "step",
            "expected per-step labels for label='step', got labels of series; use label='majority'",
        ),
        (
            labelled([-1, -1, -1, -1], classes=()),
            "majority",
            "expected a window with a known label, got 2 windows without; label some steps",
        ),
        (
            labelled([0, -1, 1, -1]),
            "last",
            "expected a window with a known label, got 2 windows without; label some steps",
        ),
    ],
)
def test_rules_that_do_not_fit_the_labels_are_refused(panel: Panel, rule: str, message: str) -> None:
    with pytest.raises(LabelError) as error:
        cut_windows(panel, 2, label=rule)
    assert str(error.value) == message


WINDOWS = cut_windows(ramps(4, 2), 2)
FORMS = "pass an array (n, k), or a list of arrays (window length, k)"


@pytest.mark.parametrize(
    ("windows", "predictions", "recordings", "message"),
    [
        (
            ramps(4),
            np.zeros((1, 1)),
            ramps(4),
            "expected windows of recordings, got series without an origin; cut them with cut_windows",
        ),
        (
            WINDOWS,
            np.zeros((3, 1)),
            ramps(4),
            "expected the recordings of all windows, got none named 'b'; pass the panel that the windows were cut from",
        ),
        (
            WINDOWS,
            np.zeros((3, 1)),
            ramps(3, 2),
            "expected windows within their recordings, got 'a[2:4]' beyond the end; "
            "pass the panel that the windows were cut from",
        ),
        (
            WINDOWS,
            np.zeros((3, 1)),
            ramps(4, 2)[[0, 0, 1]],
            "expected distinct ids of recordings, got 'a' more than once; rename them",
        ),
        (WINDOWS, np.zeros((2, 1)), ramps(4, 2), f"expected predictions for 3 windows, got 2; {FORMS}"),
        (WINDOWS, np.zeros(3), ramps(4, 2), f"expected predictions of shape (2, 1) for 'a[0:2]', got (); {FORMS}"),
        (
            WINDOWS,
            [np.zeros((2, 1)), np.zeros((3, 1)), np.zeros((2, 1))],
            ramps(4, 2),
            f"expected predictions of shape (2, 1) for 'a[2:4]', got (3, 1); {FORMS}",
        ),
        (
            WINDOWS,
            [np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 4))],
            ramps(4, 2),
            f"expected predictions of shape (2, 1) for 'b[0:2]', got (2, 4); {FORMS}",
        ),
    ],
)
def test_predictions_that_do_not_match_are_refused(windows, predictions, recordings, message) -> None:
    with pytest.raises(DataError) as error:
        merge_windows(windows, predictions, recordings)
    assert str(error.value) == message


def test_several_labels_of_steps_give_windows_several_labels() -> None:
    codes = np.array([[1, 0], [1, -1], [0, -1], [0, -1]], dtype=np.int16)
    panel = ramps(4, step_labels=StepLabels(codes, ("label_rain", "label_fog"), ("0", "1")))
    windows = cut_windows(panel, 2)
    assert windows.label_names == ("rain", "fog")
    np.testing.assert_array_equal(windows.labels, [[1, 0], [0, np.nan]])


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ("majority", [[1, 0], [0, 1], [1, np.nan]]),
        ("last", [[0, 0], [np.nan, 1], [np.nan, np.nan]]),
        ("any", [[1, 1], [0, 1], [1, np.nan]]),
    ],
)
def test_each_of_several_labels_is_made_by_the_rule(label: str, labels: list) -> None:
    rain, fog = [1, 1, 0, 0, 0, -1, 1, 0, -1], [0, 1, 0, 1, 1, 1, -1, -1, -1]
    codes = np.array([rain, fog], dtype=np.int16).T
    panel = ramps(9, step_labels=StepLabels(codes, ("label_rain", "label_fog"), ("0", "1")))
    windows = cut_windows(panel, 3, label=label)
    if label == "last":  # the labels of the last window are unknown
        labels = labels[:2]
    np.testing.assert_array_equal(windows.labels, labels)


def test_windows_without_any_known_label_are_dropped_and_noted() -> None:
    codes = np.array([[1, -1], [-1, -1], [-1, 0]], dtype=np.int16)
    windows = cut_windows(
        ramps(3, step_labels=StepLabels(codes, ("label_rain", "label_fog"), ("0", "1"))), 1, label="last"
    )
    np.testing.assert_array_equal(windows.labels, [[1, np.nan], [np.nan, 0]])
    assert any("known label" in note for note in windows.notes)


def test_windows_of_series_with_several_labels_inherit_them() -> None:
    panel = ramps(4).replace(labels=[[1.0, np.nan]], label_names=("rain", "fog"))
    windows = cut_windows(panel, 2)
    assert windows.label_names == ("rain", "fog")
    np.testing.assert_array_equal(windows.labels, [[1, np.nan], [1, np.nan]])
