"""Channels that count are found, measurements are not."""

import numpy as np
import pytest

from limelight.data.inspection.inspect_panel import inspect_panel
from limelight.data.panel import Panel

DRAW = np.random.default_rng(0)
LENGTHS = [5, 8, 6, 7, 5, 9] * 3
STEPS = sum(LENGTHS)


def counters(values, blocks=None):
    series = np.split(np.asarray(values, dtype=np.float64), np.cumsum(LENGTHS)[:-1])
    return inspect_panel(Panel.from_series(series, channels=["x"])).counters


@pytest.mark.parametrize(
    "values",
    [np.arange(STEPS), 7 + np.arange(STEPS), -np.arange(STEPS), 0.5 * np.arange(STEPS), np.cumsum(DRAW.uniform(1, 3, STEPS))],
)  # fmt: skip
def test_what_continues_from_series_to_series_is_found(values):
    assert counters(values) == {"x": "continues"}


def test_row_numbers_of_series_in_another_order_are_found():
    rows = np.split(np.arange(STEPS), np.cumsum([5, 8, 6, 7, 5, 9] * 3)[:-1])
    order = [0, 6, 2, 8, 4, 10, 1, 3, 5]
    series = [rows[place].astype(float) for place in order]
    assert inspect_panel(Panel.from_series(series, channels=["x"])).counters == {"x": "continues"}


def test_a_step_number_in_every_series_is_found():
    assert counters(np.concatenate([np.arange(length) for length in LENGTHS])) == {"x": "counts"}


@pytest.mark.parametrize(
    "values",
    [
        DRAW.normal(size=STEPS),
        np.zeros(STEPS),
        np.concatenate([np.linspace(0, 1 + DRAW.uniform(), length) for length in LENGTHS]),
        np.where(np.arange(STEPS) == 3, np.nan, np.arange(STEPS)),
        np.concatenate([level + 0.01 * DRAW.normal(size=length) for level, length in enumerate(LENGTHS)]),
    ],
)
def test_measurements_do_not_count(values):
    assert counters(values) == {}


def test_series_of_one_step_do_not_count():
    assert inspect_panel(Panel.from_series([[1.0], [2.0], [3.0]])).counters == {}


def test_both_kinds_are_warned_of():
    values = np.stack([np.arange(60), np.tile(np.arange(5), 12), DRAW.normal(size=60)], axis=1)
    panel = Panel.from_series(list(values.reshape(12, 5, 3)), channels=["index", "step", "x"], labels=["a", "b"] * 6)
    assert inspect_panel(panel).warnings == (
        "channel 'index' continues from one series to the next, as row numbers do, so a network can read the label off "
        "the order of the series; leave such channels out with --channels",
        "channel 'step' only counts the steps; leave such channels out with --channels",
    )
