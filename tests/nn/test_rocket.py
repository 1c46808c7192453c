from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from limelight.errors import ParameterError
from limelight.nn import fixed_features, rocket
from limelight.nn.rocket import RocketEncoder, plan_dilations


def _series(n, length, channels, seed=0):
    return torch.randn(n, length, channels, generator=torch.Generator().manual_seed(seed))


def _full(values):
    return torch.ones(values.shape[:2], dtype=torch.bool)


def _fitted(values, mask=None, features=84 * 12, seed=0, **kwargs):
    encoder = RocketEncoder(values.shape[2], values.shape[1], features, **kwargs)
    encoder.fit(values, _full(values) if mask is None else mask, torch.Generator().manual_seed(seed))
    return encoder


def _on_grid(encoder, series):
    """Values rounded to so many bits of the power of two above the largest."""
    step = 2.0 ** (np.frexp(series.abs().max().item())[1] - encoder.bits)
    return np.round(series.double().numpy() / step) * step


def _reference_convolution(series, kernel, dilation, channels):
    """One kernel over one series by its definition, zeros beyond its ends; shape (time,)."""
    output = np.zeros(len(series))
    for t in range(len(series)):
        for tap in range(9):
            at = t + (tap - 4) * dilation
            if 0 <= at < len(series):
                output[t] += (2 if tap in kernel else -1) * series[at, channels].sum()
    return output


def _reference_features(encoder, series):
    """The features of one series, step by step."""
    grid = _on_grid(encoder, series)
    features = []
    for place, one in enumerate(encoder.plan):
        thresholds = encoder.thresholds[one.features].view(84, -1).double().numpy()
        for k, kernel in enumerate(combinations(range(9), 3)):
            output = _reference_convolution(grid, kernel, one.step, encoder.reads[place, k].numpy())
            reach = 4 * one.step
            steps = np.arange(0, len(output), one.stride)
            within = steps[(steps >= reach) & (steps < len(output) - reach)]
            output = output[within if (k + place) % 2 == 1 and len(within) else steps]
            features += [np.mean(output > threshold) for threshold in thresholds[k]]
    return np.array(features, dtype=np.float32)


