import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from limelight.data.synthetic.bumps import PHRASES, BumpSettings, generate_bumps
from limelight.errors import ParameterError

FORMS = ["category", "number", "boolean", "text", "signal"]
SMALL = BumpSettings(dataset_size=60, num_points=40)


def generate_small(seed=0, **changes):
    return generate_bumps(dataclasses.replace(SMALL, **changes), seed)


def signs_by_half(panel):
    """Return the sign of the bump in each half of noiseless series."""
    values = panel.values.reshape(len(panel), -1)
    half = values.shape[1] // 2
    return np.sign(np.stack([values[:, :half].sum(axis=1), values[:, half:].sum(axis=1)], axis=1))


def largest_imbalance(*columns):
    """Return the largest difference of the counts of "up" and "down" among series with the same values."""
    labels, *groups = columns
    keys = np.stack([np.asarray(group).astype(str) for group in groups], axis=1)
    return max(abs(np.where(labels[(keys == key).all(axis=1)] == "up", 1, -1).sum()) for key in np.unique(keys, axis=0))


sizes = st.integers(4, 60)


@settings(max_examples=50, deadline=None)
@given(size=sizes, seed=st.integers(0, 99))
def test_the_metadata_alone_is_uninformative(size, seed):
    panel, _ = generate_small(seed, dataset_size=size)
    assert largest_imbalance(panel.labels, panel.metadata["mode"].to_pylist()) <= 1


@settings(max_examples=50, deadline=None)
@given(size=sizes, seed=st.integers(0, 99))
def test_the_series_alone_is_uninformative(size, seed):
    panel, _ = generate_small(seed, dataset_size=size, noise=0.0)
    assert largest_imbalance(panel.labels, signs_by_half(panel)[:, 0]) <= 1


@settings(max_examples=50, deadline=None)
@given(size=sizes, seed=st.integers(0, 99))
def test_labels_are_balanced(size, seed):
    panel, _ = generate_small(seed, dataset_size=size)
    assert largest_imbalance(panel.labels, np.zeros(size)) <= 1


@settings(max_examples=50, deadline=None)
@given(size=sizes, seed=st.integers(0, 99), points=st.integers(2, 50), width=st.integers(1, 25))
def test_both_together_determine_the_label(size, seed, points, width):
    if points < 2 * width:
        return
    panel, _ = generate_small(seed, dataset_size=size, num_points=points, width=width, noise=0.0)
    late = np.array(panel.metadata["mode"].to_pylist()) == "late"
    sign = signs_by_half(panel)[np.arange(size), late.astype(int)]
    assert (np.where(sign > 0, "up", "down") == panel.labels).all()


def test_a_noiseless_series_is_two_bumps_of_opposite_sign():
    panel, _ = generate_small(noise=0.0, width=5)
    bump = np.sin(np.pi * (np.arange(5) + 0.5) / 5).astype(np.float32)
    for wave in panel.values.reshape(60, 2, 20):
        found = [half[half != 0] for half in wave]
        assert [len(half) for half in found] == [5, 5]
        np.testing.assert_array_equal(np.abs(found), [bump, bump])
        np.testing.assert_array_equal(found[0], -found[1])


def test_bumps_occur_at_every_position_of_their_half():
    panel, _ = generate_small(dataset_size=1000, num_points=11, width=3)
    assert sorted(set(map(tuple, panel.intervals.tolist()))) == [
        (0, 3), (1, 4), (2, 5), (5, 8), (6, 9), (7, 10), (8, 11)
    ]  # fmt: skip


def test_intervals_contain_the_bump_that_determines_the_label():
    panel, _ = generate_small(noise=0.0)
    for row, (start, stop) in enumerate(panel.intervals):
        inside = panel.series(row)[start:stop, 0]
        assert stop - start == 8
        assert (inside > 0).all() if panel.labels[row] == "up" else (inside < 0).all()
        assert (start >= 20) == (panel.metadata["mode"][row].as_py() == "late")


def test_noise_has_the_stated_deviation():
    with_noise, without = generate_small(dataset_size=500)[0], generate_small(dataset_size=500, noise=0.0)[0]
    assert (with_noise.values - without.values).std() == pytest.approx(0.3, rel=0.02)


def test_the_clock_counts_the_steps():
    panel, _ = generate_small(dataset_size=4, num_points=20)
    assert [panel.clock(row).tolist() for row in range(4)] == [list(range(20))] * 4


@pytest.mark.parametrize(
    ("mode_as", "of_mode"),
    [
        ("category", {"early": "early", "late": "late"}),
        ("number", {0.0: "early", 1.0: "late"}),
        ("boolean", {False: "early", True: "late"}),
        ("text", {phrase.format(mode=mode): mode for phrase in PHRASES for mode in ("early", "late")}),
    ],
)
def test_the_mode_has_every_form_over_the_same_series(mode_as, of_mode):
    panel, signals = generate_small(mode_as=mode_as, noise=0.0)
    modes = panel.metadata["mode"].to_pylist()
    assert signals is None
    assert set(modes) == set(of_mode)
    assert [of_mode[mode] for mode in modes] == generate_small()[0].metadata["mode"].to_pylist()
    assert panel.labels.tolist() == generate_small()[0].labels.tolist()


def test_the_signal_has_the_mode_before_each_series_starts():
    panel, signals = generate_small(mode_as="signal")
    rows = signals.to_pylist()
    assert panel.metadata is None
    assert signals.column_names == ["series_id", "time", "mode"]
    counts = set()
    for name, start in zip(panel.ids, panel.intervals[:, 0], strict=True):
        own = [row for row in rows if row["series_id"] == name]
        times = [row["time"] for row in own]
        counts.add(len(own))
        assert {row["mode"] for row in own} == {"late" if start >= 20 else "early"}
        assert times == sorted(times)
        assert times[0] <= 0
        assert all(0 <= time < 40 for time in times[1:])
    assert counts == {1, 2, 3}


@pytest.mark.parametrize("mode_as", FORMS)
def test_the_seed_determines_the_series(mode_as):
    (first, signals), (again, signals_again), (other, _) = (generate_small(seed, mode_as=mode_as) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.values, again.values)
    assert first.labels.tolist() == again.labels.tolist()
    assert (first.metadata, signals) == (again.metadata, signals_again)
    assert (first.values != other.values).any()


def test_too_short_series_are_refused():
    with pytest.raises(ParameterError) as error:
        BumpSettings(num_points=15)
    assert str(error.value) == (
        "expected at least 16 points for two bumps of width 8, got 15; make num_points larger or width smaller"
    )


def test_an_unknown_form_of_the_mode_is_refused():
    with pytest.raises(ParameterError) as error:
        BumpSettings(mode_as="categories")
    assert (
        str(error.value)
        == "expected mode_as to be one of 'category', 'number', 'boolean', 'text', 'signal', got 'categories'; did you mean 'category'?"
    )


@pytest.mark.parametrize(
    "wrong", [{"dataset_size": 3}, {"noise": -0.1}, {"noise": float("nan")}, {"width": 0}, {"num_points": 15}, {"x": 1}]
)
def test_ranges_are_checked_when_settings_are_read(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(BumpSettings).validate_python(wrong)


def test_empty_settings_are_the_defaults():
    assert TypeAdapter(BumpSettings).validate_python({}) == BumpSettings()
