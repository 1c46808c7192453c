"""Blocks of fixed features: against naive references, exact in any batch, and split exactly over the steps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from limelight.errors import ParameterError
from limelight.nn import fixed_features, hydra, hydra_sums, rocket_counts, shapelet_matches
from limelight.nn.blocks import BLOCKS, BlocksEncoder
from limelight.nn.hydra import HydraBlock
from limelight.nn.network import Network
from limelight.nn.quantiles import QuantileBlock
from limelight.nn.shapelet_matches import FLAT_SPREAD, SHAPES, TOGETHER
from limelight.nn.shapelets import ShapeletBlock
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import Blocks
from limelight.parts.encoders.blocks import BLOCK_NAMES
from support.errors import message_of

LENGTHS = torch.tensor([1, 2, 9, 17, 30])


def ragged(channels: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(30) < LENGTHS[:, None]
    return torch.randn(5, 30, channels, generator=generator), mask


def encoder(name: str, channels: int) -> BlocksEncoder:
    built = BlocksEncoder(channels, 30, (name,), features=168, groups=4, depth=3, shapelets=4)
    built.fit(*ragged(channels), torch.Generator().manual_seed(1))
    return built


ENCODERS = {(name, channels): encoder(name, channels) for name in BLOCKS for channels in (1, 3)}


@pytest.mark.parametrize(("name", "channels"), ENCODERS)
def test_features_are_the_same_in_any_batch(name: str, channels: int) -> None:
    values, mask = ragged(channels)
    together = ENCODERS[name, channels](values, mask)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = ENCODERS[name, channels](values[row : row + 1, :length], mask[row : row + 1, :length])
        assert torch.equal(together[row], alone[0])


@pytest.mark.parametrize(("name", "channels"), ENCODERS)
def test_a_single_series_is_read_in_parts_of_any_size(
    monkeypatch: pytest.MonkeyPatch, name: str, channels: int
) -> None:
    values, mask = ragged(channels)
    expected = ENCODERS[name, channels](values, mask)[-1:]
    for module, limit, fewest in (
        (rocket_counts, "INPUTS_AT_ONCE", "FEWEST_COUNTED"),
        (hydra_sums, "OUTPUTS_AT_ONCE", "FEWEST_SUMMED"),
    ):
        monkeypatch.setattr(module, limit, 1)
        monkeypatch.setattr(module, fewest, 7)
    monkeypatch.setattr(shapelet_matches, "MATCHES_AT_ONCE", 300)
    assert torch.equal(ENCODERS[name, channels](values[-1:], mask[-1:]), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_hydra_computes_the_same_with_numpy_and_torch(monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    values, mask = ragged(channels)
    values[1:3] = values[1:3].round()  # equal outputs
    found = ENCODERS["hydra", channels](values, mask)
    monkeypatch.setattr(hydra, "UNROLLED_CHANNELS", 0)
    assert torch.equal(found, ENCODERS["hydra", channels](values, mask))


@pytest.mark.parametrize(("name", "channels"), ENCODERS)
def test_contributions_of_the_steps_sum_to_the_logits(name: str, channels: int) -> None:
    values, mask = ragged(channels)
    built = ENCODERS[name, channels]
    weights = torch.randn(2, built.width, generator=torch.Generator().manual_seed(2))
    typical = built(*ragged(channels, seed=4)).mean(dim=0)
    parts = built.contributions(values, mask, weights, typical)
    expected = (built(values, mask).double() - typical.double()) @ weights.double().T
    assert parts.shape == (5, 2, 30, channels)
    assert torch.allclose(parts.sum(dim=(2, 3)), expected, atol=1e-6 * float(expected.abs().max()))
    assert (parts * ~mask[:, None, :, None]).abs().max() == 0


@pytest.fixture
def long_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Series of 30 steps are as long as those of which only every few steps are read."""
    monkeypatch.setattr(fixed_features, "POSITIONS", 8)
    monkeypatch.setattr(fixed_features, "PER_DILATION", 1)


@pytest.mark.usefixtures("long_series")
@pytest.mark.parametrize("name", ["rocket", "rocket_differences", "hydra", "shapelets"])
def test_contributions_of_subsampled_series_sum_to_the_logits(name: str) -> None:
    built = encoder(name, 3)
    values, mask = ragged(3)
    alone = [built(row[None, :n], one[None, :n]) for row, one, n in zip(values, mask, LENGTHS.tolist(), strict=True)]
    assert torch.equal(built(values, mask), torch.cat(alone))
    weights = torch.randn(2, built.width, generator=torch.Generator().manual_seed(2))
    parts = built.contributions(values, mask, weights, torch.zeros(built.width))
    assert torch.allclose(parts.sum(dim=(2, 3)), built(values, mask).double() @ weights.double().T, atol=1e-5)
    assert (parts * ~mask[:, None, :, None]).abs().max() == 0


