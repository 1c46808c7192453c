import json
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.ndimage import label as connected
from scipy.optimize import linear_sum_assignment

from limelight.data.panel import Panel
from limelight.errors import DataError, InternalError, ParameterError
from limelight.evaluation.events.detection import Events, find_events, true_events
from limelight.evaluation.events.rule import EventRule, event_labels
from limelight.evaluation.events.runs_of_steps import measure_runs
from limelight.evaluation.events.scores import event_lines, score_events
from limelight.parts.base import first_complaint
from limelight.task import Task

BINARY = Task(("ok", "fault"), positive="fault", level="step")
CLASSES = Task(("rest", "run", "walk"), level="step")
LABELS = Task(("rain", "fog"), multilabel=True, level="step")
RAIN = Task(("rain",), multilabel=True, level="step")


def _rows(events):
    return list(
        zip(events.series.tolist(), events.label.tolist(), events.start.tolist(), events.stop.tolist(), strict=True)
    )


def _events(rows):
    """Events by (series, label, start, stop)."""
    return Events(*np.array(sorted(rows), dtype=np.int64).reshape(-1, 4).T)


def _rain(probabilities, rule, lengths=None, **clock):
    probabilities = np.array(probabilities, dtype=float)[:, None]
    events = find_events(RAIN, probabilities, [len(probabilities)] if lengths is None else lengths, rule, **clock)
    return [(start, stop) for _, _, start, stop in _rows(events)]


# a slow plain implementation


def _slow_hysteresis(column, on, off):
    found, begun = [], None
    for step, probability in enumerate([*column, float("nan")]):
        if begun is None and probability >= on:
            begun = step
        elif begun is not None and not probability >= off:
            found.append((begun, step))
            begun = step if probability >= on else None
    return found


def _slow_runs(codes, wanted):
    found, begun = [], None
    for step, code in enumerate([*codes, None]):
        if begun is None and code == wanted:
            begun = step
        elif begun is not None and code != wanted:
            found.append((begun, step))
            begun = None
    return found


def _slow_join_and_drop(found, column, join_gap, min_length):
    joined = []
    for start, stop in found:
        if joined and start - joined[-1][1] <= join_gap and not np.isnan(column[joined[-1][1] : start]).any():
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return [(start, stop) for start, stop in joined if stop - start >= min_length]


def _slow_find(task, probabilities, lengths, rule, thresholds):
    found, begin = [], 0
    for series, length in enumerate(lengths):
        of_series = probabilities[begin : begin + length]
        begin += length
        for index, place in enumerate(event_labels(task, rule.background)):
            column = of_series[:, place]
            if task.kind == "multiclass":
                decided = [None if np.isnan(row).any() else row.argmax() for row in of_series]
                column = np.array([np.nan if code is None else 1.0 for code in decided])
                stretches = _slow_runs(decided, place)
            else:
                on = rule.on if rule.on is not None else thresholds[index]
                stretches = _slow_hysteresis(column, on, on if rule.off is None else rule.off)
            for start, stop in _slow_join_and_drop(stretches, column, rule.join_gap, rule.min_length):
                found.append((series, place, start, stop, of_series[start:stop, place].max()))
    return sorted(found, key=lambda event: (event[0], event[2], event[1]))


tenths = st.integers(0, 10).map(lambda number: number / 10)
series_lengths = st.lists(st.integers(1, 15), min_size=1, max_size=4)


@st.composite
def probabilities_and_rules(draw, task):
    lengths = draw(series_lengths)
    steps, width = sum(lengths), len(task.classes)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    probabilities = random.integers(0, 11, (steps, width)) / 10
    probabilities[random.random((steps, width)) < draw(st.sampled_from([0.0, 0.1]))] = np.nan
    on = off = background = thresholds = None
    if task.kind == "multiclass":
        background = draw(st.sampled_from([None, *task.classes]))
    else:
        on = draw(st.none() | tenths.filter(bool))
        thresholds = random.integers(3, 11, len(event_labels(task))) / 10
        off = draw(st.none() | st.sampled_from([0.1, 0.2, 0.3]).filter(lambda low: on is None or low <= on))
    rule = EventRule(on, off, draw(st.integers(1, 4)), draw(st.integers(0, 3)), background)
    return probabilities, lengths, rule, thresholds


