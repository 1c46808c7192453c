"""A sentence of parts becomes a network: normalisation, filling of missing values, encoder, pooling, head, fusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limelight.errors import InternalError, ParameterError
from limelight.nn.batch import Batch
from limelight.nn.context import ContextEncoder, ContextShape, OneHotContextEncoder, OneHotSignals, SignalEncoder
from limelight.nn.filling import Filling
from limelight.nn.fusion import Film, beside_each_step
from limelight.nn.masking import spread_over_time
from limelight.nn.normalisation import Standardisation
from limelight.nn.pooling import AdditiveAttention, Last, Max, Mean, MetadataAttention
from limelight.parts import contexts
from limelight.parts.architecture import Architecture
from limelight.parts.base import Part
from limelight.parts.encoders import Encoder
from limelight.parts.heads import LinearHead, MLPHead
from limelight.parts.poolings import (
    AttentionPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    MetadataAttentionPooling,
    NoPooling,
    ProportionPooling,
)

_NO_CONTEXT = ContextShape()


@dataclass
class NetworkOutput:
    """What a network says about a batch.

    Parameters
    ----------
    logits
        Shape (batch, outputs); one column when binary, else one for each class or label. For answers about steps, shape
        (batch, time, outputs), where those of padding mean nothing.
    weights
        How much each time step counted, each row sums to 1 and padding has 0, shape (batch, time); None where the
        pooling has no weights.
    """

    logits: Float[Tensor, "batch *time outputs"]
    weights: Float[Tensor, "batch time"] | None


class Network(nn.Module):
    """Normalisation, filling of missing values, encoder, pooling and head, built from a sentence.

    Side signals stand beside the values, and metadata join where the fusion of the sentence says. In the order in which
    a series meets them: values, marks of missing values, clock, side signals, repeated metadata; encoder; FiLM;
    pooling; late metadata; head.

    Parameters
    ----------
    architecture
        The parts, with every size settled (``Architecture.resolve``).
    channels
        Of the series, at least 1.
    outputs
        Number of logits: ``Task.outputs``.
    context
        Sizes of metadata and side signals. Metadata that no fusion asks for are left out.

    Raises
    ------
    InternalError
        If the sentence needs metadata and there are none.

    Example
    -------
    >>> import torch
    >>> network = Network(Architecture.of("lstm", "attention", "linear"), channels=2, outputs=3)
    >>> answer = network(Batch(torch.zeros(4, 10, 2), torch.ones(4, 10, dtype=torch.bool)))
    >>> answer.logits.shape, answer.weights.shape
    (torch.Size([4, 3]), torch.Size([4, 10]))
    """

    def __init__(
        self, architecture: Architecture, channels: int, outputs: int, context: ContextShape = _NO_CONTEXT
    ) -> None:
        super().__init__()
        if architecture.needs_metadata and not context.has_metadata:
            raise InternalError(f"a network that needs metadata was built without any: {architecture.describe()}")
        self.architecture = architecture
        self.context_shape = context
        clock = int(architecture.needs_clock)
        self.normalisation = Standardisation(channels + clock)
        self.filling = Filling(architecture.missing, channels) if architecture.takes_missing else None
        of_facts, of_signals = _builder(CONTEXT_BUILDERS, architecture.context)
        self.signals = of_signals(architecture.context, context) if context.signals else None
        self.context = of_facts(architecture.context, context) if architecture.needs_metadata else None
        facts = 0 if self.context is None else self.context.width
        width = (channels if self.filling is None else self.filling.width) + clock
        width += 0 if self.signals is None else self.signals.width
        width += facts if "repeat" in architecture.fusions else 0
        self.encoder = build_encoder(architecture.encoder, width)
        self.film = Film(facts, self.encoder.width) if "film" in architecture.fusions else None
        self.pooling = _builder(POOLING_BUILDERS, architecture.pooling)(architecture.pooling, self.encoder, facts)
        width = self.encoder.width + (facts if "late" in architecture.fusions else 0)
        self.head = _builder(HEAD_BUILDERS, architecture.head)(architecture.head, width, outputs)

    def forward(self, batch: Batch) -> NetworkOutput:
        """Compute the logits of a batch; padding never changes those of real steps."""
        encoder = self.architecture.encoder
        if encoder.pools:
            pooled = self.pooled(batch)
            return NetworkOutput(_in_double(self.head, pooled) if encoder.closed_form else self.head(pooled), None)
        facts = self.facts(batch)
        features, mask = self.encoder(self._read(batch, facts), batch.mask)
        if self.film is not None:
            features = self.film(features, mask, facts)
        if self.pooling is None:
            return NetworkOutput(self._answer_steps(features, facts, batch), None)
        asked = (facts,) if self.architecture.pooling.reads_metadata else ()
        pooled, weights = self.pooling(features, mask, *asked)
        if "late" in self.architecture.fusions:
            pooled = torch.cat([pooled, facts], dim=1)
        on_time = None if weights is None else spread_over_time(weights, batch.mask, self.encoder.stride)
        return NetworkOutput(self.head(pooled), on_time)

    def inputs(self, batch: Batch) -> Float[Tensor, "batch time inputs"]:
        """Return the inputs of the encoder at each step, scaled and filled, shape (batch, time, inputs)."""
        return self._read(batch, self.facts(batch))

    def pooled(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Return the inputs of the head if the encoder pools: features, then metadata, shape (batch, width)."""
        facts = self.facts(batch)
        features: Tensor = self.encoder(self._read(batch, facts), batch.mask)
        return torch.cat([features, facts], dim=1) if "late" in self.architecture.fusions else features

    def facts(self, batch: Batch) -> Float[Tensor, "batch facts"]:
        """Encode the metadata of each series as a vector, of width 0 if the network reads none."""
        facts: Tensor = batch.values.new_zeros(len(batch), 0) if self.context is None else self.context(batch)
        return facts

    def _answer_steps(
        self, features: Float[Tensor, "batch steps width"], facts: Float[Tensor, "batch facts"], batch: Batch
    ) -> Float[Tensor, "batch time outputs"]:
        """Compute the logits of each step; every time step that a strided step covers has its logits."""
        if "late" in self.architecture.fusions:
            features = torch.cat([features, facts[:, None].expand(-1, features.shape[1], -1)], dim=2)
        logits: Tensor = self.head(features)
        return logits.repeat_interleave(self.encoder.stride, dim=1)[:, : batch.mask.shape[1]]

    def _read(self, batch: Batch, facts: Float[Tensor, "batch width"]) -> Float[Tensor, "batch time inputs"]:
        """Concatenate the inputs of the encoder at each step."""
        inputs = self._inputs(batch)
        if self.signals is not None:
            inputs = torch.cat([inputs, self.signals(batch)], dim=2)
        return beside_each_step(inputs, facts, batch.mask) if "repeat" in self.architecture.fusions else inputs

    def _inputs(self, batch: Batch) -> Float[Tensor, "batch time inputs"]:
        """Scale values and clock, and fill in what is missing; the clock is the last of them."""
        values, elapsed = batch.values, batch.elapsed
        if self.architecture.needs_clock:
            if elapsed is None:
                raise InternalError("a network with clock='elapsed' got a batch without the time between steps")
            values = torch.cat([values, elapsed[:, :, None]], dim=2)
        scaled: Tensor = self.normalisation(values, batch.mask)
        if self.filling is None:
            return scaled
        channels = batch.values.shape[2]
        filled = self.filling(scaled[:, :, :channels], batch.mask, elapsed)
        return torch.cat([filled, scaled[:, :, channels:]], dim=2)