@pytest.mark.parametrize(("length", "channels"), [(1, 1), (7, 1), (9, 2), (30, 1), (41, 3)])
def test_features_are_those_of_the_papers_definition(length, channels):
    values = _series(3, length, channels)
    encoder = _fitted(values, features=84 * 5)
    expected = np.stack([_reference_features(encoder, one) for one in values])
    np.testing.assert_allclose(encoder(values, _full(values)).numpy(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("length", [4, 40, 71])
def test_features_of_a_long_series_count_every_few_steps(monkeypatch, length):
    monkeypatch.setattr(fixed_features, "POSITIONS", 10)
    encoder = _fitted(_series(3, 71, 2), features=84 * 5)
    values = _series(2, length, 2, seed=1)
    assert [one.stride for one in encoder.plan] == [1, 1, 2, 4]
    expected = np.stack([_reference_features(encoder, one) for one in values])
    np.testing.assert_allclose(encoder(values, _full(values)).numpy(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3])
def test_thresholds_are_quantiles_of_the_convolution_of_a_training_series(channels):
    values = _series(1, 50, channels)
    encoder = _fitted(values, features=84 * 6)
    grid = _on_grid(encoder, values[0])
    golden = (np.arange(1, encoder.width + 1) * ((np.sqrt(5) + 1) / 2)) % 1
    for place, one in enumerate(encoder.plan):
        ours = encoder.thresholds[one.features].view(84, -1).double().numpy()
        wanted = golden[one.features].reshape(84, -1)
        for k, kernel in enumerate(combinations(range(9), 3)):
            output = _reference_convolution(grid, kernel, one.step, encoder.reads[place, k].numpy())
            np.testing.assert_allclose(ours[k], np.quantile(output, wanted[k]), rtol=0, atol=1e-6)


@cache
def _whole_and_its_features(length, channels):
    """An encoder fitted without a border between blocks, and the features of its series by definition."""
    values = _series(2, length, channels)
    whole = _fitted(values, features=84 * 5)
    return whole, np.stack([_reference_features(whole, one) for one in values])


@pytest.mark.parametrize("block", [1, 8, 19, 40])
@pytest.mark.parametrize(("length", "channels"), [(41, 1), (64, 2)])
def test_features_and_thresholds_do_not_depend_on_block_borders(monkeypatch, block, length, channels):
    values = _series(2, length, channels)
    whole, expected = _whole_and_its_features(length, channels)
    monkeypatch.setattr(rocket, "BLOCK", block)
    monkeypatch.setattr(rocket, "COMPARISONS", block)
    monkeypatch.setattr(rocket, "SORTED", block)
    parts = _fitted(values, features=84 * 5)
    assert torch.equal(parts.thresholds, whole.thresholds)
    np.testing.assert_allclose(parts(values, _full(values)).numpy(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("length", [1, 5, 12])
def test_series_shorter_than_a_dilation_follow_the_definition(length):
    encoder = _fitted(_series(2, 200, 2), features=84 * 6)
    short = _series(2, length, 2, seed=1)
    expected = np.stack([_reference_features(encoder, one) for one in short])
    np.testing.assert_allclose(encoder(short, _full(short)).numpy(), expected, rtol=0, atol=1e-7)


def _reference_authors_dilations(input_length, num_features, max_dilations_per_kernel):
    """The authors' published ``_fit_dilations``, word for word but for its decorators."""
    num_features_per_kernel = num_features // 84
    true_max_dilations_per_kernel = min(num_features_per_kernel, max_dilations_per_kernel)
    multiplier = num_features_per_kernel / true_max_dilations_per_kernel
    max_exponent = np.log2((input_length - 1) / (9 - 1))
    dilations, num_features_per_dilation = np.unique(
        np.logspace(0, max_exponent, true_max_dilations_per_kernel, base=2).astype(np.int32), return_counts=True
    )
    num_features_per_dilation = (num_features_per_dilation * multiplier).astype(np.int32)
    remainder = num_features_per_kernel - np.sum(num_features_per_dilation)
    i = 0
    while remainder > 0:
        num_features_per_dilation[i] += 1
        remainder -= 1
        i = (i + 1) % len(num_features_per_dilation)
    return list(zip(dilations.tolist(), num_features_per_dilation.tolist(), strict=True))


@pytest.mark.parametrize("length", [10, 24, 96, 251, 460, 1460])
@pytest.mark.parametrize("features", [84, 1_000, 10_000])
def test_dilations_are_those_of_the_authors(length, features):
    ours = [(one.step, one.thresholds) for one in plan_dilations(length, features, 32)]
    assert ours == _reference_authors_dilations(length, features, 32)


@given(length=st.integers(1, 3000), features=st.integers(84, 12_000), most=st.integers(1, 40))
@settings(deadline=None, max_examples=50)
def test_every_plan_makes_all_features_within_the_series(length, features, most):
    plan = plan_dilations(length, features, most)
    assert sum(84 * one.thresholds for one in plan) == features // 84 * 84
    assert all(one.thresholds >= 1 for one in plan)
    assert plan[-1].reach * 2 < max(length, 9)


@given(
    length=st.integers(1, 60),
    more=st.integers(0, 70),
    junk=st.sampled_from([0.0, 7.0, -1e9]),
    channels=st.integers(1, 3),
)
@settings(deadline=None, max_examples=50)
def test_padding_never_changes_the_features(length, more, junk, channels):
    values = _series(3, 40, channels)
    encoder = _fitted(values)
    alone = _series(1, length, channels, seed=1)
    padded = torch.cat([alone, torch.full((1, more, channels), junk)], dim=1)
    mask = torch.arange(length + more)[None] < length
    other = _series(1, length + more, channels, seed=2)
    together = encoder(torch.cat([other, padded]), torch.cat([_full(other), mask]))
    assert torch.equal(together[1:], encoder(alone, _full(alone)))


def test_a_constant_series_has_the_same_features_in_every_batch():
    flat = torch.full((1, 37, 2), 1 / 3)
    encoder = _fitted(flat)
    alone = encoder(flat, _full(flat))
    mixed = torch.cat([_series(50, 37, 2), flat])
    assert torch.equal(encoder(mixed, _full(mixed))[50:], alone)


def test_a_series_a_thousand_times_smaller_keeps_its_shape():
    values = _series(1, 200, 1) / 1_000
    encoder = _fitted(values, features=84 * 20)
    exact = torch.nn.functional.conv1d(values.double().transpose(1, 2), encoder.taps.double()[:, None], padding=4)
    expected = (exact > encoder.thresholds[encoder.plan[0].features].view(84, -1)[:, :1]).double().mean(dim=2)
    ours = encoder(values, _full(values))[0, encoder.plan[0].features].view(84, -1)[::2, 0]
    torch.testing.assert_close(ours.double(), expected[0, ::2], rtol=0, atol=1.5 / 200)


@pytest.mark.parametrize("length", [5_001, rocket.BLOCK, 2 * rocket.BLOCK + 1])
def test_long_series_are_counted_in_full(length):
    values = _series(2, length, 1)
    encoder = _fitted(values, features=84)
    grid = torch.stack([torch.tensor(_on_grid(encoder, one)) for one in values]).float()
    outputs = torch.nn.functional.conv1d(grid.transpose(1, 2), encoder.taps[:, None], padding=4)
    above = outputs > encoder.thresholds[:, None]
    above[:, 1::2, :4] = above[:, 1::2, -4:] = False
    counted = torch.tensor([length, length - 8]).repeat(42)
    assert torch.allclose(encoder(values, _full(values)), above.sum(dim=2) / counted, rtol=0, atol=1e-7)


def test_features_do_not_depend_on_the_block_size(monkeypatch):
    values = _series(7, 50, 2)
    mask = torch.arange(50) < torch.tensor([50, 3, 20, 50, 1, 33, 8])[:, None]
    encoder = _fitted(values, mask)
    weights = torch.randn(2, encoder.width)
    features, parts = encoder(values, mask), encoder.contributions(values, mask, weights, encoder.typical)
    monkeypatch.setattr(rocket, "BLOCK", 17)
    assert torch.equal(encoder(values, mask), features)
    again = encoder.contributions(values, mask, weights, encoder.typical)
    torch.testing.assert_close(again, parts, rtol=0, atol=1e-5)


def test_counting_on_other_devices_agrees_with_the_cpu():
    outputs, thresholds = torch.randn(84, 3, 48), torch.randn(84, 5)
    ours = rocket._count_above(outputs, thresholds, np.empty(84 * 5 * 3 * 48, dtype=bool))
    assert torch.equal(ours, rocket._count_by_torch(outputs, thresholds))


def test_counts_reach_sixteen_bits():
    steps = 32 * 2_040
    ours = rocket._count_above(torch.ones(1, 1, steps), torch.zeros(1, 1), np.empty(steps, dtype=bool))
    assert ours.item() == steps


def test_the_seed_determines_the_fitted_encoder():
    values = _series(20, 40, 4)
    first, again, other = (_fitted(values, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.thresholds, again.thresholds)
    assert torch.equal(first.reads, again.reads)
    assert not torch.equal(first.thresholds, other.thresholds)
    assert not torch.equal(first.reads, other.reads)


def test_kernels_read_one_to_nine_channels_and_mostly_few():
    values = _series(4, 30, 20)
    counts = _fitted(values, features=84 * 20).reads.sum(dim=-1)
    assert (int(counts.min()), int(counts.max())) == (1, 9)
    assert (counts == 1).double().mean() == pytest.approx(np.log10(2), abs=0.05)


def test_a_saved_encoder_loads_from_settings_and_buffers():
    values = _series(6, 40, 3)
    encoder = _fitted(values)
    fresh = RocketEncoder(3, 40, 84 * 12)
    fresh.load_state_dict(load(save(encoder.state_dict())))
    assert torch.equal(fresh(values, _full(values)), encoder(values, _full(values)))
    assert sorted(encoder.state_dict()) == ["reads", "thresholds", "typical"]


@given(lengths=st.lists(st.integers(1, 45), min_size=1, max_size=5), outputs=st.integers(1, 3))
@settings(deadline=None, max_examples=30)
def test_contributions_of_the_steps_sum_to_the_logits(lengths, outputs):
    values = _series(len(lengths), max(lengths), 2)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    encoder = _fitted(_series(5, 40, 2))
    weights = torch.randn(outputs, encoder.width, generator=torch.Generator().manual_seed(0))
    typical = torch.rand(encoder.width, generator=torch.Generator().manual_seed(1))
    parts = encoder.contributions(values, mask, weights, typical)
    assert parts.shape == (len(lengths), outputs, max(lengths), 2)
    expected = (encoder(values, mask).double() - typical.double()) @ weights.double().T
    torch.testing.assert_close(parts.sum(dim=(2, 3)), expected, rtol=0, atol=1e-5)
    assert not parts.transpose(1, 2)[~mask].any()


def test_contributions_are_divided_among_the_steps_of_a_kernel():
    values = torch.zeros(1, 100, 1)
    values[0, 60] = 5.0
    encoder = RocketEncoder(1, 100, 84)
    encoder.thresholds += 1.0
    parts = encoder.contributions(values, _full(values), torch.ones(1, encoder.width), encoder.typical)[0, 0, :, 0]
    assert parts.nonzero().flatten().tolist() == list(range(52, 69))
    assert parts.argmax() == 60
    assert torch.allclose(parts[52:69], parts[52:69].flip(0), atol=1e-3)


def test_contributions_are_divided_among_the_channels_of_a_kernel():
    values = _series(3, 50, 3)
    encoder = _fitted(values)
    encoder.reads[..., 1] = False
    encoder.reads[..., 0] = True
    parts = encoder.contributions(values, _full(values), torch.ones(1, encoder.width), encoder.typical)
    assert not parts[..., 1].any()
    assert (parts[..., 0] >= parts[..., 2]).all()


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ParameterError) as error:
        RocketEncoder(1, 100, 50)
    assert str(error.value) == "expected features of at least 84, got 50; use a larger number"