@pytest.mark.parametrize("task", [BINARY, CLASSES, LABELS], ids=lambda task: task.kind)
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_events_are_those_of_a_plain_loop(task, data):
    probabilities, lengths, rule, thresholds = data.draw(probabilities_and_rules(task))
    events = find_events(task, probabilities, lengths, rule, thresholds)
    expected = _slow_find(task, probabilities, lengths, rule, thresholds)
    assert _rows(events) == [event[:4] for event in expected]
    assert events.peak.tolist() == [event[4] for event in expected]


@given(column=st.lists(tenths, min_size=1, max_size=30), on=tenths.filter(bool), data=st.data())
@settings(deadline=None, max_examples=100)
def test_hysteresis_is_that_of_images_but_forward_in_time(column, on, data):
    """skimage.filters.apply_hysteresis_threshold: regions above ``off`` that hold a pixel above ``on``."""
    off = data.draw(tenths.filter(lambda low: 0 < low <= on))
    column = np.array(column)
    regions, count = connected(column >= off)
    expected = []
    for number in range(1, count + 1):
        inside = np.flatnonzero(regions == number)
        if (column[inside] >= on).any():
            expected.append((int(inside[column[inside] >= on][0]), int(inside[-1]) + 1))
    assert _rain(column, EventRule(on=on, off=off)) == expected


@given(column=st.lists(tenths, min_size=1, max_size=30), on=tenths.filter(bool))
@settings(deadline=None, max_examples=50)
def test_without_off_events_are_steps_above_the_threshold(column, on):
    inside = [step for start, stop in _rain(column, EventRule(on=on)) for step in range(start, stop)]
    assert inside == np.flatnonzero(np.array(column) >= on).tolist()


def test_events_end_with_their_series():
    assert _rain([0.9, 0.9, 0.9], EventRule(on=0.5, join_gap=5), lengths=[2, 1]) == [(0, 2), (0, 1)]


def test_series_without_steps_have_no_events():
    events = find_events(RAIN, [[0.9], [0.1], [0.8]], [0, 2, 0, 1, 0], EventRule())
    assert _rows(events) == [(1, 0, 0, 1), (3, 0, 0, 1)]


def test_an_empty_panel_has_no_events():
    events = find_events(LABELS, np.zeros((0, 2)), [], EventRule(min_length="1 s"), times=np.zeros(0))
    assert (_rows(events), events.peak.tolist()) == ([], [])


def test_gaps_are_joined_before_short_events_are_dropped():
    probabilities = [0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.9]
    assert _rain(probabilities, EventRule(on=0.5, min_length=3, join_gap=1)) == [(0, 3)]


def test_events_are_not_joined_across_a_step_without_prediction():
    assert _rain([0.9, np.nan, 0.9], EventRule(on=0.5, join_gap=3)) == [(0, 1), (2, 3)]


def test_the_threshold_of_the_model_is_the_default():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.2, 0.8]])
    assert _rows(find_events(BINARY, probabilities, [3], EventRule(), thresholds=[0.4])) == [(0, 1, 1, 3)]
    assert _rows(find_events(BINARY, probabilities, [3], EventRule())) == [(0, 1, 2, 3)]
    assert _rows(find_events(BINARY, probabilities, [3], EventRule(on=0.1), thresholds=[0.4])) == [(0, 1, 0, 3)]


def test_of_two_classes_the_positive_one_has_events():
    first = Task(("fault", "ok"), positive="fault", level="step")
    assert _rows(find_events(first, [[0.9, 0.1], [0.2, 0.8]], [2], EventRule())) == [(0, 0, 0, 1)]


def test_of_several_classes_all_but_the_background_have_events():
    probabilities = np.eye(3)[[0, 0, 1, 1, 2, 0]]
    assert _rows(find_events(CLASSES, probabilities, [6], EventRule(background="rest"))) == [(0, 1, 2, 4), (0, 2, 4, 5)]
    assert len(find_events(CLASSES, probabilities, [6], EventRule())) == 4


def test_joining_across_another_class_keeps_both():
    probabilities = np.eye(3)[[1, 1, 2, 1, 1]]
    assert _rows(find_events(CLASSES, probabilities, [5], EventRule(join_gap=1))) == [(0, 1, 0, 5), (0, 2, 2, 3)]
    assert _rows(find_events(CLASSES, probabilities, [5], EventRule(join_gap=1, min_length=2))) == [(0, 1, 0, 5)]


# in time


