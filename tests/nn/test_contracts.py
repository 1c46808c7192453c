"""Contracts of every part, tested on every architecture that the registries can build."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.model.bundle import load_model, save_model
from limelight.model.fitted import FittedModel
from limelight.nn.network import CONTEXT_BUILDERS, HEAD_BUILDERS, POOLING_BUILDERS
from limelight.parts.architecture import PRESETS, Architecture, preset
from limelight.parts.contexts import CONTEXTS
from limelight.parts.encoders import ENCODERS
from limelight.parts.fusions import FUSION_WORDS
from limelight.parts.heads import HEADS
from limelight.parts.poolings import POOLINGS
from limelight.task import Task
from support.architectures import (
    CHANNELS,
    FUSION_SETS,
    OUTPUTS,
    VARIANTS,
    batch_with_missing_values,
    every_architecture,
    every_architecture_with_fusion,
    every_architecture_with_missing_values,
    network_of,
    random_batch,
    real,
    rows_of,
    shared_network_of,
)


def test_every_registered_part_has_a_builder_and_a_variant_here() -> None:
    assert {kind for kind in ENCODERS.values() if not kind.automatic} == {type(part) for part in VARIANTS.values()}
    assert set(CONTEXT_BUILDERS) == set(CONTEXTS.values())
    assert set(POOLING_BUILDERS) == set(POOLINGS.values())
    assert set(HEAD_BUILDERS) == set(HEADS.values())
    assert {word for fusions in FUSION_SETS for word in fusions} == set(FUSION_WORDS) - {"auto"}


@every_architecture
def test_logits_are_per_series_or_without_pooling_per_step(architecture: Architecture) -> None:
    output = shared_network_of(architecture)(random_batch([10, 7, 1]))
    assert output.logits.shape == ((3, 10, OUTPUTS) if architecture.pooling.name == "none" else (3, OUTPUTS))
    assert output.logits.dtype == torch.float32


@every_architecture_with_fusion
def test_features_have_the_width_that_the_network_states(architecture: Architecture) -> None:
    network = shared_network_of(architecture)
    features = network(random_batch([10, 7, 1])).features
    assert features is not None
    assert features.shape == (3, network.feature_width)


@every_architecture
def test_attention_sums_to_one_over_real_steps(architecture: Architecture) -> None:
    batch = random_batch([10, 7, 1], padding=5)
    weights = shared_network_of(architecture)(batch).weights
    assert (weights is not None) == architecture.pooling.attends
    if weights is not None:
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
        assert (weights[~batch.mask] == 0).all()


@every_architecture
@settings(max_examples=4, deadline=None)  # of each of hundreds of networks
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), padding=st.integers(0, 20))
def test_padding_never_changes_logits(architecture: Architecture, lengths: list[int], padding: int) -> None:
    network = shared_network_of(architecture)
    bare, wide = random_batch(lengths), random_batch(lengths, padding)
    plain, padded = network(bare), network(wide)
    torch.testing.assert_close(real(padded.logits, wide), real(plain.logits, bare), atol=1e-5, rtol=1e-4)
    if plain.weights is not None:
        torch.testing.assert_close(padded.weights[:, : max(lengths)], plain.weights, atol=1e-5, rtol=1e-4)


@every_architecture
def test_values_in_the_padding_never_change_logits(architecture: Architecture) -> None:
    network, batch = shared_network_of(architecture), random_batch([10, 7, 1])
    padded = ~batch.mask[:, :, None]
    dirty = replace(batch, values=batch.values.masked_fill(padded, 1e3), signals=batch.signals.masked_fill(padded, 2))
    torch.testing.assert_close(real(network(dirty).logits, batch), real(network(batch).logits, batch))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("encoder", ["lstm", "gru"])
def test_growing_relu_states_stop_at_the_padding(encoder: str, pooling: str) -> None:
    network = network_of(Architecture.of({"name": encoder, "hidden_size": 4, "activation": "relu"}, pooling))
    for name, weight in network.encoder.named_parameters():
        weight.data.fill_(2.0 if "weight_hh" in name else 1.0)
    bare, wide = (random_batch([5, 3], padding) for padding in (0, 300))
    padded = real(network(wide).logits, wide)
    torch.testing.assert_close(padded, real(network(bare).logits, bare))
    padded.sum().backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in network.parameters())


@every_architecture
def test_logits_of_a_series_do_not_depend_on_the_batch(architecture: Architecture) -> None:
    network, batch = shared_network_of(architecture), random_batch([12, 5, 9])
    together = network(batch).logits
    for row, length in enumerate([12, 5, 9]):
        alone = network(rows_of(batch, [row], length))
        expected = together[row][:length] if together.ndim == 3 else together[row]
        torch.testing.assert_close(alone.logits[0], expected, atol=1e-5, rtol=1e-4)


@every_architecture
def test_order_of_the_batch_does_not_matter(architecture: Architecture) -> None:
    network, batch = shared_network_of(architecture), random_batch([12, 5, 9])
    turned = network(rows_of(batch, [2, 1, 0])).logits.flip(0)
    torch.testing.assert_close(real(turned, batch), real(network(batch).logits, batch), atol=1e-5, rtol=1e-4)


@every_architecture
def test_gradients_reach_every_weight(architecture: Architecture) -> None:
    network = network_of(architecture).train()
    network(random_batch([20, 17, 13, 20])).logits.square().sum().backward()
    dead = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert dead == []


@every_architecture
def test_evidence_of_steps_and_base_sum_to_the_logits(architecture: Architecture) -> None:
    if not architecture.pooling.sums_steps:
        return
    network, batch = network_of(architecture), random_batch([10, 7, 1], padding=5)
    network.pooling.typical.normal_(generator=torch.Generator().manual_seed(3))
    contributions, base = network.step_evidence(batch)
    torch.testing.assert_close(contributions.sum(dim=2) + base, network(batch).logits)
    assert (contributions.transpose(1, 2)[~batch.mask] == 0).all()


@every_architecture
def test_an_architecture_survives_json(architecture: Architecture) -> None:
    assert Architecture.from_json(architecture.to_json()) == architecture


@every_architecture
def test_same_seed_builds_the_same_network(architecture: Architecture) -> None:
    batch = random_batch([10, 7, 1])
    assert torch.equal(network_of(architecture)(batch).logits, network_of(architecture)(batch).logits)


@every_architecture
def test_default_type_of_torch_changes_no_logit(architecture: Architecture) -> None:
    expected = network_of(architecture)(random_batch([10, 7, 1])).logits
    torch.set_default_dtype(torch.float64)
    try:
        logits = network_of(architecture)(random_batch([10, 7, 1])).logits
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(logits, expected)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_return_logits(name: str) -> None:
    architecture = preset(name).resolve(10.0, missing=False, irregular=False, by_step=name == "step_lstm")
    output = network_of(architecture, outputs=1)(random_batch([10, 7, 1]))
    assert output.logits.shape == ((3, 10, 1) if name == "step_lstm" else (3, 1))


@pytest.mark.parametrize(("ours", "torchs"), [("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)])
def test_two_directions_on_ragged_series_agree_with_packed_torch(ours: str, torchs: type) -> None:
    lengths = [9, 4, 6]
    batch = random_batch(lengths)
    encoder = network_of(Architecture.of({"name": ours, "hidden_size": 5, "bidirectional": True})).encoder
    reference = torchs(CHANNELS, 5, batch_first=True, bidirectional=True)
    state = {}
    for name, weight in encoder.layers[0].named_parameters():
        direction, _, own = name.partition(".")
        state[own + ("_reverse" if direction == "back" else "")] = weight
    reference.load_state_dict(state)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        batch.values, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    features, mask = encoder(batch.values, batch.mask)
    torch.testing.assert_close(features[mask], expected[mask])


@settings(max_examples=30, deadline=None)
@given(stride=st.integers(1, 9), length=st.integers(1, 40))
def test_a_strided_output_covers_its_own_time_steps(stride: int, length: int) -> None:
    from limelight.nn.masking import mask_every, spread_over_time

    mask = torch.arange(length + 4)[None] < length
    steps = int(mask_every(mask, stride).sum())
    for step in range(steps):
        weights = torch.zeros(1, mask_every(mask, stride).shape[1])
        weights[0, step] = 1.0
        on_time = spread_over_time(weights, mask, stride)[0]
        covered = torch.arange(step * stride, min((step + 1) * stride, length))
        assert on_time.nonzero().flatten().tolist() == covered.tolist()
        torch.testing.assert_close(on_time.sum(), torch.tensor(1.0))


FACTS = ("values", "categories", "numbers", "tokens", "signals")


@every_architecture_with_fusion
@pytest.mark.parametrize("kind", FACTS)
def test_logits_depend_on_series_and_each_kind_of_metadata(architecture: Architecture, kind: str) -> None:
    network, batch, other = shared_network_of(architecture), random_batch([10, 7, 5]), random_batch([10, 7, 5], seed=1)
    changed = replace(batch, **{kind: getattr(other, kind)})
    assert (network(changed).logits != network(batch).logits).flatten(1).any(dim=1).all()


@every_architecture_with_fusion
def test_unknown_metadata_give_finite_logits(architecture: Architecture) -> None:
    batch = random_batch([10, 7, 1])
    unknown = replace(
        batch,
        categories=torch.zeros_like(batch.categories),
        numbers=torch.full_like(batch.numbers, torch.nan),
        tokens=torch.zeros_like(batch.tokens),
        signals=torch.zeros_like(batch.signals),
    )
    network = network_of(architecture)
    assert network(unknown).logits.isfinite().all()
    network(unknown).logits.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in network.parameters() if weight.grad is not None)


@every_architecture_with_missing_values
@settings(max_examples=4, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), padding=st.integers(0, 20))
def test_padding_never_changes_logits_of_series_with_missing_values(
    architecture: Architecture, lengths: list[int], padding: int
) -> None:
    network = shared_network_of(architecture)
    plain, padded = (network(batch_with_missing_values(architecture, lengths, more)) for more in (0, padding))
    assert plain.logits.isfinite().all()
    torch.testing.assert_close(padded.logits, plain.logits, atol=1e-5, rtol=1e-4)
    if plain.weights is not None:
        torch.testing.assert_close(padded.weights[:, : max(lengths)], plain.weights, atol=1e-5, rtol=1e-4)


@every_architecture_with_missing_values
def test_padding_never_changes_logits_with_missing_values(architecture: Architecture) -> None:
    network = shared_network_of(architecture)
    clean, dirty = (network(batch_with_missing_values(architecture, [10, 7, 1], 5, fill)).logits for fill in (0.0, 1e3))
    torch.testing.assert_close(dirty, clean)


@every_architecture_with_missing_values
def test_missing_values_are_filled_independently_of_the_batch(architecture: Architecture) -> None:
    network, batch = shared_network_of(architecture), batch_with_missing_values(architecture, [12, 5, 9])
    logits = network(batch).logits
    torch.testing.assert_close(network(rows_of(batch, [2, 0, 1])).logits, logits[[2, 0, 1]], atol=1e-5, rtol=1e-4)
    for row in range(3):
        torch.testing.assert_close(network(rows_of(batch, [row])).logits, logits[[row]], atol=1e-5, rtol=1e-4)


@every_architecture_with_missing_values
def test_gradients_are_finite_and_nonzero_despite_missing_values(architecture: Architecture) -> None:
    network, batch = network_of(architecture).train(), batch_with_missing_values(architecture, [20, 17, 13, 20])
    batch.values[0, :, 0] = torch.nan if architecture.takes_missing else 0.0  # a channel without known values
    network(batch).logits.square().sum().backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.any()] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@every_architecture_with_missing_values
def test_saving_keeps_logits_of_series_with_missing_values(architecture: Architecture, tmp_path: Path) -> None:
    network, batch = network_of(architecture), batch_with_missing_values(architecture, [10, 7, 1])
    inputs = CHANNELS + int(architecture.needs_clock)
    network.normalisation.set_statistics(torch.arange(inputs) / 2.0, torch.arange(inputs) + 1.5)
    model = FittedModel(Task(("a", "b", "c")), architecture, network, ("x", "y"))
    again = load_model(save_model(model, tmp_path / "model"))
    assert again.architecture == architecture
    assert torch.equal(again.network(batch).logits, network(batch).logits)
