import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data import statistics
from limelight.data.panel import Panel
from limelight.data.statistics import channel_statistics
from support.strategies import panels


@given(panel=panels(), steps=st.integers(1, 9))
@settings(deadline=None, max_examples=80)
def test_statistics_equal_those_of_numpy_for_any_blocks(panel, steps):
    found = channel_statistics(panel, steps)
    values = panel.values.astype(np.float64)
    assert found.missing.tolist() == np.isnan(values).sum(axis=0).tolist()
    assert found.count.tolist() == np.isfinite(values).sum(axis=0).tolist()
    for place in range(values.shape[1]):
        known = values[np.isfinite(values[:, place]), place]
        numbers = [one[place] for one in (found.minimum, found.maximum, found.mean, found.deviation)]
        if not len(known):
            assert np.isnan(numbers).all()
            continue
        size = np.abs(known).max()
        np.testing.assert_allclose(numbers[:3], [known.min(), known.max(), known.mean()], rtol=1e-9, atol=1e-9 * size)
        np.testing.assert_allclose(numbers[3], known.std(), rtol=1e-6, atol=1e-9 * size)


@given(panel=panels().filter(lambda panel: panel.times is not None), steps=st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_clock_statistics_equal_those_of_numpy_for_any_blocks(panel, steps):
    clock = channel_statistics(panel, steps).clock
    scale = 1e-9 if panel.times.dtype.kind == "M" else 1.0
    clocks = [panel.clock(row).astype(np.int64) for row in range(len(panel))]
    elapsed = np.concatenate([np.diff(one, prepend=one[0]) for one in clocks])
    assert (clock.mean_step, clock.deviation_step) == pytest.approx((scale * elapsed.mean(), scale * elapsed.std()))
    within = [np.diff(one) for one in clocks]
    every = np.concatenate(within)
    if not len(every):
        assert (clock.typical_step, clock.irregular) == (None, False)
        return
    typical = np.median(every)
    assert clock.typical_step == pytest.approx(scale * typical)
    assert clock.gaps == (every > 1.5 * typical).sum()
    assert clock.series_with_gaps == sum((one > 1.5 * typical).any() for one in within)
    assert clock.irregular == (np.mean(np.abs(every - typical) > 0.05 * typical) > 0.01)


def test_infinite_values_are_counted_and_excluded():
    found = channel_statistics(Panel.from_series([[1.0, np.inf, 3.0, -np.inf, np.nan]]))
    assert (found.count.tolist(), found.infinite.tolist(), found.missing.tolist()) == ([2], [2], [1])
    assert (found.mean.tolist(), found.deviation.tolist()) == ([2.0], [1.0])


def test_large_values_keep_their_small_spread():
    values = 1e6 + np.tile([0.0, 1.0], 5000)
    assert channel_statistics(Panel.from_series([values]), 64).deviation[0] == pytest.approx(0.5)


def test_a_regular_clock_and_an_irregular_one_are_distinguished():
    regular = Panel.from_series([np.zeros(200)], times=[np.arange(200) * 0.1])
    assert not channel_statistics(regular).clock.irregular
    steps = np.where(np.arange(200) % 10 == 0, 0.2, 0.1)
    uneven = Panel.from_series([np.zeros(200)], times=[np.cumsum(steps)])
    assert channel_statistics(uneven).clock.irregular


def test_the_typical_step_is_sampled_over_all_series(monkeypatch):
    monkeypatch.setattr(statistics, "SAMPLE", 100)
    monkeypatch.setattr(statistics, "SAMPLE_AT_ONCE", 7)
    steps = np.where(np.arange(8) == 0, 1.0, 10.0)  # one of eight series has another sampling rate
    panel = Panel.from_series([np.zeros(400)] * 8, times=[np.arange(400) * step for step in steps])
    clock = channel_statistics(panel).clock
    assert (clock.typical_step, clock.gaps, clock.irregular) == (10.0, 0, True)


@pytest.mark.parametrize(("series", "steps", "channels"), [(1, 400_000, 2), (400, 10, 200)])
def test_memory_does_not_grow_with_length_or_channels(series, steps, channels):
    values = np.zeros((series * steps, channels), dtype=np.float32)
    times = np.tile(np.arange(steps), series)
    panel = Panel(values, np.arange(series) * steps, np.full(series, steps), times=times)
    tracemalloc.start()
    statistics._ClockAccumulator(panel)  # the memory of the sampled time steps is bounded by the sample size
    sample = tracemalloc.get_traced_memory()[1]
    channel_statistics(panel, 20_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= sample + 20_000 * 8 * 10


def test_series_without_a_clock_have_no_clock_statistics():
    assert channel_statistics(Panel.from_series([[1.0]])).clock is None