def naive_hydra(block: HydraBlock, series: np.ndarray) -> np.ndarray:
    """Every output of every kernel by itself, in float64."""
    features = []
    for reading in (0, 1):
        read = np.diff(series) if reading else series
        for number, dilation in enumerate(block.dilations):
            for group in range(block.groups):
                kernels = block.kernels[reading, number, group].numpy().astype(float) / 64
                outputs = np.array(
                    [
                        [
                            sum(
                                kernel[tap] * read[step + (tap - 4) * dilation]
                                for tap in range(9)
                                if 0 <= step + (tap - 4) * dilation < len(read)
                            )
                            for step in range(len(read))
                        ]
                        for kernel in kernels
                    ]
                )[:, :: block.strides[number]]
                wins, loses = outputs == outputs.max(axis=0), outputs == outputs.min(axis=0)
                positions = len(series[:: block.strides[number]])
                features += [*(wins * outputs).sum(axis=1) / positions, *loses.sum(axis=1) / positions]
    return np.array(features)


@pytest.mark.parametrize(("positions", "strides"), [(10_000, [1, 1]), (8, [1, 2])])
def test_hydra_equals_a_naive_reference(monkeypatch: pytest.MonkeyPatch, positions: int, strides: list[int]) -> None:
    monkeypatch.setattr(fixed_features, "POSITIONS", positions)
    monkeypatch.setattr(fixed_features, "PER_DILATION", 1)
    block = HydraBlock(channels=1, length=30, groups=4)
    assert block.strides == strides
    series = torch.randn(1, 30, 1, generator=torch.Generator().manual_seed(3)).mul(2**10).round() / 2**10
    mask = torch.ones(1, 30, dtype=torch.bool)
    block.fit(series, mask, torch.Generator().manual_seed(0))
    expected = naive_hydra(block, series[0, :, 0].double().numpy())
    assert np.allclose(block(series, mask)[0].numpy(), expected, atol=1e-6)


def test_kernels_of_hydra_ignore_a_constant() -> None:
    block = HydraBlock(channels=1, length=50)
    block.fit(torch.zeros(1, 50, 1), torch.ones(1, 50, dtype=torch.bool), torch.Generator().manual_seed(0))
    assert (block.kernels.int().sum(dim=-1) == 0).all()
    assert block.kernels.int().abs().sum(dim=-1).max() <= 64


def naive_distances(block: ShapeletBlock, series: np.ndarray) -> np.ndarray:
    """Every shapelet at every position by itself, in float64."""
    patterns, units, levels = (one.numpy().astype(float) for one in (block.patterns, block.units, block.levels))
    features = []
    for number, dilation in enumerate(block.dilations):
        reach = (block.steps - 1) * dilation
        read = np.concatenate([series, np.full(max(0, reach + 1 - len(series)), series[-1])])
        stretches = [read[start : start + reach + 1 : dilation] for start in range(len(read) - reach)]
        for place in np.ndindex(block.groups, TOGETHER):
            pattern = patterns[number][place]
            if place[1] < SHAPES:
                pattern = pattern / (pattern.std() or np.inf)
                scaled = [(one - one.mean()) / max(one.std(), FLAT_SPREAD) for one in stretches]
                features.append(min((2 - 2 * (pattern * one).mean()) ** 0.5 for one in scaled))
            else:
                shapelet = levels[number][place] + units[number][place] * pattern
                features.append(min(np.square(shapelet - one).mean() ** 0.5 for one in stretches))
    return np.array(features)


@pytest.mark.parametrize("length", [30, 64, 12])
def test_distances_to_shapelets_equal_a_naive_reference(length: int) -> None:
    generator = torch.Generator().manual_seed(3)
    block, training = ShapeletBlock(channels=1, length=64, groups=3), torch.randn(4, 64, 1, generator=generator)
    block.fit(training, torch.ones(4, 64, dtype=torch.bool), generator)
    series = torch.randn(1, length, 1, generator=generator).mul(2**10).round() / 2**10
    series[0, 3:9] = 0.5  # without spread
    found = block(series, torch.ones(1, length, dtype=torch.bool))[0].numpy()
    assert np.allclose(found, naive_distances(block, series[0, :, 0].double().numpy()), atol=1e-4)


def test_shapelets_are_subsequences_of_the_training_series() -> None:
    values, mask = ragged(1)
    block = ShapeletBlock(channels=1, length=30, groups=8)
    block.fit(values, mask, torch.Generator().manual_seed(0))
    assert block(values, mask).amin(dim=0).max() < 0.06  # to the rounding of shapelets


