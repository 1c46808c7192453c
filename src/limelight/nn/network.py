"""A sentence of parts becomes a network: normalisation, filling of missing values, encoder, pooling, head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limelight.errors import InternalError
from limelight.nn.batch import Batch
from limelight.nn.convolutional import ConvLSTMEncoder
from limelight.nn.filling import Filling
from limelight.nn.masking import spread_over_time
from limelight.nn.normalisation import Standardisation
from limelight.nn.pooling import AdditiveAttention, Last, Max, Mean
from limelight.nn.recurrent import RecurrentEncoder
from limelight.parts.base import Part
from limelight.parts.encoders import GRU, LSTM, ConvLSTM
from limelight.parts.heads import LinearHead, MLPHead
from limelight.parts.poolings import AttentionPooling, LastPooling, MaxPooling, MeanPooling
from limelight.parts.sentence import Sentence


@dataclass
class Answer:
    """What a network says about a batch.

    Parameters
    ----------
    logits
        Shape (batch, outputs); one column when binary, else one for each class.
    weights
        How much each time step counted, each row sums to 1 and padding has 0, shape (batch, time); None where the
        pooling has no weights.
    """

    logits: Float[Tensor, "batch outputs"]
    weights: Float[Tensor, "batch time"] | None


class Network(nn.Module):
    """Normalisation, filling of missing values, encoder, pooling and head, built from a sentence.

    Parameters
    ----------
    sentence
        The parts, with every size settled (``Sentence.settled``).
    channels
        Of the series, at least 1.
    outputs
        Number of logits: ``Task.outputs``.

    Example
    -------
    >>> import torch
    >>> network = Network(Sentence.of("lstm", "attention", "linear"), channels=2, outputs=3)
    >>> answer = network(Batch(torch.zeros(4, 10, 2), torch.ones(4, 10, dtype=torch.bool)))
    >>> answer.logits.shape, answer.weights.shape
    (torch.Size([4, 3]), torch.Size([4, 10]))
    """

    def __init__(self, sentence: Sentence, channels: int, outputs: int) -> None:
        super().__init__()
        self.sentence = sentence
        clock = int(sentence.needs_clock)
        self.normalisation = Standardisation(channels + clock)
        self.filling = Filling(sentence.missing, channels) if sentence.takes_missing else None
        width = (channels if self.filling is None else self.filling.width) + clock
        self.encoder = _builder(ENCODER_BUILDERS, sentence.encoder)(sentence.encoder, width)
        self.pooling = _builder(POOLING_BUILDERS, sentence.pooling)(sentence.pooling, self.encoder)
        self.head = _builder(HEAD_BUILDERS, sentence.head)(sentence.head, self.encoder.width, outputs)

    def forward(self, batch: Batch) -> Answer:
        """Answer a batch; padding in it never changes the answer for the real steps."""
        features, mask = self.encoder(self._inputs(batch), batch.mask)
        pooled, weights = self.pooling(features, mask)
        on_time = None if weights is None else spread_over_time(weights, batch.mask, self.encoder.stride)
        return Answer(self.head(pooled), on_time)

    def _inputs(self, batch: Batch) -> Float[Tensor, "batch time inputs"]:
        """Scale values and clock, and fill in what is missing; the clock is the last input."""
        values, elapsed = batch.values, batch.elapsed
        if self.sentence.needs_clock:
            if elapsed is None:
                raise InternalError("a network with clock='elapsed' got a batch without the time between steps")
            values = torch.cat([values, elapsed[:, :, None]], dim=2)
        scaled: Tensor = self.normalisation(values, batch.mask)
        if self.filling is None:
            return scaled
        channels = batch.values.shape[2]
        filled = self.filling(scaled[:, :, :channels], batch.mask, elapsed)
        return torch.cat([filled, scaled[:, :, channels:]], dim=2)


def _recurrent(part: Any, channels: int) -> nn.Module:
    return RecurrentEncoder(
        part.name,
        channels,
        part.sizes,
        bidirectional=part.bidirectional,
        dropout=part.dropout,
        activation=part.activation,
    )


def _conv_lstm(part: Any, channels: int) -> nn.Module:
    if part.stride == "auto":
        raise InternalError("a ConvLSTM was built before its stride was settled; call Sentence.settled first")
    return ConvLSTMEncoder(channels, **part.get_params())


def _mlp(part: Any, width: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, part.hidden_size),
        nn.ReLU(),
        nn.Dropout(part.dropout),
        nn.Linear(part.hidden_size, outputs),
    )


ENCODER_BUILDERS: dict[type[Part], Callable[[Any, int], nn.Module]] = {
    ConvLSTM: _conv_lstm,
    LSTM: _recurrent,
    GRU: _recurrent,
}
POOLING_BUILDERS: dict[type[Part], Callable[[Any, Any], nn.Module]] = {
    AttentionPooling: lambda part, encoder: AdditiveAttention(encoder.width, part.hidden_size),
    LastPooling: lambda part, encoder: Last(encoder.bidirectional),
    MeanPooling: lambda part, encoder: Mean(),
    MaxPooling: lambda part, encoder: Max(),
}
HEAD_BUILDERS: dict[type[Part], Callable[[Any, int, int], nn.Module]] = {
    MLPHead: _mlp,
    LinearHead: lambda part, width, outputs: nn.Linear(width, outputs),
}


def _builder(builders: dict[type[Part], Any], part: Part) -> Any:
    if type(part) not in builders:
        raise InternalError(f"no network is registered for the part {part!r}")
    return builders[type(part)]
