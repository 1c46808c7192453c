import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.synthetic.sine import SineSettings, generate_sine

PANEL = generate_sine(SineSettings(dataset_size=300, num_points=200), seed=5)
HELD = np.flatnonzero(PANEL.labels == "anomalous")
FREE = np.flatnonzero(PANEL.labels == "normal")


def test_half_of_the_series_are_normal() -> None:
    assert (len(FREE), len(HELD)) == (150, 150)


@pytest.mark.parametrize(("ratio", "normal"), [(0.0, 0), (0.25, 25), (1.0, 100)])
def test_ratio_is_the_share_of_normal_series(ratio: float, normal: int) -> None:
    panel = generate_sine(SineSettings(dataset_size=100, num_points=20, normal_anomalous_ratio=ratio))
    assert (panel.labels == "normal").sum() == normal


@pytest.mark.parametrize("row", FREE[:20])
def test_normal_series_is_a_sine_with_values_from_the_grids(row: int) -> None:
    series = PANEL.series(row)[:, 0].astype(np.float64)
    angles = np.linspace(0, 2 * np.pi, 200)
    grid = np.arange(1, 4.001, 0.01)
    waves = np.sin(grid[:, None] * angles)
    amplitudes = (waves @ series) / (waves**2).sum(axis=1)
    errors = np.abs(amplitudes[:, None] * waves - series).max(axis=1)
    best = int(errors.argmin())
    assert errors[best] < 1e-4
    assert abs(amplitudes[best] * 100 - round(amplitudes[best] * 100)) < 1e-2
    assert 1 <= round(amplitudes[best], 2) <= 10


@pytest.mark.parametrize("row", HELD)
def test_an_anomalous_sine_is_flat_only_in_its_interval(row: int) -> None:
    start, stop = PANEL.intervals[row]
    series = PANEL.series(row)[:, 0]
    assert 0 <= start < stop <= 200
    assert (series[start:stop] == series[start]).all()
    assert start <= 0.9 * 200
    assert stop == 200 or 0.1 * 200 <= stop - start <= 0.5 * 200


def test_normal_series_have_no_interval() -> None:
    assert (PANEL.intervals[FREE] == -1).all()


def test_the_seed_determines_the_waves() -> None:
    small = SineSettings(dataset_size=20, num_points=30)
    first, again, other = generate_sine(small, 1), generate_sine(small, 1), generate_sine(small, 2)
    np.testing.assert_array_equal(first.values, again.values)
    assert (first.labels == again.labels).all()
    assert (first.values != other.values).any()


def test_waves_are_distinct_if_the_grids_allow_it() -> None:
    panel = generate_sine(SineSettings(dataset_size=5000, num_points=20, normal_anomalous_ratio=1.0))
    assert len(np.unique(panel.values.reshape(5000, 20), axis=0)) == 5000


def test_small_grids_may_repeat_waves() -> None:
    fixed = SineSettings(dataset_size=10, num_points=20, min_freq=2, max_freq=2, min_amp=3, max_amp=3)
    assert len(generate_sine(fixed)) == 10


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(2, 50), points=st.integers(2, 60), loc=st.floats(0, 1), length=st.floats(0, 1), seed=st.integers(0, 99)
)  # fmt: skip
def test_any_settings_give_finite_waves_and_intervals_inside(
    size: int, points: int, loc: float, length: float, seed: int
) -> None:
    sine_settings = SineSettings(
        dataset_size=size, num_points=points, min_loc=loc, max_loc=loc, min_length=length, max_length=length
    )
    panel = generate_sine(sine_settings, seed)
    assert panel.shape == (size, points, 1)
    assert np.isfinite(panel.values).all()
    held = panel.intervals[panel.labels == "anomalous"]
    assert ((held[:, 0] >= 0) & (held[:, 0] < held[:, 1]) & (held[:, 1] <= points)).all()
