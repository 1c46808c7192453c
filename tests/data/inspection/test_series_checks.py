"""Warnings about whole series: no values, padding, sampling rates, units, and ids or metadata that may be mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.inspection.inspect_panel import inspect_panel, notes_on_arrays
from limelight.data.inspection.series_checks import SamplingRates, sampling_rates
from limelight.data.panel import Panel

RANDOM = np.random.default_rng(0)
SEEDED = RANDOM.bit_generator.state
LABELS = ["ok", "worn"] * 6


@pytest.fixture(autouse=True)
def _same_values() -> None:
    """Draw the same values in every test, whichever ran before."""
    RANDOM.bit_generator.state = SEEDED


def panel_of(series: Sequence[Any], **attributes: Any) -> Panel:
    return Panel.from_series(series, **{"labels": LABELS[: len(series)], **attributes})


def noise(steps: int = 20) -> np.ndarray:
    return RANDOM.normal(size=steps)


def warnings_of(panel: Panel) -> tuple[str, ...]:
    return inspect_panel(panel).warnings


def test_series_without_values_are_named() -> None:
    series = [*(noise() for _ in range(11)), np.full(20, np.nan)]
    assert warnings_of(panel_of(series, ids=[f"p{row}" for row in range(12)]))[0] == (
        "series 'p11' has no value in any channel; leave such series out"
    )


def padded(steps: int, width: int = 1) -> np.ndarray:
    return np.concatenate([RANDOM.normal(size=(steps, width)), np.zeros((20 - steps, width))])


@pytest.mark.parametrize("width", [1, 2])
def test_series_padded_with_zeros_are_questioned(width: int) -> None:
    panel = panel_of([padded(8 + row, width) for row in range(12)])
    assert warnings_of(panel)[0] == (
        "11 series of the same length end in different numbers of zeros, as if they were padded; if so, leave these cells "
        "empty, so that the series are shorter"
    )
    assert notes_on_arrays(panel) == (
        "11 series of the same length end in different numbers of zeros, as if they were padded; if so, pass a list of "
        "arrays of their own lengths, so that the series are shorter",
    )


@pytest.mark.parametrize(
    "series",
    [
        [noise() for _ in range(12)],
        [padded(12) for _ in range(12)],
        [(RANDOM.random(20) < 0.2).astype(float) for _ in range(12)],
        [np.append(noise(8 + row), [0, 0, 0]) for row in range(12)],
    ],
    ids=["no zeros", "as many in each", "counts of events", "of different lengths"],
)
def test_other_zeros_are_values(series: list[np.ndarray]) -> None:
    assert not any("zeros" in sentence for sentence in warnings_of(panel_of(series)))


def clocked(*steps: float, labels: Sequence[str] = LABELS) -> Panel:
    times = [np.arange(20) * step for step in steps]
    return panel_of([noise() for _ in steps], times=times, labels=list(labels[: len(steps)]))


def test_sampling_rates_that_determine_the_class_are_a_leak() -> None:
    sentence = warnings_of(clocked(*[0.02, 0.01] * 6))[0]
    assert sentence == (
        "the time step differs between the classes, 0.01 in 6 series, 0.02 in 6 series, so that a model can infer the label "
        "from the sampling rate; resample all series to one step"
    )


def test_equal_sampling_rates_are_not_a_leak() -> None:
    panel = clocked(*[0.02] * 8, *[0.01] * 4, labels=["ok", "worn"] * 4 + [""] * 4)
    assert sampling_rates(panel) == SamplingRates(((0.01, 4), (0.02, 8)), reveals_class=False)


def test_different_sampling_rates_in_both_classes_are_warned_of() -> None:
    sentence = warnings_of(clocked(*[0.02] * 6, *[0.01] * 6))[0]
    assert sentence == (
        "series have different time steps, 0.01 in 6 series, 0.02 in 6 series, which change the shapes that a model "
        "sees; resample all series to one step"
    )


@pytest.mark.parametrize(
    "panel",
    [
        clocked(*[0.02, 0.0203] * 6),
        panel_of([noise()] * 12),
        panel_of([noise() for _ in LABELS], times=[np.cumsum(RANDOM.exponential(size=20)) for _ in LABELS]),
        clocked(*[0.02] * 11, 0.5),
    ],
    ids=["nearly one rate", "no clock", "irregular", "one odd series"],
)
def test_other_clocks_have_one_rate(panel: Panel) -> None:
    assert sampling_rates(panel) is None


def test_ids_that_may_name_one_series_are_questioned() -> None:
    ids = [f"{letter}{number}" for number in range(6) for letter in "pP"]
    sentence = warnings_of(panel_of([noise() for _ in ids], ids=ids))[0]
    assert sentence == (
        "ids differ only by case, blanks or punctuation, 'p0' and 'P0', 'p1' and 'P1', 'p2' and 'P2' and 3 more; if they "
        "name the same series, write them in the same way"
    )


def test_sentinels_in_metadata_are_questioned() -> None:
    ages = [20.0, 31, 45, 52, -999, 38, -999, 27, 61, 33, 48, 55]
    sentence = warnings_of(panel_of([noise() for _ in ages], metadata=pa.table({"age": ages})))[0]
    assert sentence == (
        "metadata 'age' has the value -999 2 times, far from all others (20 to 61); if it stands for a missing value, "
        "leave these cells empty"
    )


def test_units_that_differ_between_series_are_questioned() -> None:
    units = ["bar", "mbar", "bar"] * 4
    sentences = warnings_of(panel_of([noise() for _ in units], metadata=pa.table({"Einheit": units})))
    assert (
        "metadata 'Einheit' names 2 units, 'bar', 'mbar', but values are not converted; convert all series to one unit"
    ) in sentences


def test_a_class_that_may_mean_unknown_is_questioned() -> None:
    labels = ["?", "ok", "worn"] * 4
    assert warnings_of(panel_of([noise() for _ in labels], labels=labels))[0] == (
        "class '?' is learned like any other, although it may stand for an unknown label; if it does, leave these labels "
        "empty"
    )


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_series_in_another_unit_are_questioned(factor: int) -> None:
    panel = panel_of([(5 + noise()) * (factor if row % 4 < 2 else 1) for row in range(12)], channels=["p"])
    assert (
        f"channel 'p' varies about {factor:,} times as much in 6 series as in the other 6, as if they were in another unit; "
        "convert all series to one unit"
    ) in warnings_of(panel)


@pytest.mark.parametrize("factors", [[1, 30], [1, 200], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1_000]])
def test_other_differences_of_scale_are_values(factors: list[int]) -> None:
    series = [noise(200) * factors[row % len(factors)] for row in range(12)]
    assert not any("unit" in sentence for sentence in warnings_of(panel_of(series)))
