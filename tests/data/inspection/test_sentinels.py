"""Sentinels, numbers that may stand for a missing value, are questioned; ordinary values are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.inspection.sentinels import ExtremeValues

DRAW = np.random.default_rng(3)
NOISE = DRAW.normal(size=2000)


def found(*parts, blocks=1):
    """Return the sentinels found among the values, in any order and in blocks."""
    values = np.random.default_rng(0).permutation(np.concatenate([np.ravel(part) for part in parts]).astype(np.float32))
    extremes = ExtremeValues()
    for block in np.array_split(values, blocks):
        extremes.add(block)
    return {float(f"{one.value:.7g}"): one.count for one in extremes.sentinels("x")}


@pytest.mark.parametrize("value", [-999, -9999, 9999, 999.9, -99, 32767, -32768, 65535, 1e20, -200])
def test_a_repeated_value_far_from_all_others_is_found(value):
    assert found(NOISE, [value] * 7, blocks=3) == {value: 7}


@pytest.mark.parametrize(("value", "others"), [(-1, 60 + 10 * NOISE), (-1, np.abs(NOISE)), (0, 55 + NOISE)])
def test_a_distant_value_is_found(value, others):
    assert found(others, [value] * 20) == {value: 20}


def test_a_common_sentinel_needs_less_evidence():
    assert found(NOISE, [-999]) == {-999: 1}
    assert found(np.linspace(0, 7000, 3000), [9999, 9999]) == {9999: 2}


def test_several_values_on_both_sides_are_found():
    assert found(NOISE, [-9999] * 4, [-999] * 5, [9999] * 3) == {-999: 5, -9999: 4, 9999: 3}


def test_a_sentinel_in_a_constant_channel_is_found():
    assert found([5.0] * 50, [-999] * 3) == {-999: 3}


@pytest.mark.parametrize(
    "values",
    [
        NOISE,
        np.round(NOISE, 1),
        DRAW.integers(0, 2, 500),
        DRAW.integers(-1, 2, 500),
        np.repeat([0, 1], [450, 50]),  # a flag that is seldom set
        np.repeat([0, 100], [450, 50]),
        np.repeat([0, 0.5, 1], [400, 60, 40]),
        np.append(NOISE, 80.0),  # one outlier
        np.clip(NOISE, -1, 1),
        np.repeat([0, 50, 100], 40),
        np.arange(-1, 30).repeat(9),
        DRAW.exponential(size=3000),
        np.zeros(20),
        [],
    ],
)
def test_ordinary_values_are_not_sentinels(values):
    assert found(values) == {}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([-999.0, 9999.0, 1e20]), st.integers(2, 40), st.integers(1, 5))
def test_common_sentinels_are_counted_exactly(seed, value, count, blocks):
    values = np.random.default_rng(seed).uniform(-50, 50, 300)
    assert found(values, [value] * count, blocks=blocks) == {value: count}
