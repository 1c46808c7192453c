"""Python containers: names, index, clock and mask are read; and labels of every type."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import limelight as ll
from limelight.data.array_labels import attach_labels
from limelight.data.arrays import Trained, as_panel
from limelight.data.panel import Panel
from limelight.errors import DataError, LabelError
from limelight.parts.encoders import Rocket
from support.errors import message_of

N, STEPS = 24, 12
RANDOM = np.random.default_rng(0)
LABELS = np.arange(N) % 2
WAVES = RANDOM.normal(0, 0.2, (N, STEPS)) + np.sin(np.linspace(0, 6, STEPS)) * np.where(LABELS, 1, -1)[:, None]
FRAMES = [pd.DataFrame({"a": wave, "b": RANDOM.normal(5, 1, STEPS)}) for wave in WAVES]
SERIES = Panel.from_series(list(WAVES), ids=[f"s{row}" for row in range(N)])


def small() -> ll.TimeSeriesClassifier:
    return ll.TimeSeriesClassifier(Rocket(features=168), random_state=0)


@pytest.fixture(scope="module")
def by_name() -> ll.TimeSeriesClassifier:
    return small().fit(FRAMES, LABELS)


@pytest.fixture(scope="module")
def of_arrays() -> ll.TimeSeriesClassifier:
    return small().fit(WAVES[:, :, None], LABELS)


def test_columns_of_frames_are_found_by_name(by_name: ll.TimeSeriesClassifier) -> None:
    expected = by_name.predict_proba(FRAMES)
    assert (by_name.predict_proba([frame[["b", "a"]] for frame in FRAMES]) == expected).all()
    assert (by_name.predict_proba([pl.DataFrame({"b": frame.b, "a": frame.a}) for frame in FRAMES]) == expected).all()


def test_columns_unknown_to_the_model_are_ignored(by_name: ll.TimeSeriesClassifier) -> None:
    with pytest.warns(UserWarning, match="^ignored columns that are no channels of the model: 'c'$"):
        predicted = by_name.predict_proba([frame.assign(c=1.0) for frame in FRAMES])
    assert (predicted == by_name.predict_proba(FRAMES)).all()


def test_a_missing_column_is_named(by_name: ll.TimeSeriesClassifier) -> None:
    assert message_of(DataError, by_name.predict, [frame.rename(columns={"b": "z"}) for frame in FRAMES]) == (
        "expected the channels in training ('a', 'b'), got 'a', 'z', which lacks 'b'; rename the channels as in training, "
        "or pass arrays without names in the order of the training"
    )


def test_an_index_of_times_is_the_clock() -> None:
    clock = pd.date_range("2024-01-01", periods=STEPS, freq="h", name="time")
    panel = as_panel([frame.set_index(clock) for frame in FRAMES])
    assert panel.channels == ("a", "b")
    assert (panel.clock(3) == clock.to_numpy()).all()


@pytest.mark.parametrize("container", ["masked", "tensor", "nested", "dict"])
def test_containers_are_read_as_arrays(container: str) -> None:
    expected = WAVES.astype(np.float32)
    if container == "masked":
        mask = np.zeros(WAVES.shape, dtype=bool)
        mask[::3, 5] = True
        series: object = np.ma.masked_array(np.where(mask, 9999.0, WAVES), mask)[:, :, None]
        expected = np.where(mask, np.nan, expected)
    elif container == "tensor":
        series = torch.tensor(WAVES[:, :, None], requires_grad=True)
    elif container == "nested":
        series = pd.DataFrame({"dim_0": [pd.Series(wave) for wave in WAVES]})
    else:
        series = {f"s{row}": wave for row, wave in enumerate(WAVES)}
    panel = as_panel(series)
    assert np.array_equal(np.stack([panel.series(row)[:, 0] for row in range(N)]), expected, equal_nan=True)


def test_labels_follow_the_index_of_the_table() -> None:
    table = pd.DataFrame(WAVES, index=[f"s{row}" for row in range(N)])
    shuffled = pd.Series(LABELS, index=table.index).sample(frac=1, random_state=0)
    model = small().fit(table, shuffled)
    assert model.notes_[0] == "y was brought to the order of X by its index"
    assert model.score(table, pd.Series(LABELS, index=table.index)) == 1.0


def test_labels_of_a_dict_follow_the_ids() -> None:
    labels = {f"s{row}": LABELS[row] for row in reversed(range(N))}
    assert attach_labels(SERIES, labels, named=True).labels.tolist() == LABELS.tolist()


def test_an_index_that_names_other_series_is_rejected() -> None:
    other = pd.Series(LABELS, index=[f"t{row}" for row in range(N)])
    assert message_of(LabelError, attach_labels, SERIES, other, named=True).startswith(
        "expected the index of y to name the series of X, got none for 's0', 's1', 's2'"
    )


def test_one_series_is_one_prediction(of_arrays: ll.TimeSeriesClassifier) -> None:
    assert of_arrays.predict(WAVES[0][:, None]).tolist() == of_arrays.predict(WAVES[:1, :, None]).tolist()
    assert of_arrays.predict(pd.DataFrame({"x": WAVES[0]})).shape == (1,)


def test_one_step_with_named_channels_is_accepted() -> None:
    panel = as_panel(np.zeros((4, 1, 2)), trained=Trained(("channel_0", "channel_1")))
    assert panel.lengths.tolist() == [1] * 4


def test_a_long_table_is_rejected_with_the_remedy() -> None:
    long = pd.DataFrame({"series_id": np.repeat(np.arange(N), STEPS), "x": WAVES.ravel()})
    assert message_of(DataError, small().fit, long, np.repeat(LABELS, STEPS)) == (
        "expected one row for each series, got a column 'series_id' that repeats, as in a table with one row for each "
        "step; read it with limelight.read_table(frame), which returns series with their labels, and pass these as X"
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [("label", "'label' beside steps such as 't0'"), ("Unnamed: 0", "'Unnamed: 0' beside steps such as 't0'")],
)
def test_columns_beside_the_steps_are_rejected(name: str, found: str) -> None:
    table = pd.DataFrame(WAVES, columns=[f"t{step}" for step in range(STEPS)])
    table.insert(0, name, LABELS)
    assert message_of(DataError, small().fit, table, LABELS) == (
        f"expected a column for each step in a frame with one row for each series, got {found}; leave these columns out "
        "and pass labels as y, or read the frame with limelight.read_table(frame), and pass the result as X"
    )


def test_a_clock_among_the_columns_is_rejected() -> None:
    table = pd.DataFrame({"time": range(N), "x": WAVES[:, 0], "y": WAVES[:, 1]})
    assert "got 'time'; leave these columns out" in message_of(DataError, small().fit, table, LABELS)


def test_steps_of_several_channels_are_rejected() -> None:
    table = pd.DataFrame(WAVES, columns=[f"{name}_{step}" for name in "xy" for step in range(STEPS // 2)])
    assert message_of(DataError, small().fit, table, LABELS) == (
        "expected the steps of one channel in a frame with one row for each series, got those of 'x', 'y'; read it with "
        "limelight.read_table(frame), and pass the result as X"
    )


def test_weights_follow_the_index_of_the_table() -> None:
    table = pd.DataFrame(WAVES, index=[f"s{row}" for row in range(N)])
    weights = pd.Series(np.arange(1.0, N + 1), index=table.index)
    aligned, shuffled = (small().fit(table, LABELS, sample_weight=one) for one in (weights, weights[::-1]))
    assert np.array_equal(aligned.predict_proba(table), shuffled.predict_proba(table))


def test_weights_of_other_series_are_rejected() -> None:
    table = pd.DataFrame(WAVES, index=[f"s{row}" for row in range(N)])
    weights = pd.Series(np.ones(N), index=[f"t{row}" for row in range(N)])
    assert message_of(LabelError, small().fit, table, LABELS, sample_weight=weights).startswith(
        "expected the index of sample_weight to name the series of X, got none for 's0', 's1', 's2'"
    )


def test_levels_of_an_index_are_columns_of_a_long_table() -> None:
    clock = pd.date_range("2020", periods=STEPS, freq="h")
    long = pd.concat({f"s{row}": pd.DataFrame({"x": WAVES[row]}, index=clock) for row in range(4)})
    panel = ll.read_table(long.sample(frac=1, random_state=0).sort_index(level=0, sort_remaining=False, kind="stable"))
    assert (panel.ids.tolist(), panel.channels) == (["s0", "s1", "s2", "s3"], ("x",))
    assert (panel.clock(2) == clock.to_numpy()).all()


STEPWISE = (WAVES > 0).astype(int)


@pytest.mark.parametrize("labels", [STEPWISE, np.where(STEPWISE, "up", "down")])
def test_a_column_for_each_step_is_labels_of_steps(labels: np.ndarray) -> None:
    panel = attach_labels(SERIES, labels)
    assert panel.step_labels is not None
    assert panel.notes == (
        "took y of shape (24, 12) as a label for each of the 12 steps; pass level='series' if its columns are labels of "
        "the series",
    )


def test_one_hot_labels_are_classes() -> None:
    panel = attach_labels(SERIES, np.eye(3)[np.arange(N) % 3])
    assert panel.labels.tolist() == (np.arange(N) % 3).tolist()
    named = attach_labels(SERIES, pd.get_dummies(pd.Series(list("abc") * 8)))
    assert named.labels.tolist() == list("abc") * 8
    assert attach_labels(SERIES, np.eye(3)[np.arange(N) % 3], "series").labels.shape == (N, 3)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pd.Series([1, None] * 12, dtype="Int64"), [1.0, None]),
        (pd.Series(["a", None] * 12, dtype="string"), ["a", None]),
        (pd.Categorical(["b", "a"] * 12), ["b", "a"]),
        (["a", float("nan")] * 12, ["a", None]),
        ([b"a", b"b"] * 12, ["a", "b"]),
        ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 12, ["2020-01-01", "2021-01-01"]),
        (np.array(["2020-01-01", "2021-01-01"] * 12, dtype="datetime64[D]"), ["2020-01-01", "2021-01-01"]),
    ],
    ids=["Int64", "string", "Categorical", "nan among words", "bytes", "dates", "datetime64"],
)
def test_labels_of_every_type_become_plain_labels(labels: object, expected: list[object]) -> None:
    found = attach_labels(SERIES, labels).labels[:2].tolist()
    assert [None if label != label else label for label in found] == expected


def test_labels_of_two_types_are_rejected() -> None:
    assert message_of(LabelError, attach_labels, SERIES, [1, "a"] * 12) == (
        "expected labels of one type, got numbers and text, such as 1 and 'a'; write all as text, or all as numbers"
    )


def test_a_label_known_for_no_series_is_rejected() -> None:
    labels = np.c_[LABELS, np.full(N, np.nan)]
    assert message_of(LabelError, attach_labels, SERIES, labels) == (
        "expected every label to be known for at least one series, got none for 'label_1'; remove such columns from y"
    )


def test_labels_that_differ_by_blanks_are_one_class() -> None:
    model = small().fit(WAVES, np.where(np.arange(N) % 4 == 1, "up ", np.where(LABELS, "up", "down")))
    assert model.classes_.tolist() == ["down", "up"]
    assert "labels that differed only by blanks were read as one: 'up '" in model.notes_
    assert model.score(WAVES, np.where(LABELS, "up ", "down")) == 1.0
