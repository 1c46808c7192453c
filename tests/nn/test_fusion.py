"""Fusions: where metadata enter the network, and how."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape
from limelight.nn.fusion import Film
from limelight.nn.network import Network
from limelight.nn.pooling import MetadataAttention
from limelight.parts.architecture import Architecture, preset

SHAPE = ContextShape(categories=(4,), signals=(3,))
MASK = torch.tensor([[True, True, True, True], [True, True, False, False]])


def small_batch(seed: int = 0) -> Batch:
    values = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(seed)) * MASK[:, :, None]
    signals = torch.tensor([[[1], [2], [1], [0]], [[2], [1], [0], [0]]])
    return Batch(values, MASK, categories=torch.tensor([[1], [3]]), signals=signals)


def network_on_two_channels(architecture: Architecture, shape: ContextShape = SHAPE) -> Network:
    torch.manual_seed(0)
    return Network(architecture, 2, 1, shape).eval()


def test_the_encoder_reads_its_inputs_in_a_fixed_order() -> None:
    context = {"name": "embedding", "embedding_size": 2}
    architecture = Architecture.of("gru", missing="mask", clock="elapsed", fusion="repeat", context=context)
    network = network_on_two_channels(architecture)
    seen: list[Any] = []
    network.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    batch = small_batch()
    elapsed = torch.ones(2, 4) * MASK
    network(replace(batch, elapsed=elapsed))
    signal, category = network.signals.embeddings[0].weight, network.context.embeddings[0].weight
    real = MASK[:, :, None]
    expected = [
        batch.values,
        torch.zeros(2, 4, 2),
        elapsed[:, :, None],
        signal[batch.signals[:, :, 0]] * real,
        category[batch.categories] * real,
    ]
    torch.testing.assert_close(seen[0], torch.cat(expected, dim=2))


def test_late_fusion_appends_metadata_to_the_pooled_vector() -> None:
    network = network_on_two_channels(preset("metadata_late"), ContextShape(categories=(4,)))
    seen: list[Any] = []
    network.head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(small_batch())
    assert seen[0].shape == (2, 64 + 10)
    torch.testing.assert_close(seen[0][:, 64:], network.context.embeddings[0].weight[[1, 3]])


@pytest.mark.parametrize("width", [1, 4, 100])
def test_scales_of_film_start_small_for_any_number_of_fields(width: int) -> None:
    torch.manual_seed(0)
    film, ones = Film(width, 5_000), torch.ones(1, 1, 5_000)
    scales_and_shifts = film(ones, torch.ones(1, 1, dtype=torch.bool), torch.ones(1, width)) - ones
    assert scales_and_shifts.std().item() == pytest.approx(0.6 * 2**0.5, rel=0.05)


def test_film_scales_and_shifts_real_steps_alone() -> None:
    film = Film(1, 2)
    torch.nn.init.constant_(film.project.bias, 1.0)
    out = film(torch.full((2, 4, 2), 3.0), MASK, torch.zeros(2, 1))
    assert (out[MASK] == 7).all()
    assert (out[~MASK] == 3).all()


def test_film_and_metadata_have_gradients_from_the_start() -> None:
    network = network_on_two_channels(Architecture.of("lstm", "last", "linear", fusion="film")).train()
    network(small_batch()).logits.square().sum().backward()
    assert network.film.project.bias.grad.any()
    assert network.context.embeddings[0].weight.grad.any()


def test_metadata_attention_depends_on_series_and_metadata() -> None:
    network = network_on_two_channels(preset("metadata_attention"), ContextShape(categories=(4,)))
    batch = small_batch()
    output = network(batch)
    other_metadata = network(replace(batch, categories=torch.tensor([[2], [1]])))
    other_series = network(replace(batch, values=small_batch(seed=1).values))
    for changed in (other_metadata, other_series):
        assert (changed.weights != output.weights).any(dim=1).all()
        assert (changed.logits != output.logits).all()


def test_metadata_attention_is_a_weighted_mean_of_real_steps() -> None:
    torch.manual_seed(0)
    attention = MetadataAttention(width=3, context_width=2, hidden_size=5)
    features = torch.randn(2, 4, 3)
    pooled, weights = attention(features, MASK, torch.randn(2, 2))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[~MASK] == 0).all()
    torch.testing.assert_close(pooled, (weights[:, :, None] * features).sum(dim=1))


def test_side_signals_are_read_without_any_fusion() -> None:
    network = network_on_two_channels(Architecture.of("lstm", "last", "linear", fusion=()))
    batch = small_batch()
    other = replace(batch, signals=torch.where(MASK[:, :, None], (batch.signals + 1) % 3, 0))
    assert (network(other).logits != network(batch).logits).all()


@pytest.mark.parametrize("name", ["metadata_repeat", "metadata_late", "metadata_attention"])
def test_presets_with_metadata_have_no_metadata_dropout(name: str) -> None:
    network = network_on_two_channels(preset(name), ContextShape(categories=(4,))).train()
    assert torch.equal(network(small_batch()).logits, network(small_batch()).logits)