@given(data=st.data(), kind=st.sampled_from(["integers", "decimals", "dates"]))
@settings(deadline=None, max_examples=60)
def test_a_rule_in_time_equals_steps_on_an_even_clock(data, kind):
    lengths = data.draw(series_lengths.map(lambda every: [length + 1 for length in every]))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    probabilities = random.integers(0, 11, (sum(lengths), 1)) / 10
    begins = random.integers(0, 10**6, len(lengths))
    tenths_of_a_second = np.concatenate(
        [begin + np.arange(length) for begin, length in zip(begins, lengths, strict=True)]
    )
    times, unit = {
        "integers": (tenths_of_a_second * 100, "ms"),
        "decimals": (1.7e9 + tenths_of_a_second / 10, "s"),
        "dates": (np.datetime64("2024-01-01", "ms") + tenths_of_a_second * 100, "s"),
    }[kind]
    length, gap = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    in_steps = find_events(RAIN, probabilities, lengths, EventRule(min_length=length, join_gap=gap))
    in_time = EventRule(min_length=f"{length / 10} s", join_gap=f"{gap * 100} ms")
    assert _rows(find_events(RAIN, probabilities, lengths, in_time, times=times, time_unit=unit)) == _rows(in_steps)


def test_a_pause_of_the_clock_is_a_gap():
    times = np.array([0, 1, 2, 3, 60, 61, 62])
    probabilities = [0.1, 0.1, 0.9, 0.9, 0.1, 0.9, 0.9]
    assert _rain(probabilities, EventRule(on=0.5, min_length="3 s"), times=times) == []
    assert _rain(probabilities, EventRule(on=0.5, join_gap="1 s"), times=times) == [(2, 4), (5, 7)]
    assert _rain(probabilities, EventRule(on=0.5, join_gap="57 s"), times=times) == [(2, 7)]


def test_a_rule_may_combine_steps_and_time():
    rule = EventRule(on=0.5, min_length=2, join_gap="1 min")
    assert _rain([0.9, 0.1, 0.9, 0.1, 0.1, 0.9], rule, times=np.arange(6), time_unit="min") == [(0, 3)]


def test_the_typical_step_is_the_median_of_each_series():
    random = np.random.default_rng(0)
    lengths = np.array([1, 5, 8, 2])
    times = np.concatenate([np.cumsum(random.integers(0, 9, length)) for length in lengths])
    ends = np.cumsum(lengths)
    last = ends - 1
    begin, end, _, _ = measure_runs("1 s", last, ends, lengths, _clock(times, lengths))
    medians = [np.median(np.diff(part)) if len(part) > 1 else 0.0 for part in np.split(times, ends[:-1])]
    assert (end - begin).tolist() == [median * 1e9 for median in medians]


def _clock(times, lengths):
    from limelight.evaluation.events.runs_of_steps import StepTimes

    return StepTimes.of(times, lengths, "s")


# the truth


def test_true_events_of_each_kind_of_task():
    assert _rows(true_events(BINARY, [1, 1, 0, 1], [3, 1])) == [(0, 1, 0, 2), (1, 1, 0, 1)]
    assert _rows(true_events(CLASSES, [0, 2, 2, 1], [4], "rest")) == [(0, 2, 1, 3), (0, 1, 3, 4)]
    assert _rows(true_events(LABELS, [[1, 0], [1, 1], [0, 1]], [3])) == [(0, 0, 0, 2), (0, 1, 1, 3)]
    assert true_events(BINARY, [1], [1]).peak is None


@pytest.mark.parametrize(
    ("codes", "lengths", "expected"),
    [
        ([1, -1, 1], [3], [(0, 3)]),
        ([-1, 1, -1], [3], [(1, 2)]),
        ([1, -1, 0, 1], [4], [(0, 1), (3, 4)]),
        ([1, -1, -1, 1], [2, 2], [(0, 1), (1, 2)]),
        ([-1, -1], [2], []),
    ],
)
def test_unknown_steps_are_neither_event_nor_gap(codes, lengths, expected):
    assert [(start, stop) for *_, start, stop in _rows(true_events(BINARY, codes, lengths))] == expected


