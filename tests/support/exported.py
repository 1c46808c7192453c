"""Exported models next to the models that they were exported from."""

from pathlib import Path

import numpy as np
import torch

from limelight.data.panel import Panel
from limelight.export.network import build_graph
from limelight.export.onnx_file import export_model
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from limelight.model.session import Session
from limelight.nn.batch import Batch
from limelight.parts.architecture import Architecture
from limelight.runtime import ExportedModel, open_model
from limelight.task import Task
from limelight.types import Doubles
from support.architectures import network_of

SHAPES = [([10, 7, 1], 0), ([1], 0), ([11, 5], 5), ([40, 33, 12, 2], 0)]
"""Lengths of series and additional padding: with a single step, and no multiples of a stride."""


def model_of(architecture: Architecture) -> FittedModel:
    """Return a model as it might be after training: every statistic has moved, and a temperature is fitted."""
    network = network_of(architecture)
    for module in network.modules():
        for name in ("mean", "typical"):
            if isinstance(getattr(module, name, None), torch.Tensor):
                torch.nn.init.normal_(getattr(module, name), std=0.3)
        for name in ("scale", "variance"):
            if isinstance(getattr(module, name, None), torch.Tensor):
                torch.nn.init.uniform_(getattr(module, name).data, 0.5, 2.0)
    task = Task(("a", "b", "c"), level="step" if architecture.pooling.answers_steps else "series")
    return FittedModel(task, architecture, network, ("x", "y"), decision=Decision(temperature=np.array([1.7])))


def largest_difference(model: FittedModel, batches: list[Batch], *, evidence: bool = False) -> float:
    """Return the largest difference of a logit, an attention weight or an evidence, relative to values above 1."""
    session = Session(build_graph(model, evidence=evidence).model({}).SerializeToString(), threads=1)
    return max(_difference(model, session, batch) for batch in batches)


def _difference(model: FittedModel, session: Session, batch: Batch) -> float:
    given = {name: one.numpy() for name, one in vars(batch).items() if one is not None}
    outputs = session.run(given, None)
    with torch.inference_mode():
        own = model.network(batch)
    real = batch.mask.numpy() if model.task.by_step else slice(None)
    pairs = [(outputs["logits"][real], model.decision.apply_temperature(own.logits.double().numpy())[real])]
    assert ("attention" in outputs) == (own.weights is not None)
    if own.weights is not None:
        pairs.append((outputs["attention"], own.weights.numpy()))
    if model.architecture.pooling.sums_steps:
        with torch.inference_mode():
            evidence = model.network.step_evidence(batch)
        pairs += [(outputs[name] * 1.7, one.numpy()) for name, one in zip(("evidence", "base"), evidence, strict=True)]
    elif "evidence" in outputs:
        found = outputs["evidence"].sum(axis=2) + outputs["base"]
        pairs += [(found, outputs["logits"]), (outputs["evidence"] * 1.7, _contributions(model, batch))]
    return max(float(np.abs(one - other).max() / max(1.0, np.abs(other).max())) for one, other in pairs)


def _contributions(model: FittedModel, batch: Batch) -> Doubles:
    """Return what each step adds to each logit before calibration, by the encoder itself, without a profile."""
    network, width = model.network, model.network.encoder.width
    typical, weights = network.encoder.typical, network.head.weight[:, :width]
    split = network.encoder.contributions
    with torch.inference_mode():
        inputs, context = network.inputs(batch), network.context_vector(batch)
        if network.products is None:
            return split(inputs, batch.mask, weights.contiguous(), typical).sum(dim=3).numpy()
        of_products = network.head.weight[:, width + network.context.width :].double()
        rows = [
            split(inputs[row], batch.mask[row], weights + added.float(), typical)
            for row in (slice(place, place + 1) for place in range(len(inputs)))
            for added in [network.products.weights_under(of_products, network.context.for_products(context)[row][0])]
        ]
    return torch.cat(rows).sum(dim=3).numpy()


def exported(model: FittedModel, folder: Path) -> ExportedModel:
    """Return a model after it was exported and opened."""
    return open_model(export_model(model, folder / "model.onnx"), threads=1)


def assert_same_predictions(one: ExportedModel, other: FittedModel, panel: Panel) -> None:
    """Require the same probabilities, labels and attention of an exported model and its original."""
    given, own = one.predict(panel, attention=True), other.predict(panel, attention=True)
    np.testing.assert_allclose(given.probabilities, own.probabilities, atol=1e-5)
    np.testing.assert_array_equal(given.labels, own.labels)
    if own.novelty is not None:
        np.testing.assert_allclose(given.novelty, own.novelty, rtol=1e-4)
    assert (given.attention is None) == (own.attention is None)
    for weights, expected in zip(given.attention or [], own.attention or [], strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-5)