def _in_double(head: Any, pooled: Float[Tensor, "batch width"]) -> Float[Tensor, "batch outputs"]:
    """Sum ten thousand products so that the answer does not depend on the company in the batch, to the last digit."""
    logits: Tensor = nn.functional.linear(pooled.double(), head.weight.double(), head.bias.double())
    return logits.to(pooled.dtype)


def build_encoder(part: Encoder, channels: int) -> Any:
    """Build the network of an encoder.

    Parameters
    ----------
    part
        The encoder, with every size resolved.
    channels
        Width of the input at each step, at least 1.

    Returns
    -------
    nn.Module
        With the attributes that ``Encoder`` describes.

    Raises
    ------
    InternalError
        If the part has no network, or a size is still ``"auto"``.
    ParameterError
        If the network that the part names cannot be imported.

    Example
    -------
    >>> from limelight.parts.encoders import LSTM
    >>> build_encoder(LSTM(hidden_size=[8, 4], bidirectional=True), channels=3).width
    8
    """
    if not part.network:
        raise InternalError(f"no network is registered for the part {part!r}")
    arguments = part.network_arguments()
    if "auto" in arguments.values():
        raise InternalError(
            f"a {type(part).__name__} was built before its sizes were settled; call Architecture.resolve first"
        )
    module, _, attribute = part.network.partition(":")
    try:
        build = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ParameterError(
            f"the network {part.network!r} of the encoder {part.name!r} cannot be imported: {error}"
        ) from error
    return build(channels=channels, **arguments)


def _mlp(part: Any, width: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, part.hidden_size),
        nn.ReLU(),
        nn.Dropout(part.dropout),
        nn.Linear(part.hidden_size, outputs),
    )


POOLING_BUILDERS: dict[type[Part], Callable[[Any, Any, int], nn.Module | None]] = {
    AttentionPooling: lambda part, encoder, facts: AdditiveAttention(encoder.width, part.hidden_size),
    LastPooling: lambda part, encoder, facts: Last(encoder.bidirectional),
    MeanPooling: lambda part, encoder, facts: Mean(),
    MaxPooling: lambda part, encoder, facts: Max(),
    NoPooling: lambda part, encoder, facts: None,
    ProportionPooling: lambda part, encoder, facts: None,
    MetadataAttentionPooling: lambda part, encoder, facts: MetadataAttention(encoder.width, facts, part.hidden_size),
}
CONTEXT_BUILDERS: dict[type[Part], tuple[Callable[[Any, Any], nn.Module], Callable[[Any, Any], nn.Module]]] = {
    contexts.ContextEncoding: (ContextEncoder, SignalEncoder),
    contexts.OneHotContext: (OneHotContextEncoder, OneHotSignals),
}
"""What makes vectors of facts, and of side signals."""
HEAD_BUILDERS: dict[type[Part], Callable[[Any, int, int], nn.Module]] = {
    MLPHead: _mlp,
    LinearHead: lambda part, width, outputs: nn.Linear(width, outputs),
}


def _builder(builders: dict[type[Part], Any], part: Part) -> Any:
    if type(part) not in builders:
        raise InternalError(f"no network is registered for the part {part!r}")
    return builders[type(part)]