@given(lengths=series_lengths, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_certain_predictions_give_the_true_events(lengths, seed):
    codes = np.random.default_rng(seed).integers(0, 3, sum(lengths))
    assert _rows(find_events(CLASSES, np.eye(3)[codes], lengths, EventRule(background="walk"))) == _rows(
        true_events(CLASSES, codes, lengths, "walk")
    )


# the table


def test_the_table_has_times_steps_and_peaks():
    times = np.datetime64("2024-05-01T00:00", "s") + np.array([0, 60, 120, 0, 60])
    panel = Panel.from_series([[0.0] * 3, [0.0] * 2], ids=["a", "b"], times=[times[:3], times[3:]])[[1, 0]]
    events = find_events(LABELS, [[0.1, 0.2], [0.9, 0.1], [0.1, 0.7], [0.2, 0.8], [0.1, 0.1]], [2, 3], EventRule())
    table = events.to_table(panel.ids, LABELS.classes, panel.times, panel.starts)
    assert table.to_pydict() == {
        "series_id": ["b", "a"],
        "label": ["rain", "fog"],
        "start": times[[4, 0]].tolist(),
        "end": times[[4, 1]].tolist(),
        "start_step": [1, 0],
        "end_step": [1, 1],
        "peak_probability": [0.9, 0.8],
    }


def test_the_table_has_steps_without_a_clock():
    table = true_events(BINARY, [0, 1, 1], [3]).to_table(["a"], BINARY.classes)
    assert list(table.to_pylist()[0].values()) == ["a", "fault", 1, 2, 1, 2, None]


def test_a_table_of_no_events_has_the_same_columns():
    none = find_events(RAIN, [[0.1]], [1], EventRule()).to_table(["a"], RAIN.classes)
    one = find_events(RAIN, [[0.9]], [1], EventRule()).to_table(["a"], RAIN.classes)
    assert (len(none), none.schema) == (0, one.schema)
    assert isinstance(none, pa.Table)


# scores


def _known_events(events, place, series, known):
    """Events of one label in one series as sets of known steps, joined if only unknown steps lie between them."""
    found = []
    for row, label, start, stop in _rows(events):
        if (row, label) != (series, place):
            continue
        inside = [step for step in range(start, stop) if known[step]]
        if inside and found and not any(known[found[-1][1] : start]):
            found[-1] = (found[-1][0] + inside, stop)
        elif inside:
            found.append((inside, stop))
    return [set(inside) for inside, _ in found]


def _slow_scores(predicted, true, overlap):
    """Counts for one label from the optimal assignment in each series."""
    matched = 0
    for mine, other in zip(true, predicted, strict=True):
        ratio = np.array([[len(a & b) / len(a | b) for b in other] for a in mine]).reshape(len(mine), len(other))
        worth = (ratio >= overlap).astype(int)
        matched += int((worth[linear_sum_assignment(worth, maximize=True)] > 0).sum())
    return {
        "true": sum(map(len, true)),
        "predicted": sum(map(len, predicted)),
        "matched": matched,
        "touched_true": sum(
            any(a & b for b in other) for mine, other in zip(true, predicted, strict=True) for a in mine
        ),
        "touched_predicted": sum(
            any(a & b for a in mine) for mine, other in zip(true, predicted, strict=True) for b in other
        ),
    }


@st.composite
def codes_and_truths(draw, most=30):
    lengths = draw(st.lists(st.integers(1, most), min_size=1, max_size=3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (sum(lengths), 2)
    lazy = draw(st.sampled_from([0.3, 0.6, 0.9]))
    truth, predicted = (_lasting(random, shape, lazy) for _ in range(2))
    truth[random.random(shape) < draw(st.sampled_from([0.0, 0.3]))] = -1
    return lengths, truth, predicted


def _lasting(random, shape, lazy):
    """Codes 0 and 1 that change seldom."""
    return np.cumsum(random.random(shape) > lazy, axis=0) % 2


@given(data=codes_and_truths(), overlap=st.sampled_from([0.05, 0.2, 0.3, 0.5, 0.7, 1.0]))
@settings(deadline=None, max_examples=150)
def test_counts_are_those_of_the_optimal_assignment(data, overlap):
    lengths, truth, predicted = data
    predicted, true = true_events(LABELS, predicted, lengths), true_events(LABELS, truth, lengths)
    scores = score_events(predicted, true, LABELS, lengths, truth, overlap=overlap)
    for place, name in enumerate(LABELS.classes):
        known = np.split(truth[:, place] != -1, np.cumsum(lengths)[:-1])
        sides = [
            [_known_events(side, place, row, part) for row, part in enumerate(known)] for side in (predicted, true)
        ]
        expected, ours = _slow_scores(*sides, overlap), scores["per_label"][name]
        assert {key: ours[key] for key in ("true", "predicted", "matched")} == {
            key: expected[key] for key in ("true", "predicted", "matched")
        }
        for side, score in (("predicted", "any_precision"), ("true", "any_recall")):
            total = expected[side]
            assert ours[score] == (expected[f"touched_{side}"] / total if total else None)


@given(data=codes_and_truths(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_scores_do_not_depend_on_the_order_of_events(data, seed):
    lengths, truth, predicted = data
    predicted, true = true_events(LABELS, predicted, lengths), true_events(LABELS, truth, lengths)
    mixed = [_mixed(events, np.random.default_rng(seed)) for events in (predicted, true)]
    assert score_events(*mixed, LABELS, lengths, truth, overlap=0.1) == score_events(
        predicted, true, LABELS, lengths, truth, overlap=0.1
    )


def _mixed(events, random):
    order = random.permutation(len(events))
    return Events(*(getattr(events, field.name)[order] for field in fields(events) if field.name != "peak"))


@given(data=codes_and_truths(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_predictions_at_unknown_steps_change_no_score(data, seed):
    lengths, truth, predicted = data
    other = np.where(truth == -1, np.random.default_rng(seed).integers(0, 2, predicted.shape), predicted)
    true = true_events(LABELS, truth, lengths)
    one, two = (
        score_events(true_events(LABELS, codes, lengths), true, LABELS, lengths, truth, overlap=0.3)
        for codes in (predicted, other)
    )
    assert one | {"unscored": 0} == two | {"unscored": 0}


@given(data=codes_and_truths())
@settings(deadline=None, max_examples=50)
def test_the_truth_scores_fully_against_itself(data):
    lengths, truth, _ = data
    true = true_events(LABELS, truth, lengths)
    scores = score_events(true, true, LABELS, lengths, truth, overlap=1.0)
    for one in (scores["micro"], *scores["per_label"].values()):
        ideal = 1.0 if one["true"] else None
        assert [one[name] for name in ("precision", "recall", "f1", "any_recall")] == [ideal] * 4
        assert one["onset_delay"] == (0.0 if one["true"] else None)


@given(data=codes_and_truths())
@settings(deadline=None, max_examples=50)
def test_scores_are_ready_for_json_and_never_nan(data):
    lengths, truth, predicted = data
    predicted, true = true_events(LABELS, predicted, lengths), true_events(LABELS, truth, lengths)
    scores = score_events(predicted, true, LABELS, lengths, truth)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_at_a_low_overlap_as_many_as_possible_match():
    """The best pair alone, [4, 8) with [4, 9), would leave the other two events alone."""
    true, predicted = _events([(0, 0, 0, 4), (0, 0, 4, 8)]), _events([(0, 0, 3, 8), (0, 0, 8, 9)])
    assert score_events(predicted, true, RAIN, [9], overlap=0.1)["micro"]["matched"] == 1
    chain = _events([(0, 0, 0, 3), (0, 0, 4, 10)]), _events([(0, 0, 2, 9), (0, 0, 9, 12)])
    scores = score_events(chain[1], chain[0], RAIN, [12], overlap=0.1)
    assert (scores["micro"]["matched"], scores["micro"]["onset_delay"]) == (2, 3.5)


@given(data=codes_and_truths(), overlap=st.sampled_from([0.05, 0.2, 0.3, 0.5]))
@settings(deadline=None, max_examples=100)
def test_ties_of_matchings_are_broken_by_overlap(data, overlap):
    lengths, truth, predicted = data
    predicted, true = (true_events(RAIN, codes[:, :1] == 1, lengths) for codes in (predicted, truth))
    ours = score_events(predicted, true, RAIN, lengths, overlap=overlap)["micro"]
    _, _, start, stop = np.array(_rows(true)).reshape(-1, 4).T[:, :, None]
    _, _, begin, end = np.array(_rows(predicted)).reshape(-1, 4).T[:, None, :]
    shared = (np.minimum(stop, end) - np.maximum(start, begin)) * (true.series[:, None] == predicted.series)
    ratio = shared / (stop - start + end - begin - shared)
    early = 1e-6 * (begin - start)  # of equal ways, the first and the last by their delay
    worths = [np.where(ratio >= overlap, 1000 + ratio + sign * early, 0) for sign in (-1, 1)]
    pairs = [linear_sum_assignment(worth, maximize=True) for worth in worths]
    delays = [float((begin - start)[pair][(ratio >= overlap)[pair]].sum()) for pair in pairs]
    assert delays[0] <= (ours["onset_delay"] or 0.0) * ours["matched"] + 1e-9
    assert (ours["onset_delay"] or 0.0) * ours["matched"] <= delays[1] + 1e-9


def test_of_two_parts_the_larger_matches():
    true, parts = _events([(0, 0, 0, 10)]), _events([(0, 0, 0, 3), (0, 0, 4, 10)])
    assert score_events(parts, true, RAIN, [10], overlap=0.2)["micro"]["onset_delay"] == 4.0


def test_of_two_halves_the_earlier_matches():
    true, halves = _events([(0, 0, 0, 4)]), _events([(0, 0, 0, 2), (0, 0, 2, 4)])
    micro = score_events(halves, true, RAIN, [4])["micro"]
    assert (micro["matched"], micro["precision"], micro["recall"], micro["onset_delay"]) == (1, 0.5, 1.0, 0.0)


def test_an_early_event_has_a_delay_below_zero():
    assert score_events(_events([(0, 0, 1, 6)]), _events([(0, 0, 2, 6)]), RAIN, [6])["micro"]["onset_delay"] == -1.0


def test_events_of_other_series_or_labels_do_not_match():
    true = _events([(0, 0, 0, 3), (1, 1, 0, 3)])
    predicted = _events([(1, 0, 0, 3), (0, 1, 0, 3)])
    micro = score_events(predicted, true, LABELS, [3, 3])["micro"]
    assert (micro["matched"], micro["any_recall"], micro["f1"], micro["onset_delay"]) == (0, 0.0, 0.0, None)


def test_micro_counts_events_and_macro_labels():
    true = _events([(0, 0, start, start + 2) for start in (0, 4, 8)] + [(0, 1, 0, 2)])
    predicted = _events([(0, 0, start, start + 2) for start in (0, 4, 8)] + [(0, 1, 5, 7)])
    scores = score_events(predicted, true, LABELS, [10])
    assert (scores["micro"]["precision"], scores["macro"]["precision"]) == (0.75, 0.5)
    assert (scores["macro"]["onset_delay"], scores["undefined"]) == (
        0.0,
        {
            "onset_delay": "onset delay is undefined for events of 'fog': no matched event; the macro average is over "
            "the other labels"
        },
    )


def test_an_undefined_score_is_none_with_a_reason():
    scores = score_events(_events([]), _events([(0, 0, 0, 2)]), LABELS, [3])
    rain, fog = scores["per_label"].values()
    assert (rain["precision"], rain["recall"], rain["f1"], rain["any_recall"]) == (None, 0.0, 0.0, 0.0)
    assert [fog[name] for name in ("precision", "recall", "f1", "any_precision", "onset_delay")] == [None] * 5
    assert (scores["macro"]["precision"], scores["macro"]["recall"]) == (None, 0.0)
    assert scores["undefined"] == {
        "precision": "precision is undefined for events of 'rain', 'fog': no predicted event",
        "recall": "recall is undefined for events of 'fog': no true event; the macro average is over the other labels",
        "f1": "F1 is undefined for events of 'fog': neither true nor predicted events; the macro average is over the "
        "other labels",
        "onset_delay": "onset delay is undefined for events of 'rain', 'fog': no matched event",
    }


def test_predicted_events_wholly_in_unknown_steps_are_not_scored():
    codes = np.array([1, 0, -1, -1, 0])
    predicted, true = _events([(0, 1, 0, 1), (0, 1, 2, 4)]), true_events(BINARY, codes, [5])
    scores = score_events(predicted, true, BINARY, [5], codes)
    assert (scores["micro"]["predicted"], scores["micro"]["precision"], scores["unscored"]) == (1, 1.0, 1)
    assert score_events(predicted, true, BINARY, [5])["micro"]["precision"] == 0.5


def test_adjacent_events_stay_separate():
    touching = _events([(0, 0, 0, 2), (0, 0, 2, 4)])
    assert score_events(touching, touching, RAIN, [4])["micro"]["matched"] == 2


def test_a_hundred_thousand_contested_events_take_seconds_at_most():
    starts = np.arange(0, 1_000_000, 10)
    none = np.zeros_like(starts)
    true, predicted = (
        Events(none, none, starts, starts + 10),
        Events(none[1:], none[1:], starts[1:] - 5, starts[1:] + 5),
    )
    assert score_events(predicted, true, RAIN, [1_000_000], overlap=0.3)["micro"]["matched"] == len(starts) - 1


def test_lines_for_a_terminal():
    true = _events([(0, 0, 0, 4), (0, 0, 6, 8), (0, 1, 0, 2)])
    predicted = _events([(0, 0, 1, 4), (0, 0, 7, 9)])
    codes = np.zeros((10, 2), dtype=int)
    assert event_lines(score_events(predicted, true, LABELS, [10], codes)) == [
        "events                     precision  recall     F1",
        "IoU >= 0.5                     0.500   0.333  0.400",
        "IoU >= 0.5, macro average      0.500   0.250  0.250",
        "any overlap                    1.000   0.667",
        "",
        "label  true  predicted  matched  precision  recall     F1  onset delay",
        "rain      2          2        1      0.500   0.500  0.500         +1.0",
        "fog       1          0        0          -   0.000  0.000            -",
        "(precision is undefined for events of 'fog': no predicted event; the macro average is over the other labels)",
        "(onset delay is undefined for events of 'fog': no matched event; the macro average is over the other labels)",
    ]


def test_lines_count_what_was_not_scored():
    scores = score_events(_events([(0, 1, 0, 2)]), _events([]), BINARY, [2], np.array([-1, -1]))
    assert event_lines(scores)[-1] == "(1 predicted event not scored: no step has a known label)"


# errors


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"on": 1.5}, "expected a probability above 0 and at most 1 for on, got 1.5; use for example 0.5"),
        ({"off": 0.0}, "expected a probability above 0 and at most 1 for off, got 0.0; use for example 0.5"),
        (
            {"on": 0.3, "off": 0.6},
            "expected off to be at most on, got on=0.3 and off=0.6; lower off, or raise on",
        ),
        (
            {"min_length": 0},
            "expected min_length as a number of steps, at least 1, or as a duration, got 0; use 3 or '2.5 s'",
        ),
        (
            {"join_gap": 1.5},
            "expected join_gap as a number of steps, at least 0, or as a duration, got 1.5; use 3 or '2.5 s'",
        ),
        (
            {"min_length": "10"},
            "expected a duration with a unit, such as '2.5 s', got '10'; known are: ns, us, ms, s, min, h, d",
        ),
    ],
)
def test_impossible_rules_are_refused(rule, message):
    with pytest.raises(ParameterError) as error:
        EventRule(**rule)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"on": 0}, "expected on above 0.0, got 0"),
        ({"onn": 0.5}, "onn: Unexpected keyword argument, got 0.5"),
        (
            {"join_gap": -1},
            "expected join_gap as a number of steps, at least 0, or as a duration, got -1; use 3 or '2.5 s'",
        ),
    ],
)
def test_the_experiment_file_is_checked_the_same_way(rule, message):
    with pytest.raises(ValidationError) as error:
        TypeAdapter(EventRule).validate_python(rule)
    assert first_complaint(error.value) == message


