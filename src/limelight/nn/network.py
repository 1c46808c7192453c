"""Build a network from an architecture: normalisation, filling of missing values, encoder, pooling, head, fusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limelight.errors import InternalError, ParameterError
from limelight.nn.batch import Batch
from limelight.nn.context import ContextEncoder, ContextShape, OneHotContextEncoder, OneHotSignals, SignalEncoder
from limelight.nn.filling import Filling
from limelight.nn.fusion import Film, Products, append_to_each_step
from limelight.nn.masking import spread_over_time
from limelight.nn.normalisation import Standardisation
from limelight.nn.pooling import AdditiveAttention, ConjunctiveAttention, Last, Max, Mean, MetadataAttention
from limelight.nn.precision import float32_by_default
from limelight.parts import contexts
from limelight.parts.architecture import Architecture
from limelight.parts.base import Part
from limelight.parts.encoders import Encoder
from limelight.parts.heads import LinearHead, MLPHead
from limelight.parts.poolings import (
    AttentionPooling,
    ConjunctivePooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    MetadataAttentionPooling,
    MetadataConjunctivePooling,
    NoPooling,
    ProportionPooling,
)

_NO_CONTEXT = ContextShape()


@dataclass
class NetworkOutput:
    """The output of a network for a batch.

    Parameters
    ----------
    logits
        Shape (batch, outputs); one column for binary, else one for each class or label. With per-step labels, shape
        (batch, time, outputs); the logits of padding are meaningless.
    weights
        Attention weights of the time steps, shape (batch, time); each row sums to 1 and padding has weight 0. None if
        the pooling has no weights.
    features
        What the head reads, shape (batch, width); if it reads every step, the mean over the steps. None if the network
        does not return them.
    """

    logits: Float[Tensor, "batch *time outputs"]
    weights: Float[Tensor, "batch time"] | None
    features: Float[Tensor, "batch width"] | None = None


class Network(nn.Module):
    """Normalisation, filling of missing values, encoder, pooling and head, built from an architecture.

    The encoder reads the values, missing-value marks, clock, side signals and, with ``repeat`` fusion, the metadata of
    each step. Its features pass through FiLM (``film`` fusion) and the pooling; with ``late`` fusion the metadata are
    appended before the head.

    Parameters
    ----------
    architecture
        The parts, with every size resolved (``Architecture.resolve``).
    channels
        Number of channels of the series, at least 1.
    outputs
        Number of logits: ``Task.outputs``.
    context
        Sizes of metadata and side signals. Metadata are ignored if the architecture does not use them.

    Raises
    ------
    InternalError
        If the architecture needs metadata and ``context`` has none.

    Example
    -------
    >>> import torch
    >>> network = Network(Architecture.of("lstm", "attention", "linear"), channels=2, outputs=3)
    >>> output = network(Batch(torch.zeros(4, 10, 2), torch.ones(4, 10, dtype=torch.bool)))
    >>> output.logits.shape, output.weights.shape
    (torch.Size([4, 3]), torch.Size([4, 10]))
    """

    @float32_by_default()
    def __init__(
        self, architecture: Architecture, channels: int, outputs: int, context: ContextShape = _NO_CONTEXT
    ) -> None:
        super().__init__()
        if architecture.needs_metadata and not context.has_metadata:
            raise InternalError(f"a network that needs metadata was built without any: {architecture.describe()}")
        self.architecture = architecture
        self.channels = channels
        self.context_shape = context
        clock = int(architecture.needs_clock)
        self.normalisation = Standardisation(channels + clock)
        self.filling = Filling(architecture.missing, channels) if architecture.takes_missing else None
        build_context, build_signals = _builder(CONTEXT_BUILDERS, architecture.context)
        self.signals = build_signals(architecture.context, context) if context.signals else None
        self.context = build_context(architecture.context, context) if architecture.needs_metadata else None
        context_width = 0 if self.context is None else self.context.width
        width = (channels if self.filling is None else self.filling.width) + clock
        width += 0 if self.signals is None else self.signals.width
        width += context_width if "repeat" in architecture.fusions else 0
        self.input_width = width
        self.encoder = build_encoder(architecture.encoder, width)
        self.film = Film(context_width, self.encoder.width) if "film" in architecture.fusions else None
        build_pooling = _builder(POOLING_BUILDERS, architecture.pooling)
        self.pooling = build_pooling(architecture.pooling, self.encoder, context_width)
        width = self.encoder.width + (context_width if "late" in architecture.fusions else 0)
        self.products = _build_products(architecture, self.encoder.width, self.context)
        width += 0 if self.products is None else self.products.width
        self.head = _builder(HEAD_BUILDERS, architecture.head)(architecture.head, width, outputs)

    def forward(self, batch: Batch) -> NetworkOutput:
        """Predict a batch; padding never changes the logits of real steps."""
        encoder = self.architecture.encoder
        if encoder.pools:
            pooled = self.pooled(batch)
            return NetworkOutput(self.logits_of(pooled), None, pooled)
        features, mask, context = self.encoded(batch)
        if self.pooling is None:
            logits = self._step_logits(features, context)
            logits = logits.repeat_interleave(self.encoder.stride, dim=1)[:, : batch.mask.shape[1]]
            return NetworkOutput(logits, None, _mean_of_steps(features, mask))
        arguments = (context,) if self.architecture.pooling.reads_metadata else ()
        if self.architecture.pooling.sums_steps:
            factors = self.pooling(features, mask, *arguments)
            logits = torch.einsum("bs,bso->bo", factors, self._step_logits(features, context))
            weights = factors / factors.sum(dim=1, keepdim=True)
            spread = spread_over_time(weights, batch.mask, self.encoder.stride)
            return NetworkOutput(logits, spread, _mean_of_steps(features, mask))
        pooled, weights = self.pooling(features, mask, *arguments)
        if "late" in self.architecture.fusions:
            pooled = torch.cat([pooled, context], dim=1)
        time_weights = None if weights is None else spread_over_time(weights, batch.mask, self.encoder.stride)
        return NetworkOutput(self.head(pooled), time_weights, pooled)

    @property
    def feature_width(self) -> int:
        """Width of ``NetworkOutput.features``."""
        by_step = self.pooling is None or self.architecture.pooling.sums_steps
        late = "late" in self.architecture.fusions and (self.architecture.encoder.pools or not by_step)
        return int(self.encoder.width) + (self.context.width if late and self.context is not None else 0)

    def encoded(
        self, batch: Batch
    ) -> tuple[Float[Tensor, "batch steps width"], Bool[Tensor, "batch steps"], Float[Tensor, "batch context"]]:
        """Return the features that the pooling reads, their mask and the encoded metadata of each series."""
        context = self.context_vector(batch)
        features, mask = self.encoder(self._encoder_inputs(batch, context), batch.mask)
        return (features if self.film is None else self.film(features, mask, context)), mask, context

    def step_evidence(self, batch: Batch) -> tuple[Float[Tensor, "batch outputs time"], Float[Tensor, "batch outputs"]]:
        """Split the logits of a pooling that sums steps into one contribution per time step, and a base.

        Returns
        -------
        tuple
            What each time step adds relative to a typical step with the same metadata, shape (batch, outputs, time), 0
            for padding; and the logits of a series of typical steps, shape (batch, outputs). Both sum to the logits.
        """
        features, mask, context = self.encoded(batch)
        arguments = (context,) if self.architecture.pooling.reads_metadata else ()
        typical = self.pooling.typical.expand(len(batch), 1, -1)
        of_typical = self.pooling(typical, mask[:, :1], *arguments)[:, :, None] * self._step_logits(typical, context)
        own = self.pooling(features, mask, *arguments)[:, :, None] * self._step_logits(features, context)
        own = own - of_typical * mask[:, :, None] / mask.sum(dim=1)[:, None, None]
        outputs = [spread_over_time(one, batch.mask, self.encoder.stride) for one in own.unbind(2)]
        return torch.stack(outputs, dim=1), of_typical[:, 0]

    def inputs(self, batch: Batch) -> Float[Tensor, "batch time inputs"]:
        """Return the scaled and filled inputs of the encoder, shape (batch, time, inputs)."""
        return self._encoder_inputs(batch, self.context_vector(batch))

    def pooled(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Return the features of an encoder that pools, followed by the context if fused late, shape (batch, width)."""
        context = self.context_vector(batch)
        features: Tensor = self.encoder(self._encoder_inputs(batch, context), batch.mask)
        return torch.cat([features, context], dim=1) if "late" in self.architecture.fusions else features

    def logits_of(self, pooled: Float[Tensor, "batch width"]) -> Float[Tensor, "batch outputs"]:
        """Compute the logits from the output of ``pooled``."""
        inputs = self.with_products(pooled)
        logits: Tensor = (
            _apply_in_double(self.head, inputs) if self.architecture.encoder.closed_form else self.head(inputs)
        )
        return logits

    def with_products(self, pooled: Float[Tensor, "batch width"]) -> Float[Tensor, "batch inputs"]:
        """Append the products of features and context, if the network has some: the inputs of the head."""
        if self.products is None:
            return pooled
        features, context = pooled[:, : self.encoder.width], pooled[:, self.encoder.width :]
        assert self.context is not None
        return torch.cat([pooled, self.products(features, self.context.for_products(context))], dim=1)

    def with_blocks(self, names: Sequence[str]) -> Network:
        """Return the network with some of the blocks of features of its encoder only, and a head to be fitted.

        Parameters
        ----------
        names
            Names of blocks among ``encoder.spans``, at least one.

        Returns
        -------
        Network
            With the fitted scaling and the fitted blocks of this network.
        """
        return self._rebuilt(encoder=self.architecture.encoder.with_blocks(names))

    def with_components(self, components: int) -> Network:
        """Return the network with products of that many components with the metadata, and a head to be fitted."""
        return self._rebuilt(context=replace(self.architecture.context, products=components))  # type: ignore[call-arg]

    def _rebuilt(self, **parts: Part) -> Network:
        """Build the network with other parts, and the weights of this one for what did not change."""
        other = Network(
            replace(self.architecture, **parts),  # type: ignore[arg-type]
            self.channels,
            self.head.out_features,
            self.context_shape,
        )
        new, own = other.state_dict(), self.state_dict()
        kept = {name: own[name] for name in new if name in own and own[name].shape == new[name].shape}
        other.load_state_dict({**new, **kept})
        return other

    def context_vector(self, batch: Batch) -> Float[Tensor, "batch context"]:
        """Return the encoded metadata of each series; the width is 0 if the network reads no metadata."""
        vector: Tensor = batch.values.new_zeros(len(batch), 0) if self.context is None else self.context(batch)
        return vector

    def _step_logits(
        self, features: Float[Tensor, "batch steps width"], context: Float[Tensor, "batch context"]
    ) -> Float[Tensor, "batch steps outputs"]:
        """Compute the logits of each encoder step."""
        if "late" in self.architecture.fusions:
            features = torch.cat([features, context[:, None].expand(-1, features.shape[1], -1)], dim=2)
        logits: Tensor = self.head(features)
        return logits

    def _encoder_inputs(
        self, batch: Batch, context: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch time inputs"]:
        """Concatenate all inputs of the encoder at each step."""
        inputs = self._scaled_values(batch)
        if self.signals is not None:
            inputs = torch.cat([inputs, self.signals(batch)], dim=2)
        return append_to_each_step(inputs, context, batch.mask) if "repeat" in self.architecture.fusions else inputs

    def _scaled_values(self, batch: Batch) -> Float[Tensor, "batch time inputs"]:
        """Scale values and clock, and fill missing values; the clock is the last column."""
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


def _build_products(architecture: Architecture, width: int, encoder: Any) -> Products | None:
    """Build the products of features and metadata, if their number of components is resolved and above 0."""
    context = architecture.context
    late = architecture.encoder.pools and "late" in architecture.fusions
    if not late or not isinstance(context, contexts.OneHotContext) or context.products in ("auto", 0):
        return None
    return Products(width, encoder.multiplied, int(context.products))


def _mean_of_steps(
    features: Float[Tensor, "batch steps width"], mask: Bool[Tensor, "batch steps"]
) -> Float[Tensor, "batch width"]:
    return (features * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def _apply_in_double(head: Any, pooled: Float[Tensor, "batch width"]) -> Float[Tensor, "batch outputs"]:
    """Apply a linear head in float64, so that logits are bit-identical whatever else is in the batch."""
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
        The network, with the attributes that ``Encoder`` describes.

    Raises
    ------
    InternalError
        If the part names no network, or a size is still ``"auto"``.
    ParameterError
        If the network of the part cannot be imported.

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
            f"a {type(part).__name__} was built before its sizes were resolved; call Architecture.resolve first"
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
    layers: list[nn.Module] = []
    for units in part.sizes:
        activation = nn.Tanh() if part.activation == "tanh" else nn.ReLU()
        layers += [nn.Linear(width, units), activation, nn.Dropout(part.dropout)]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, outputs))