def test_the_evidence_of_a_shapelet_lies_where_it_matches() -> None:
    block = ShapeletBlock(channels=1, length=20, groups=1)
    wave = torch.sin(torch.arange(20) / 3.0)
    block.fit(wave.view(1, 20, 1), torch.ones(1, 20, dtype=torch.bool), torch.Generator().manual_seed(0))
    series = torch.randn(1, 200, 1, generator=torch.Generator().manual_seed(1))
    series[0, 100:120, 0] = wave
    mask, weights = torch.ones(1, 200, dtype=torch.bool), torch.ones(1, block.width)
    parts = block.contributions(series, mask, weights, block(series, mask)[0] + 1)
    assert parts[0, 0, 100:120].sum() == pytest.approx(-block.width)
    assert parts[0, 0, :100].abs().max() == parts[0, 0, 120:].abs().max() == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**31 - 1))
def test_quantiles_equal_those_of_numpy(length: int, seed: int) -> None:
    values = torch.randn(2, length, 1, generator=torch.Generator().manual_seed(seed))
    block = QuantileBlock(channels=1, length=40, depth=1)
    found = block(values, torch.ones(2, length, dtype=torch.bool)).double().numpy()
    series = values[:, :, 0].double().numpy()
    expected = np.quantile(series, np.linspace(0, 1, 10), axis=1).T
    expected[:, 1::2] -= series.mean(axis=1, keepdims=True)
    assert np.allclose(found, expected, atol=1e-6)


def test_the_spectrum_of_a_wave_is_its_frequency() -> None:
    wave = torch.sin(2 * np.pi * 5 * torch.arange(64) / 64).view(1, 64, 1)
    block = QuantileBlock(channels=1, length=64, reading="spectrum", depth=1)
    largest_above_mean = block(wave, torch.ones(1, 64, dtype=torch.bool))[0, -1].item()
    assert largest_above_mean == pytest.approx(4 - 4 / 32, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "expected length of at least 1, got 0; use a larger number"),
        ({"groups": 1}, "expected groups of at least 2, got 1; use a larger number"),
    ],
)
def test_too_small_sizes_are_rejected(arguments: dict[str, int], message: str) -> None:
    assert message_of(ParameterError, HydraBlock, **{"channels": 1, "length": 10, **arguments}) == message


def test_parts_and_networks_know_the_same_blocks() -> None:
    assert tuple(BLOCKS) == BLOCK_NAMES


def test_a_network_can_be_reduced_to_some_fitted_blocks() -> None:
    architecture = Architecture.of(
        {"name": "blocks", "features": 84, "groups": 2, "shapelets": 2, "depth": 2, "length": 30}, "ppv", "linear"
    )
    network = Network(architecture, channels=2, outputs=3)
    values, mask = ragged(2)
    network.encoder.fit(values, mask, torch.Generator().manual_seed(0))
    smaller = network.with_blocks(["hydra", "spectrum"])
    spans = network.encoder.spans
    expected = network.encoder(values, mask)[:, [*columns(spans["hydra"]), *columns(spans["spectrum"])]]
    assert torch.equal(smaller.encoder(values, mask), expected)
    assert smaller.architecture.encoder.blocks == ["hydra", "spectrum"]
    assert smaller.head.in_features == expected.shape[1]


def columns(span: slice) -> range:
    return range(span.start, span.stop)


def test_a_block_named_twice_is_refused() -> None:
    assert message_of(ParameterError, lambda: Blocks(blocks=["hydra", "rocket", "hydra"]).checked()) == (
        "'blocks': expected blocks without repetition, got ['hydra', 'rocket', 'hydra']; name each block once"
    )


def test_an_unknown_block_is_refused() -> None:
    assert message_of(ParameterError, lambda: Blocks(blocks=["hidra"]).checked()) == (
        "'blocks': expected blocks.0 to be 'rocket', 'rocket_differences', 'hydra', 'shapelets', 'quantiles', "
        "'quantiles_differences' or 'spectrum', got 'hidra'"
    )


def test_a_model_saved_before_shapelets_is_loaded() -> None:
    old = Blocks(blocks=["rocket", "hydra"], features=84, groups=2, length=30)
    assert "shapelets" not in old.network_arguments()


def test_an_average_quantile_has_no_evidence() -> None:
    values = torch.tensor([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, -6.0]).view(1, 8, 1)
    mask, block = torch.ones(1, 8, dtype=torch.bool), QuantileBlock(channels=1, length=8, depth=1)
    features = block(values, mask)
    typical = features[0] - torch.tensor([2.0, 0.0])  # the minimum is 2 above the usual one, the maximum as usual
    parts = block.contributions(values, mask, torch.tensor([[1.0, 0.0]]), typical)
    assert parts[0, 0, :, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 2.0]
