import json

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.annotations import Origin, StepLabels
from limelight.data.inspection.fields import FieldUse
from limelight.data.inspection.inspect_panel import inspect_panel, notes_on_arrays
from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.data.statistics import channel_statistics


def noise_panel(count=20, steps=10, labels=None, channels=2):
    values = np.random.default_rng(0).normal(size=(count, steps, channels)).astype(np.float32)
    return Panel.from_series(list(values), labels=labels or ["a", "b"] * (count // 2))


def _with_times(panel, times):
    return Panel(panel.values, panel.starts, panel.lengths, times=np.asarray(times))


def test_ordinary_series_give_no_warnings():
    assert inspect_panel(noise_panel()).warnings == ()


def test_sizes_and_channel_numbers_are_those_of_numpy():
    panel = noise_panel()
    inspection = inspect_panel(panel)
    channel = inspection.channels[1]
    values = panel.values[:, 1].astype(np.float64)
    assert (inspection.series, inspection.steps, inspection.lengths) == (20, 200, (10, 10.0, 10))
    assert (channel.minimum, channel.maximum) == (values.min(), values.max())
    assert (channel.mean, channel.deviation) == pytest.approx((values.mean(), values.std()))


def test_only_steps_of_selected_rows_are_inspected():
    panel = Panel.from_series([[1.0, 1.0], [5.0, 7.0], [9.0, 9.0]])
    inspection = inspect_panel(panel[[1]])
    assert (inspection.steps, inspection.channels[0].minimum, inspection.channels[0].maximum) == (2, 5.0, 7.0)


def test_findings_are_json_of_plain_numbers():
    panel = Panel.from_series([[np.nan, np.nan], [np.nan, np.nan]], labels=[1, 2])
    inspection = inspect_panel(panel, Split([0], [], [1])).to_json()
    assert json.loads(json.dumps(inspection, allow_nan=False)) == inspection
    assert inspection["classes"]["test"] == {"1": 0, "2": 1}
    assert inspection["channels"][0]["mean"] is None
    assert inspection["copies"]["across"] == [["0", "1"]]


def test_the_summary_begins_with_the_most_important():
    panel = Panel.from_series([[0.0, 1.0], [2.0, 3.0, 4.0]], labels=["a", "b"])
    text = str(inspect_panel(panel, Split([0], [], [1])))
    assert text.splitlines()[0].startswith("trainable, but fix first: class 'b' has no series in train")
    assert text[text.index("series: 2") :].splitlines() == [
        "series: 2",
        "steps: 5, 2 to 3 each, median 2.5",
        "time: no clock, only the order of the steps",
        "split: 1 train, 0 validation, 1 test; as given",
        "",
        "channel    min  mean  max    std  missing",
        "channel_0    0     2    4  1.414        0",
        "",
        "class  train  validation  test  all",
        "a          1           0     0    1",
        "b          0           0     1    1",
    ]


def test_series_without_warnings_are_ready_to_train():
    assert inspect_panel(noise_panel()).lines()[0] == "ready to train"


def test_many_channels_are_cut_short():
    lines = inspect_panel(noise_panel(channels=23)).lines()
    assert "and 3 more" in lines


def test_gaps_exceed_one_and_a_half_typical_steps():
    panel = _with_times(Panel.from_series([np.arange(4.0), np.arange(5.0)]), [0, 1, 2, 4, 0, 1, 2.5, 3.5, 4.5])
    time = inspect_panel(panel).time
    assert (time.kind, time.typical_step, time.gaps, time.series_with_gaps) == ("numbers", 1.0, 1, 1)


def test_the_typical_step_of_dates_is_in_seconds():
    days = np.datetime64("2024-01-01", "ns") + np.arange(3) * np.timedelta64(1, "D")
    inspection = inspect_panel(_with_times(Panel.from_series([np.arange(3.0)]), days))
    assert (inspection.time.kind, inspection.time.typical_step) == ("dates", 86400.0)
    assert "time: dates, typical step 86400 s, no gaps" in inspection.lines()


def test_series_of_one_step_have_no_typical_step():
    inspection = inspect_panel(_with_times(Panel.from_series([[1.0], [2.0]]), [0, 0]))
    assert "time: numbers, only one step, no gaps" in inspection.lines()


def test_a_panel_without_labels_has_no_classes():
    assert inspect_panel(Panel.from_series([[1.0]])).classes is None


def _warnings(panel, split=None):
    return list(inspect_panel(panel, split).warnings)


def test_few_series_are_warned_of():
    assert _warnings(noise_panel(6)) == [
        "only 6 series, too few for training and evaluation; collect at least 10, better some dozens per class"
    ]


def test_a_class_of_two_series_is_warned_of():
    assert _warnings(noise_panel(labels=["a"] * 18 + ["x"] * 2)) == [
        "class 'x' has only 2 series, too few for both training and evaluation; collect more, or leave the class out"
    ]


def test_a_rare_class_is_warned_of():
    assert _warnings(noise_panel(100, labels=["a"] * 96 + ["x"] * 4)) == [
        "class 'x' is rare, 4 of 100 series; look at F1 and the confusion matrix, not at accuracy; "
        "training.imbalance='weights' gives it more weight"
    ]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            range(0, 20, 2),
            range(1, 20, 2),
            [
                "class 'b' has no series in train, so the network cannot learn it; move some there",
                "class 'a' has no series in test, so the test scores do not cover it; move some there",
            ],
        ),
        (range(20), [], []),
    ],
)
def test_a_class_missing_from_a_part_is_warned_of(train, test, message):
    assert _warnings(noise_panel(), Split(train, [], test)) == message


