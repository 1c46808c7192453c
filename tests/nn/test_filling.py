"""Filling of missing values, compared with a plain loop."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limelight.nn.filling import Filling

NAN = float("nan")
WAYS = ["mean", "last", "linear", "mask"]


def slowly(way: str, values: NDArray[np.float64], clock: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill one series of shape (time, channels), one value at a time."""
    filled = np.zeros(values.shape)
    for channel in range(values.shape[1]):
        known = [step for step in range(len(values)) if not np.isnan(values[step, channel])]
        for step in range(len(values)):
            before = [one for one in known if one <= step]
            if step in known:
                filled[step, channel] = values[step, channel]
            elif way == "last" and before:
                filled[step, channel] = values[before[-1], channel]
            elif way == "linear" and known:
                filled[step, channel] = np.interp(clock[step], clock[known], values[known, channel])
    return np.concatenate([filled, np.isnan(values)], axis=1) if way == "mask" else filled


@st.composite
def batches_with_gaps(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw values with gaps, the mask of real steps, and the time between steps; padding holds arbitrary values."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    time, channels = max(lengths) + draw(st.integers(0, 3)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.normal(size=(len(lengths), time, channels))
    values[random.random(values.shape) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))] = np.nan
    mask = np.arange(time) < np.array(lengths)[:, None]
    elapsed = random.integers(1, 50, size=mask.shape) / 8 * mask
    elapsed[:, 0] = 0
    return torch.tensor(values).float(), torch.tensor(mask), torch.tensor(elapsed).float()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by_clock", [False, True])
@settings(max_examples=50, deadline=None)
@given(batch=batches_with_gaps())
def test_filling_agrees_with_a_plain_loop(
    way: str, by_clock: bool, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    values, mask, elapsed = batch
    filling = Filling(way, values.shape[2])
    filled = filling(values, mask, elapsed if by_clock else None)
    assert filled.shape == (*values.shape[:2], filling.width)
    assert (filled[~mask] == 0).all()
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        clock = np.cumsum(elapsed[row, :length].double().numpy()) if by_clock else np.arange(length, dtype=float)
        expected = slowly(way, values[row, :length].double().numpy(), clock)
        np.testing.assert_allclose(filled[row, :length].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=30, deadline=None)
@given(batch=batches_with_gaps())
def test_known_values_are_unchanged(way: str, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    values, mask, elapsed = batch
    known = mask[:, :, None] & ~values.isnan()
    filled = Filling(way, values.shape[2])(values, mask, elapsed)[:, :, : values.shape[2]]
    assert torch.equal(filled[known], values[known])


def filled(way: str, values: list[float], elapsed: list[float] | None = None) -> list[float]:
    mask = torch.ones(1, len(values), dtype=torch.bool)
    between = None if elapsed is None else torch.tensor([elapsed])
    return Filling(way, 1)(torch.tensor(values)[None, :, None], mask, between).flatten().tolist()


def test_the_mean_precedes_the_first_known_value() -> None:
    assert filled("last", [NAN, 3.0, NAN]) == [0.0, 3.0, 3.0]


def test_linear_filling_extends_the_nearest_value() -> None:
    assert filled("linear", [NAN, 2.0, NAN, 4.0, NAN, NAN]) == [2.0, 2.0, 3.0, 4.0, 4.0, 4.0]


@pytest.mark.parametrize("way", ["mean", "last", "linear"])
def test_a_channel_without_known_values_is_the_mean(way: str) -> None:
    assert filled(way, [NAN, NAN]) == [0.0, 0.0]


def test_linear_filling_is_finite_at_repeated_times() -> None:
    assert filled("linear", [1.0, NAN, 3.0], [0.0, 0.0, 0.0]) == [1.0, 1.0, 3.0]


def test_a_long_clock_keeps_short_gaps_apart() -> None:
    year = 31_536_000.0
    assert filled("linear", [0.0, 0.0, NAN, 1.0], [0.0, year, 1.0, 1.0]) == [0.0, 0.0, 0.5, 1.0]


@pytest.mark.parametrize("way", WAYS)
def test_traced_filling_applies_to_other_batches(way: str) -> None:
    def batch(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        time = max(lengths)
        values = torch.randn(len(lengths), time, 2).masked_fill(torch.rand(len(lengths), time, 2) < 0.4, NAN)
        return values, torch.arange(time) < torch.tensor(lengths)[:, None], torch.rand(len(lengths), time)

    filling, any_size = Filling(way, 2), {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    traced = torch.export.export(filling, batch([5, 4]), dynamic_shapes=(any_size,) * 3).module()
    other = batch([9, 4, 1])
    torch.testing.assert_close(traced(*other), filling(*other))