POOLING_BUILDERS: dict[type[Part], Callable[[Any, Any, int], nn.Module | None]] = {
    AttentionPooling: lambda part, encoder, context_width: AdditiveAttention(encoder.width, part.hidden_size),
    LastPooling: lambda part, encoder, context_width: Last(encoder.bidirectional),
    MeanPooling: lambda part, encoder, context_width: Mean(),
    MaxPooling: lambda part, encoder, context_width: Max(),
    NoPooling: lambda part, encoder, context_width: None,
    ProportionPooling: lambda part, encoder, context_width: None,
    MetadataAttentionPooling: lambda part, encoder, context_width: MetadataAttention(
        encoder.width, context_width, part.hidden_size
    ),
    ConjunctivePooling: lambda part, encoder, context_width: ConjunctiveAttention(encoder.width, 0, part.hidden_size),
    MetadataConjunctivePooling: lambda part, encoder, context_width: ConjunctiveAttention(
        encoder.width, context_width, part.hidden_size
    ),
}
CONTEXT_BUILDERS: dict[type[Part], tuple[Callable[[Any, Any], nn.Module], Callable[[Any, Any], nn.Module]]] = {
    contexts.ContextEncoding: (ContextEncoder, SignalEncoder),
    contexts.OneHotContext: (OneHotContextEncoder, OneHotSignals),
}
"""For each kind of context: the module that encodes metadata, and the module that encodes side signals."""
HEAD_BUILDERS: dict[type[Part], Callable[[Any, int, int], nn.Module]] = {
    MLPHead: _mlp,
    LinearHead: lambda part, width, outputs: nn.Linear(width, outputs),
}


def _builder(builders: dict[type[Part], Any], part: Part) -> Any:
    if type(part) not in builders:
        raise InternalError(f"no network is registered for the part {part!r}")
    return builders[type(part)]