def test_a_constant_channel_is_warned_of():
    panel = noise_panel()
    panel.values[:, 1] = 3
    assert _warnings(panel) == ["channel 'channel_1' is constant; leave constant channels out"]


def test_several_constant_channels_are_warned_of_together():
    panel = noise_panel()
    panel.values[:] = 3
    expected = "channels 'channel_0', 'channel_1' are constant; leave constant channels out"
    assert expected in _warnings(panel)


def test_missing_values_are_warned_of():
    panel = noise_panel()
    panel.values[5, 0] = np.nan
    assert inspect_panel(panel).channels[0].missing == 1
    assert _warnings(panel) == [
        "1 missing value in channel 'channel_0'; by default the network gets a mask of missing "
        "values (missing='mask'), or choose last, linear, mean or error"
    ]


def test_very_different_lengths_are_warned_of():
    draw = np.random.default_rng(0)
    panel = Panel.from_series([draw.normal(size=length) for length in [3] * 10 + [30] * 10])
    assert _warnings(panel) == [
        "lengths differ widely, from 3 to 30 steps; check that the short series are complete, or cut the long ones"
    ]


@pytest.mark.parametrize("by_step", [False, True])
def test_windows_are_advised_for_a_network_on_long_series(by_step):
    panel = Panel.from_series(
        [np.random.default_rng(row).normal(size=20_001) for row in range(10)], labels=["a", "b"] * 5
    )
    if by_step:
        codes = np.arange(len(panel.values), dtype=np.int8)[:, None] % 2
        panel = panel.replace(labels=None, step_labels=StepLabels(codes, ("label",), ("a", "b")))
    otherwise = " if every such window shows the class, or use the encoder blocks with --set model.encoder=blocks"
    assert inspect_panel(panel).warnings == ()
    assert inspect_panel(panel, network=True).warnings == (
        "series have up to 20001 steps, which a network reads slowly or coarsely; cut them into windows with "
        "--set windows.length=1000" + ("" if by_step else otherwise),
    )


def test_gaps_are_warned_of():
    panel = _with_times(noise_panel(steps=4), [0, 1, 2, 9] + [0, 1, 2, 3] * 19)
    assert _warnings(panel) == [
        "the clock has 1 gap in 1 series; the network gets the elapsed time if the clock of the "
        "training series is irregular, and always with clock='elapsed'"
    ]


def test_copies_across_the_split_are_warned_of_by_name():
    panel = noise_panel()
    panel.values[190:] = panel.values[10:20]
    assert _warnings(panel, Split(range(10), [], range(10, 20))) == [
        "series with identical values are in different parts of the split, '1' and '19'; "
        "keep one of each, or the scores will be too optimistic"
    ]


def test_copies_within_a_part_are_counted():
    panel = noise_panel()
    panel.values[20:30] = panel.values[:10]
    assert _warnings(panel, Split(range(10), [], range(10, 20))) == [
        "1 exact duplicate of another series in the same part of the split; keep one of each, unless they were measured separately"
    ]


