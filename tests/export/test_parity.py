"""An exported network predicts as the network itself, for every architecture that the registries can build."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from limelight.export.translations import has_translation
from limelight.nn import fixed_features
from limelight.nn.network import CONTEXT_BUILDERS
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import ContextEncoding
from limelight.parts.encoders import GRU, LSTM, Blocks, Rocket, TrainingSummary
from support.architectures import (
    ARCHITECTURES,
    WITH_FUSION,
    batch_with_missing_values,
    every_architecture,
    every_architecture_with_missing_values,
    network_of,
    random_batch,
)
from support.exported import SHAPES, largest_difference, model_of

EXACT = 5e-6


@every_architecture
def test_logits_attention_and_evidence_are_those_of_the_network(architecture: Architecture) -> None:
    batches = [random_batch(lengths, padding, seed) for seed, (lengths, padding) in enumerate(SHAPES)]
    assert largest_difference(model_of(architecture), batches) < EXACT


@every_architecture_with_missing_values
def test_missing_values_and_clocks_are_treated_as_in_the_network(architecture: Architecture) -> None:
    batches = [batch_with_missing_values(architecture, lengths, padding) for lengths, padding in SHAPES]
    assert largest_difference(model_of(architecture), batches) < EXACT


def test_every_part_has_a_translation() -> None:
    networks = [network_of(architecture) for architecture in [*ARCHITECTURES.values(), *WITH_FUSION.values()]]
    parts = {
        type(part)
        for one in networks
        for part in (one.encoder, one.pooling, one.head, one.film, one.products, one.context)
    }
    parts |= {kind for kinds in CONTEXT_BUILDERS.values() for kind in kinds if isinstance(kind, type)}
    lacking = [f"{part.__name__} cannot be exported" for part in parts - {type(None)} if not has_translation(part)]
    assert lacking == []


def test_metadata_that_are_unknown_or_missing_give_the_same_logits() -> None:
    batch = random_batch([10, 7, 1])
    unknown = replace(
        batch,
        categories=torch.zeros_like(batch.categories),
        numbers=torch.full_like(batch.numbers, torch.nan),
        tokens=torch.zeros_like(batch.tokens),
        signals=torch.zeros_like(batch.signals),
    )
    for name in ("conv_lstm, attention, late + repeat", "rocket, late"):
        assert largest_difference(model_of(WITH_FUSION[name]), [unknown]) < EXACT


def test_products_of_features_and_metadata_are_exported() -> None:
    model = model_of(WITH_FUSION["rocket, late, products"])
    products, generator = model.network.products, torch.Generator().manual_seed(0)
    products.set(*(torch.randn(one.shape, generator=generator) for one in products.buffers()))
    assert largest_difference(model, [random_batch([10, 7, 1])]) < EXACT


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_layer_over_numbers_keeps_its_activation(activation: str) -> None:
    context = ContextEncoding(number_size=4, number_activation=activation)
    model = model_of(Architecture.of(LSTM(hidden_size=3), "last", fusion="late", context=context))
    assert largest_difference(model, [random_batch([10, 7, 1])]) < EXACT


@pytest.mark.parametrize("bidirectional", [False, True])
def test_steps_with_the_mask_value_are_skipped(bidirectional: bool) -> None:
    encoder = GRU(hidden_size=[4, 3], mask_value=0.0, bidirectional=bidirectional)
    model, batch = model_of(Architecture.of(encoder, "none")), random_batch([9, 6, 3], padding=2)
    model.network.normalisation.mean.zero_()
    batch.values[0, [0, 3, 4]] = 0.0
    batch.values[1, [2, 5]] = 0.0
    batch.values[2] = 0.0
    assert largest_difference(model, [batch]) < EXACT


@pytest.mark.parametrize("time", [97, 128, 300])
def test_long_series_have_equal_fixed_features(time: int) -> None:
    for encoder in (Blocks(features=840, groups=4, shapelets=4), Rocket(features=840)):
        resolved = encoder.resolve(TrainingSummary(typical_length=time, longest=time))
        model = model_of(Architecture.of(resolved, "ppv", "linear"))
        assert largest_difference(model, [random_batch([time, time // 2 + 1])]) < 1e-9


def test_series_read_at_every_few_steps_have_equal_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_features, "POSITIONS", 10)
    for encoder in (Blocks(features=840, groups=4, shapelets=4), Rocket(features=840)):
        resolved = encoder.resolve(TrainingSummary(typical_length=70, longest=70))
        model = model_of(Architecture.of(resolved, "ppv", "linear"))
        assert largest_difference(model, [random_batch([70, 41, 3, 1], padding=2)]) < 1e-9


def test_extreme_values_have_equal_fixed_features() -> None:
    model = model_of(Architecture.of(Rocket(features=840, dilations=8, length=40), "ppv", "linear"))
    batch = random_batch([40, 40, 40, 40])
    batch.values *= torch.tensor([1e-30, 1e-6, 1e6, 0.0])[:, None, None]
    batch.values[3] = model.network.normalisation.mean
    assert largest_difference(model, [batch]) == 0.0


def test_values_in_the_padding_change_no_logits() -> None:
    from limelight.export.network import build_graph
    from limelight.model.session import Session

    for name in ("conv_lstm, attention, mlp", "inception strided, max, linear", "blocks, ppv, linear"):
        session = Session(build_graph(model_of(ARCHITECTURES[name])).model({}).SerializeToString(), threads=1)
        batch = random_batch([10, 7, 1])
        given = {"values": batch.values.numpy(), "mask": batch.mask.numpy()}
        dirty = {**given, "values": np.where(given["mask"][:, :, None], given["values"], np.nan)}
        np.testing.assert_array_equal(session.run(dirty, None)["logits"], session.run(given, None)["logits"])