def test_the_experiment_file_accepts_steps_and_times():
    rule = TypeAdapter(EventRule).validate_python({"min_length": "10 s", "join_gap": 2, "background": "rest"})
    assert rule == EventRule(min_length="10 s", join_gap=2, background="rest")


RULE = EventRule(off=0.4)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            (BINARY, np.zeros((2, 1)), [2], RULE),
            DataError,
            "expected probabilities of shape (2, 2), with a row for each step and a column for each of 'ok', 'fault', "
            "got (2, 1); pass the predictions of all steps",
        ),
        (
            (RAIN, [[1.5]], [1], RULE),
            DataError,
            "expected probabilities from 0 to 1, got values outside this range; pass probabilities, not logits",
        ),
        (
            (CLASSES, np.eye(3), [3], RULE),
            ParameterError,
            "expected no thresholds (on, off) for events of 3 classes, got some; remove them, as the most probable class "
            "is predicted",
        ),
        (
            (LABELS, np.zeros((1, 2)), [1], RULE, [0.5, 0.3]),
            ParameterError,
            "expected off to be at most the threshold, got off=0.4 and a threshold of 0.3 for 'fog'; lower off, or set "
            "on",
        ),
        (
            (LABELS, np.zeros((1, 2)), [1], RULE, [0.5]),
            DataError,
            "expected thresholds of shape (2,) for a multilabel task, got (1,); pass those of the model",
        ),
        (
            (BINARY, np.zeros((1, 2)), [1], EventRule(background="ok")),
            ParameterError,
            "expected no background class for a binary task, got 'ok'; remove it, as steps without the positive class "
            "are background anyway",
        ),
        (
            (CLASSES, np.zeros((1, 3)), [1], EventRule(background="rset")),
            ParameterError,
            "expected one of the classes as background, got 'rset'; did you mean 'rest'?",
        ),
        (
            (RAIN, [[0.5]], [1], EventRule(join_gap="2 s")),
            ParameterError,
            "expected times for an event rule with a duration ('2 s'), got series without times; use a number of steps",
        ),
    ],
)
def test_predictions_that_do_not_fit_are_refused(arguments, kind, message):
    with pytest.raises(kind) as error:
        find_events(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("times", "unit", "kind", "message"),
    [
        (
            np.arange(2),
            "s",
            DataError,
            "expected a time for each of the 3 steps, got an array of shape (2,); pass one each",
        ),
        (
            np.arange(3),
            "years",
            ParameterError,
            "expected a clock in ns, us, ms, s, min, h, d, got 'years'; state the unit of 'time'",
        ),
        (
            np.array([5.0, 2.0, 1.0]),
            "s",
            DataError,
            "expected non-decreasing times in every series, got a missing or lower one in row 1; sort the steps by time",
        ),
        (
            np.array(["NaT", "2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
            "s",
            DataError,
            "expected non-decreasing times in every series, got a missing or lower one in row 0; sort the steps by time",
        ),
    ],
)
def test_an_impossible_clock_is_refused(times, unit, kind, message):
    with pytest.raises(kind) as error:
        find_events(RAIN, np.zeros((3, 1)), [1, 2], EventRule(min_length="1 s"), times=times, time_unit=unit)
    assert str(error.value) == message


def test_measuring_time_without_a_clock_is_an_internal_error():
    with pytest.raises(InternalError) as error:
        measure_runs("1 s", np.array([0]), np.array([1]), np.array([1]), None)
    assert str(error.value) == "expected a clock for '1 s', got none"


def test_a_truth_of_another_shape_is_refused():
    with pytest.raises(DataError) as error:
        true_events(LABELS, [0, 1], [2])
    assert str(error.value) == (
        "expected true codes of shape (2, 2) for the steps of 1 series, got (2,); pass the codes of all steps, one "
        "series after the other"
    )


def test_events_without_steps_are_refused():
    with pytest.raises(DataError) as error:
        _events([(0, 0, 0, 1), (0, 0, 3, 3)])
    assert str(error.value) == (
        "expected 0 <= start < stop for each event, got other values for event 1; stop is one past the last step"
    )


def test_events_of_different_shapes_are_refused():
    with pytest.raises(DataError) as error:
        Events(np.zeros(2), np.zeros(2), np.zeros(2), np.ones(1))
    assert str(error.value) == (
        "expected one series, label, start, stop and peak for each event, got shapes (2,), (2,), (2,), (1,); pass "
        "arrays of equal length"
    )


@pytest.mark.parametrize("overlap", [0, 1.1, float("nan")])
def test_an_impossible_overlap_is_refused(overlap):
    with pytest.raises(ParameterError) as error:
        score_events(_events([]), _events([]), RAIN, [1], overlap=overlap)
    assert str(error.value) == (
        f"expected an overlap above 0 and at most 1, got {overlap}; use for example 0.5 (any overlap at all is scored "
        "anyway)"
    )


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (
            [(0, 1, 0, 3), (1, 1, 0, 3)],
            "expected events inside the 2 series, got event 1 outside; pass the lengths of the series that the events "
            "were found in",
        ),
        (
            [(2, 1, 0, 1)],
            "expected events inside the 2 series, got event 0 outside; pass the lengths of the series that the events "
            "were found in",
        ),
        (
            [(0, 0, 0, 1)],
            "expected events of 'run', 'walk', got some of 'rest'; find the events with the same task and background",
        ),
        (
            [(0, 1, 0, 2), (0, 1, 1, 3)],
            "expected events of 'run' that do not overlap each other, got overlapping ones in one series; join them",
        ),
    ],
)
def test_events_that_do_not_fit_the_series_are_refused(predicted, message):
    with pytest.raises(DataError) as error:
        score_events(_events(predicted), _events([]), CLASSES, [3, 2], background="rest")
    assert str(error.value) == message