def test_copies_with_other_labels_are_warned_of():
    panel = noise_panel()
    panel.values[10:20] = panel.values[:10]
    assert _warnings(panel)[:1] == [
        "series with identical values have different labels, '0' and '1'; "
        "correct the labels, no model can separate these series"
    ]


def _of_subjects(split_by_subject=False):
    """Nine subjects with four series each."""
    subjects = [f"p{number}" for number in np.repeat(np.arange(9), 4)]
    metadata = pa.table({"subject": subjects, "badge": [f"#{name}" for name in subjects], "age": [3] * 36})
    panel = noise_panel(count=36).replace(metadata=metadata)
    return panel, panel.make_split(test=0.25, validation=0.0, seed=0, group="subject" if split_by_subject else None)


def test_subjects_on_both_sides_of_a_split_are_warned():
    panel, split = _of_subjects()
    common = len(
        set(panel[split.train].metadata["subject"].to_pylist()) & set(panel[split.test].metadata["subject"].to_pylist())
    )
    assert (
        f"series with the same 'subject' are in both train and test ({common} of 9 values); if such series are alike, "
        "pass --set split.group=subject so that the scores hold for new ones"
    ) in inspect_panel(panel, split).warnings


def test_a_field_that_only_names_the_group_is_warned_of():
    panel, split = _of_subjects(split_by_subject=True)
    assert inspect_panel(panel, split, group="subject").warnings == (
        "metadata 'badge' identifies the groups of the split, so a network can only memorise it; leave it out",
    )


def test_missing_names_are_not_a_group():
    names = ["p0", "p1", "p2", "p3", None, None, None, None] * 5
    panel = noise_panel(40).replace(metadata=pa.table({"subject": names}))
    rows = np.arange(40)
    split = Split(rows[rows % 4 < 2], [], rows[rows % 4 > 1])  # p0, p1 in train, p2, p3 in test, nameless ones in both
    assert not any("both train and test" in warning for warning in _warnings(panel, split))


def test_a_group_with_missing_names_can_be_inspected():
    panel = noise_panel().replace(metadata=pa.table({"subject": ["p0", "p1", None, None] * 5}))
    uses = {"subject": FieldUse("ignore")}
    assert inspect_panel(panel, Split(range(10), [], range(10, 20)), group="subject", uses=uses).warnings == ()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_groups_may_be_named_by_any_text_type(kind):
    panel, split = _of_subjects(split_by_subject=True)
    badge = panel.metadata["badge"].cast(kind)
    panel = panel.replace(metadata=panel.metadata.set_column(1, "badge", badge))
    assert "metadata 'badge' identifies the groups" in inspect_panel(panel, split, group="subject").warnings[0]


def test_windows_of_a_recording_on_two_sides_are_warned_of():
    panel = noise_panel(count=20).replace(origin=Origin(np.repeat(["r1", "r2"], 10), np.arange(20)))
    split = Split(np.arange(15), [], np.arange(15, 20))
    assert inspect_panel(panel, split).warnings[-1] == (
        "windows of 1 recording are in both train and test; keep all windows of a recording in the same part"
    )


