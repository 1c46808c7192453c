"""Evidence of fixed features in an exported model equals that of the model itself."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.evidence import explain_evidence
from limelight.export.onnx_file import export_model
from limelight.nn import fixed_features
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import Blocks, Rocket, TrainingSummary
from limelight.runtime import open_model
from support.architectures import ARCHITECTURES, WITH_FUSION, batch_with_missing_values, random_batch
from support.errors import message_of
from support.exported import SHAPES, largest_difference, model_of
from support.models import random_network_model

EXACT = 1e-6


@pytest.mark.parametrize("name", ["rocket, ppv, linear", "blocks, ppv, linear"])
def test_evidence_of_steps_equals_that_of_the_encoder(name: str) -> None:
    batches = [random_batch(lengths, padding, seed) for seed, (lengths, padding) in enumerate(SHAPES)]
    assert largest_difference(model_of(ARCHITECTURES[name]), batches, evidence=True) < EXACT


@pytest.mark.parametrize(
    "encoder", [Blocks(features=840, groups=4, shapelets=4), Rocket(features=840)], ids=["blocks", "rocket"]
)
def test_long_series_have_the_same_evidence(encoder: Blocks | Rocket) -> None:
    resolved = encoder.resolve(TrainingSummary(typical_length=300, longest=300))
    model = model_of(Architecture.of(resolved, "ppv", "linear"))
    assert largest_difference(model, [random_batch([300, 151])], evidence=True) < EXACT


@pytest.mark.parametrize(
    "encoder", [Blocks(features=840, groups=4, shapelets=4), Rocket(features=840)], ids=["blocks", "rocket"]
)
def test_skipped_positions_have_the_same_evidence(encoder: Blocks | Rocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_features, "POSITIONS", 8)
    monkeypatch.setattr(fixed_features, "PER_DILATION", 1)
    resolved = encoder.resolve(TrainingSummary(typical_length=60, longest=60))
    model = model_of(Architecture.of(resolved, "ppv", "linear"))
    assert largest_difference(model, [random_batch([60, 59, 31, 2])], evidence=True) < EXACT


def test_missing_values_and_the_clock_share_the_evidence() -> None:
    architecture = Architecture.of(ARCHITECTURES["rocket, ppv, linear"].encoder, "ppv", "linear", "mean", "elapsed")
    batch = batch_with_missing_values(architecture, *SHAPES[0])
    assert largest_difference(model_of(architecture), [batch], evidence=True) < EXACT


def test_evidence_of_steps_depends_on_metadata() -> None:
    model = model_of(WITH_FUSION["rocket, late, products"])
    products, generator = model.network.products, torch.Generator().manual_seed(0)
    directions, _, typical = (torch.randn(one.shape, generator=generator) for one in products.buffers())
    products.set(directions, model.network.encoder.typical, typical)
    assert largest_difference(model, [random_batch([10, 7, 1])], evidence=True) < EXACT


@pytest.mark.parametrize(("encoder", "classes"), [("rocket", "ab"), ("blocks", "abc")])
def test_a_fitted_model_has_the_evidence_of_explain(encoder: str, classes: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = np.array(list(classes))[np.arange(36) % len(classes)]
    series = [random.normal(size=(length, 2)) for length in random.integers(20, 40, 36)]
    for values, label in zip(series, labels, strict=True):
        values[:10] += ord(label) - 97
    panel = Panel.from_series(series, labels=labels, metadata=pa.table({"age": random.normal(size=36)}))
    classifier = TimeSeriesClassifier(encoder, random_state=0).fit(panel)
    again = open_model(classifier.export(tmp_path / "model.onnx", evidence=True), threads=1)
    steps, base = again.evidence(panel[:9])
    expected = explain_evidence(classifier.model_, panel[:9], "b")
    output = 0 if len(classes) == 2 else 1
    for own, other in zip(steps, expected.importance, strict=True):
        np.testing.assert_allclose(own[output], other, atol=1e-6)
    np.testing.assert_allclose(base[:, output], expected.base + sum(expected.fields.values()), atol=1e-6)


def test_evidence_of_attention_cannot_be_exported(tmp_path: Path) -> None:
    model = random_network_model("gru", "attention")
    assert message_of(ParameterError, export_model, model, tmp_path / "model.onnx", evidence=True) == (
        "expected a model with the encoder 'rocket' or 'blocks', or the pooling 'conjunctive', to export evidence, got "
        "'gru' with 'attention'; export it without evidence"
    )
