"""Evidence: what each time step adds to the logit of a network whose logit is a sum over the steps."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.target import resolve_target
from limelight.model.evidence_profile import EvidenceProfile
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import Vocabulary
from limelight.nn.network import Network
from limelight.types import Codes, Doubles, Floats


def explain_evidence(model: FittedModel, panel: Panel, target: Any = None) -> Explanation:
    """Split the logit exactly over the time steps.

    With ``rocket`` and ``blocks``, features are means over time, and the head is linear. With the pooling
    ``conjunctive``, the logit is a mean of the logits of the steps, weighted by attention.

    Parameters
    ----------
    model
        A fitted model with the encoder ``rocket`` or ``blocks``, or the pooling ``conjunctive``.
    panel
        n series with the channels used in training.
    target
        The class or label to collect evidence for, or one for each series, as for ``resolve_target``.

    Returns
    -------
    Explanation
        For each series, what each step adds to the logit of the target, relative to the same position of an average
        training series: a positive number is evidence for the target, a negative one evidence against it. ``fields``
        has what each metadata field adds, relative to average metadata. The sum of both plus ``base``, the logit of
        an average series with average metadata, is the logit. For two classes, the
        logit of the first is minus that of the second. ``channels`` splits the importance of each step among the
        channels; what the clock and side signals add belongs to no channel. ``frequencies`` has what a spectrum adds.
        With ``conjunctive``, importance is relative to a step with the mean features of the training series, ``base``
        is the logit of a series of such steps with the metadata of this one, and there is no split among channels.

    Raises
    ------
    ParameterError
        If the logit of the model is no sum over its steps, or the target is not a class or label of the model.
    DataError
        If the channels differ from those used in training, or a value is missing or infinite.

    Source
    ------
    A linear model on means over time, traced back to the steps as in class activation maps: Zhou et al., Learning Deep
    Features for Discriminative Localization, 2016. For ``conjunctive``: Early et al., Inherently Interpretable Time
    Series Classification via Multiple Instance Learning, 2024.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.training.fit import fit
    >>> waves = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = fit(waves, task_of(waves), Architecture.of({"name": "rocket", "features": 840})).model
    >>> evidence = explain_evidence(model, waves, "anomalous")
    >>> sums = [steps.sum() for steps in evidence.importance] + evidence.base
    >>> bool(np.allclose(sums, -evidence.prediction.logits[:, 0], atol=1e-4))
    True
    """
    if not model.has_evidence:
        raise ParameterError(
            "expected a model with the encoder 'rocket' or 'blocks', or the pooling 'conjunctive', to collect evidence "
            f"from, got {model.architecture.encoder.name!r} with {model.architecture.pooling.name!r}; train one of them"
        )
    prediction = model.predict(panel)
    resolved = resolve_target(prediction, target)
    binary = model.task.kind == "binary"
    output = np.zeros_like(resolved.codes) if binary else resolved.codes
    sign = np.where(resolved.codes == 0, -1.0, 1.0) if binary else np.ones(len(panel))
    explain_rows = _evidence_of_steps if model.architecture.pooling.sums_steps else _evidence_of_features
    found = explain_rows(model, panel, output, sign)
    return Explanation(panel, prediction, method="evidence", target=resolved.names, **found._asdict())


class Evidence(NamedTuple):
    """Parts of an ``Explanation``."""

    importance: list[Floats]
    base: Doubles
    channels: list[Floats] | None = None
    frequencies: list[Floats] | None = None
    fields: Mapping[str, Doubles] = MappingProxyType({})


def _evidence_of_steps(model: FittedModel, panel: Panel, output: Codes, sign: Doubles) -> Evidence:
    """Collect the contributions of a pooling that sums the logits of the steps."""
    temperature = np.ones(1) if model.decision.temperature is None else model.decision.temperature
    factor = sign / np.broadcast_to(temperature, model.task.outputs)[output]
    importance: list[Floats] = [np.empty(0, np.float32)] * len(panel)
    base = np.zeros(len(panel))
    device = next(model.network.parameters()).device
    model.network.eval()
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            contributions, constant = (one.double().cpu() for one in model.network.step_evidence(batch.to(device)))
            for place, row in enumerate(rows.tolist()):
                own = contributions[place, int(output[row]), : int(panel.lengths[row])].numpy()
                importance[row] = (factor[row] * own).astype(np.float32)
                base[row] = factor[row] * float(constant[place, int(output[row])])
    return Evidence(importance, base)


def _evidence_of_features(model: FittedModel, panel: Panel, output: Codes, sign: Doubles) -> Evidence:
    """Collect the contributions of features that are means over time, under a linear head."""
    encoder, head = model.network.encoder, model.network.head
    temperature = 1.0 if model.decision.temperature is None else torch.from_numpy(model.decision.temperature)[:, None]
    weights = (head.weight / temperature).detach().double()
    bias = (head.bias[:, None] / temperature)[:, 0].detach().double()
    context_width = 0 if model.network.context is None else model.network.context.width
    series_weights = weights[:, : encoder.width].float().contiguous()
    field_weights = weights[:, encoder.width : encoder.width + context_width]
    product_weights = weights[:, encoder.width + context_width :]
    # the logits of an average training series, without the intercept
    typical = series_weights.double() @ encoder.typical.double()
    fields = _FieldEvidence(model, field_weights, len(panel))
    profile = profile_of(model)

    @functools.cache
    def baseline_of(steps: int) -> Doubles:
        return profile.baseline(steps)

    importance: list[Floats] = [np.empty(0, np.float32)] * len(panel)
    channels, frequencies = list(importance), list(importance)
    constant = bias + typical + field_weights @ fields.typical
    base = np.zeros(len(panel))
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            inputs, context = model.network.inputs(batch), model.network.context_vector(batch).double()
            contributions, spectrum = _split(
                model.network, inputs, batch.mask, context, series_weights, product_weights
            )
            fields.add(rows, context, output[rows], sign[rows])
            for place, row in enumerate(rows.tolist()):
                steps, which = int(panel.lengths[row]), int(output[row])
                own = contributions[place, which, :steps].numpy()
                own -= baseline_of(steps)[which]
                importance[row] = (sign[row] * own.sum(axis=1)).astype(np.float32)
                channels[row] = (sign[row] * _by_channel(own, len(panel.channels), model)).astype(np.float32)
                if spectrum is not None:
                    own = spectrum[place][which].numpy()
                    frequencies[row] = (sign[row] * _by_channel(own, len(panel.channels), model)).astype(np.float32)
                base[row] = sign[row] * float(constant[which])
    return Evidence(importance, base, channels, frequencies if "spectrum" in encoder.spans else None, fields.numbers)


def _split(
    network: Network, inputs: Tensor, mask: Tensor, context: Tensor, weights: Tensor, product_weights: Tensor
) -> tuple[Tensor, list[Tensor] | None]:
    """Split what the features add by step and input, and by frequency, under the weights that metadata give them."""
    encoder, products = network.encoder, network.products

    def split(rows: Tensor | slice, own: Tensor) -> tuple[Tensor, list[Tensor]]:
        given = inputs[rows], mask[rows], own, encoder.typical
        return encoder.contributions(*given), encoder.by_frequency(*given) if "spectrum" in encoder.spans else []

    if products is None:
        parts, frequencies = split(slice(None), weights)
        return parts, frequencies or None
    parts = inputs.new_zeros(len(inputs), len(weights), *inputs.shape[1:], dtype=torch.float64)
    by_frequency: dict[int, Tensor] = {}
    assert network.context is not None
    different, which = torch.unique(network.context.for_products(context), dim=0, return_inverse=True)
    for place, one in enumerate(different):
        rows = (which == place).nonzero()[:, 0]
        parts[rows], found = split(rows, weights + products.weights_under(product_weights, one).float())
        by_frequency |= dict(zip(rows.tolist(), found, strict=False))
    return parts, [by_frequency[row] for row in sorted(by_frequency)] or None


class _FieldEvidence:
    """Collects what each metadata field adds to the logits, relative to average metadata."""

    def __init__(self, model: FittedModel, weights: Tensor, n: int) -> None:
        context = model.network.context
        self.weights = weights
        self.typical = weights.new_zeros(weights.shape[1]) if context is None else context.typical.double()
        self.columns = {} if context is None else _columns_of_fields(model.vocabulary, context.columns())
        self.numbers = {name: np.zeros(n) for name in self.columns}

    def add(self, rows: Codes, vectors: Tensor, output: Codes, sign: Doubles) -> None:
        """Add the series of a batch, with their encoded metadata, shape (batch, width)."""
        parts = ((vectors - self.typical) * self.weights[torch.from_numpy(output)]).numpy()
        for name, columns in self.columns.items():
            self.numbers[name][rows] = sign * parts[:, columns].sum(axis=1)


def _columns_of_fields(vocabulary: Vocabulary | None, by_kind: Mapping[str, list[list[int]]]) -> dict[str, list[int]]:
    """Return the columns of each metadata field in the encoded metadata."""
    columns = {kind: iter(spans) for kind, spans in by_kind.items()}
    found: dict[str, list[int]] = {}
    for field in () if vocabulary is None else vocabulary.fields:
        if field.kind in ("category", "boolean"):
            found[field.name] = next(columns["categories"])
        elif field.kind == "text":
            found[field.name] = next(columns["texts"])
        elif field.scales():
            found[field.name] = [column for _ in field.scales() for column in next(columns["numbers"])]
    return found


def _by_channel(own: Doubles, channels: int, model: FittedModel) -> Doubles:
    """Sum the contributions of the inputs of each channel: its values and its missing-value marks."""
    filling = model.network.filling
    if filling is not None and filling.width > channels:
        return own[:, :channels] + own[:, channels : 2 * channels]
    return own[:, :channels]


def profile_of(model: FittedModel) -> EvidenceProfile:
    """Return the profile of the calibrated logits; 0 for a model that was saved without one."""
    if model.profile is None:
        outputs = model.task.outputs
        return EvidenceProfile(np.zeros((outputs, 1, 2, 1)))
    temperature = model.decision.temperature
    return model.profile.scaled(np.ones(1) if temperature is None else 1 / temperature)