def test_notes_and_labels_of_steps_are_shown():
    panel = noise_panel().replace(notes=["took column 'id' as id"], labels=None)
    codes = np.zeros((len(panel.values), 1), dtype=np.int16)
    codes[: len(codes) // 4] = 1
    panel = panel.replace(step_labels=StepLabels(codes, ("label",), ("rest", "walk")))
    inspection = inspect_panel(panel)
    assert inspection.to_json()["notes"] == ["took column 'id' as id"]
    assert inspection.to_json()["step_labels"] == {"label": {"rest": 0.75, "walk": 0.25}}
    assert "note: took column 'id' as id" in inspection.lines()
    assert inspection.lines()[-4:-2] == ["share of steps    rest    walk", "label           75.0 %  25.0 %"]


def test_a_panel_is_inspected_block_by_block(monkeypatch):
    panel = noise_panel(count=30)
    panel.values[40:50] = panel.values[:10]
    whole = inspect_panel(panel)
    monkeypatch.setattr(type(panel).blocks, "__defaults__", (7,))
    monkeypatch.setattr(channel_statistics, "__defaults__", (7,))
    pieces = inspect_panel(panel)
    assert (pieces.copies, pieces.warnings) == (whole.copies, whole.warnings)
    assert pieces.channels[1].mean == pytest.approx(whole.channels[1].mean)
    assert pieces.channels[1].maximum == whole.channels[1].maximum


def test_infinite_values_are_warned_of():
    panel = Panel.from_series([[1.0, np.inf]] * 12, labels=["a", "b"] * 6)
    assert (
        "12 infinite values in channel 'channel_0'; correct them, training rejects them"
        in inspect_panel(panel).warnings
    )


def test_an_irregular_clock_is_reported():
    times = [[0, 1, 3, 4, 6, 7]] * 2
    (line,) = [
        one for one in inspect_panel(Panel.from_series([np.arange(6.0)] * 2, times=times)).lines() if "time:" in one
    ]
    assert line.endswith("irregular steps")


def labels_of(matrix, by_step=False):
    """Warnings about several labels, of 100 different series or of their steps."""
    matrix = np.array(matrix)
    values = np.random.default_rng(0).normal(size=(len(matrix), 1))
    if not by_step:
        panel = Panel.from_series(list(values[:, None]), labels=matrix, label_names=("rain", "fog", "hail"))
    else:
        names = ("label_rain", "label_fog", "label_hail")
        codes = np.where(np.isnan(matrix), -1, matrix).astype(np.int16)
        panel = Panel.from_series(np.split(values, 10), step_labels=StepLabels(codes, names, ("0", "1")))
    return inspect_panel(panel).warnings


@pytest.mark.parametrize("unit", ["series", "steps"])
def test_rare_labels_are_warned_of_among_known_ones(unit):
    matrix = np.zeros((100, 3))
    matrix[:50, 0], matrix[:4, 1], matrix[:3, 2], matrix[50:, 2] = 1, 1, 1, np.nan
    assert labels_of(matrix, unit == "steps") == (
        f"labels are rare, 'fog' in 4 of 100 {unit}; look at the F1 of each, not at accuracy; "
        "training.imbalance='weights' gives it more weight",
    )


@pytest.mark.parametrize("unit", ["series", "step"])
def test_labels_that_exclude_each_other_are_classes(unit):
    warning = (
        f"each {unit} has exactly one of the labels, so they are exclusive classes; use one label column, so that their "
        "probabilities add up to 1"
    )
    matrix = np.eye(3)[np.arange(100) % 3]
    assert labels_of(matrix, unit == "step") == (warning,)
    matrix[3, 2] = np.nan  # an unknown label is no counterexample
    assert labels_of(matrix, unit == "step") == (warning,)
    for change in (0.0, 1.0):  # one series with two, or with none
        matrix[0, :2] = change
        assert labels_of(matrix, unit == "step") == ()


def test_a_label_absent_from_a_part_is_warned():
    matrix = np.zeros((40, 2))
    matrix[:20], matrix[20:, 0] = 1, 1
    panel = Panel.from_series(np.random.default_rng(0).normal(size=(40, 3)), labels=matrix, label_names=("rain", "fog"))
    split = Split(np.arange(30), np.arange(0), np.arange(30, 40))
    assert "label 'fog' has no series in test, so the test scores do not cover it; move some there" in (
        inspect_panel(panel, split).warnings
    )


def test_a_rare_class_of_steps_is_warned_of():
    codes = np.zeros((400, 1), dtype=np.int16)
    codes[:6] = 1
    values = np.random.default_rng(0).normal(size=(400, 1))
    panel = Panel.from_series(np.split(values, 20), step_labels=StepLabels(codes, ("label_event",), ("0", "1")))
    assert inspect_panel(panel).warnings == (
        "class '1' is rare, 1.5 % of the steps; look at F1, events and the confusion matrix, not at accuracy; "
        "training.imbalance='weights' gives it more weight",
    )


def test_channels_that_count_are_warned_of():
    counting = [np.arange(60), np.cumsum(np.random.default_rng(0).uniform(1, 2, 60)), np.tile(np.arange(5), 12)]
    values = np.stack([*counting, np.random.default_rng(1).normal(size=60)], axis=1)
    names = ["index", "energy", "step", "x"]
    panel = Panel.from_series(list(values.reshape(12, 5, 4)), channels=names, labels=["a", "b"] * 6)
    inspection = inspect_panel(panel)
    assert inspection.warnings == (
        "channel 'index' counts the rows of the whole table, so a network can read the label off the order of the "
        "series; leave such channels out with --channels",
        "channel 'energy' continues from one series to the next, so a network can read the label off the order of the "
        "series; leave such channels out with --channels",
        "channel 'step' only counts the steps; leave such channels out with --channels",
    )
    assert inspection.to_json()["counters"] == {"index": "rows", "energy": "on", "step": "steps"}


def test_possible_sentinels_are_questioned():
    panel = noise_panel()
    panel.values[::20, 0], panel.values[::40, 1], panel.values[3, 1] = -999, -999, 1e20
    assert _warnings(panel) == [
        "channels 'channel_0', 'channel_1' have the value -999 15 times, far from all others; if it stands for a missing "
        "value, pass --set 'data.missing_values=[-999, 1e+20]'",
        "channel 'channel_1' has the value 1e+20 once, far from all others (-3.772 to 3.066); if it stands for a missing "
        "value, pass --set 'data.missing_values=[-999, 1e+20]'",
    ]


def test_a_label_unknown_for_every_series_is_warned_of():
    labels = np.full((20, 2), np.nan)
    labels[:, 0] = [0, 1] * 10
    panel = Panel.from_series(
        list(np.random.default_rng(0).normal(size=(20, 3))), labels=labels, label_names=("a", "b")
    )
    assert "label 'b' has no known value, so nothing can be learned about it; fill it in, or leave it out" in _warnings(
        panel
    )


def test_series_without_a_label_are_counted():
    panel = noise_panel(labels=[*["a", "b"] * 9, "", ""])
    assert _warnings(panel) == [
        "2 of 20 series have no known label; they are neither learned from nor scored",
    ]


def test_classes_that_differ_by_case_are_questioned():
    assert _warnings(noise_panel(labels=["ok", "OK", "worn", "worn "] * 5)) == [
        "classes differ only by case, blanks or punctuation, 'OK' and 'ok', 'worn' and 'worn '; if they mean the same, "
        "write them in the same way, otherwise they are learned as different"
    ]


def test_a_class_in_one_group_only_is_warned_of():
    machines = [f"M{row // 4}" for row in range(40)]
    labels = ["rare" if machine == "M3" else "ab"[row % 2] for row, machine in enumerate(machines)]
    panel = noise_panel(40, labels=labels).replace(metadata=pa.table({"machine": machines}))
    warning = (
        "class 'rare' occurs only with 'machine' 'M3', so it cannot be separated from that 'machine'; collect the class "
        "elsewhere, too"
    )
    assert warning in _warnings(panel)
    assert inspect_panel(panel).to_json()["confined"] == {"rare": ["machine", "M3"]}


def test_arrays_have_warnings_that_need_no_split():
    panel = noise_panel(labels=["ok", "OK"] * 10)
    panel.values[:, 1], panel.values[::20, 0] = np.arange(200), 9999
    assert notes_on_arrays(panel) == (
        "channel 'channel_1' counts the rows of the whole table, so a network can read the label off the order of the "
        "series; leave such channels out",
        "channel 'channel_0' has the value 9999 10 times, far from all others (-3.106 to 2.756); if it stands for a "
        "missing value, replace it by NaN",
        "classes differ only by case, blanks or punctuation, 'OK' and 'ok'; if they mean the same, write them in the "
        "same way, otherwise they are learned as different",
    )
    assert notes_on_arrays(noise_panel()) == ()


@pytest.mark.parametrize(("level", "size", "step"), [(1e8, 1.0, "8"), (1e6, 0.01, "0.062"), (-3e7, 0.1, "2")])
def test_a_small_signal_that_float32_has_flattened_is_warned_of(level, size, step):
    values = level + size * np.random.default_rng(0).normal(size=(20, 10, 1))
    panel = Panel.from_series(list(values.astype(np.float32)), labels=["a", "b"] * 10, channels=["x"])
    assert any(
        warning.endswith(
            f"where float32 only resolves steps of {step}; if the measurements are finer, subtract a constant from the "
            "channel"
        )
        for warning in _warnings(panel)
    )


@pytest.mark.parametrize(
    ("level", "size"), [(1e4, 1.0), (0.0, 1e-20), (7.0, 0.0), (115200.0, 0.0), (1e6, 50.0), (1e8, 1.0), (1e6, 0.01)]
)
def test_a_signal_resolved_beside_its_offset_is_not_warned_of(level, size):
    values = level + size * np.random.default_rng(0).normal(size=(20, 10, 1))
    assert inspect_panel(Panel.from_series(list(values))).channels[0].resolution is None
