"""Poolings: combine the features of all real steps into one vector; attention also returns the weight of each step."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limelight.nn.masking import at_last_real, lengths_of, masked_softmax

STRENGTH = 3.0
"""Factor of the initial weights of attention that reads metadata. Without it, such attention starts almost uniform, and
often never learns which part of a series counts for which metadata."""
Pooled = tuple[Float[Tensor, "batch width"], Float[Tensor, "batch steps"] | None]


class AdditiveAttention(nn.Module):
    """Weighted mean of the features; the weight of a step is softmax(v · tanh(W h + b)) over the real steps.

    Parameters
    ----------
    width
        Number of features h, at least 1.
    hidden_size
        Rows of W, at least 1.

    Source
    ------
    Bahdanau et al. 2015, equation for e_ij with the query absorbed into b. A bias after v would not change the softmax
    and is omitted.
    """

    def __init__(self, width: int, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, features: Float[Tensor, "batch steps width"], mask: Bool[Tensor, "batch steps"]) -> Pooled:
        """Return the pooled vector and the weights, shapes (batch, width) and (batch, steps)."""
        scores = self.score(torch.tanh(self.project(features))).squeeze(2)
        weights = masked_softmax(scores, mask)
        return torch.einsum("bs,bsw->bw", weights, features), weights


class MetadataAttention(nn.Module):
    """Weighted mean of the features; the weight of a step is softmax(v · tanh(W h + U c + b)) over the real steps.

    Parameters
    ----------
    width
        Number of features h, at least 1.
    context_width
        Width of the context vector c (encoded metadata), at least 1.
    hidden_size
        Rows of W and U, at least 1.

    Source
    ------
    Bahdanau et al. 2015, equation for e_ij with the metadata of the series as query. A common Keras recipe,
    ``Attention`` with the series as query and the metadata as value, is different: it attends over a single vector, so
    all weights are 1 and the result does not depend on the series.
    """

    def __init__(self, width: int, context_width: int, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, hidden_size)
        self.ask = nn.Linear(context_width, hidden_size, bias=False)
        self.score = nn.Linear(hidden_size, 1, bias=False)
        _strengthen(self.project, self.ask, self.score)

    def forward(
        self,
        features: Float[Tensor, "batch steps width"],
        mask: Bool[Tensor, "batch steps"],
        context: Float[Tensor, "batch context"],
    ) -> Pooled:
        """Return the pooled vector and the weights, shapes (batch, width) and (batch, steps)."""
        scores = self.score(torch.tanh(self.project(features) + self.ask(context)[:, None])).squeeze(2)
        weights = masked_softmax(scores, mask)
        return torch.einsum("bs,bsw->bw", weights, features), weights


class ConjunctiveAttention(nn.Module):
    """Attention of each step, sigmoid(v · tanh(W h + U c + b) + d), divided by the number of real steps.

    The attention of a step does not depend on the other steps.

    Parameters
    ----------
    width
        Number of features h, at least 1.
    context_width
        Width of the context vector c (encoded metadata); 0 ignores metadata.
    hidden_size
        Rows of W and U, at least 1.

    Attributes
    ----------
    typical
        Mean features of the steps of the training series, shape (width,): a step like this is the baseline of evidence.
        Set after training; not used in predictions.

    Source
    ------
    Early et al., Inherently Interpretable Time Series Classification via Multiple Instance Learning, 2024.
    """

    typical: Tensor

    def __init__(self, width: int, context_width: int, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, hidden_size)
        self.ask = nn.Linear(context_width, hidden_size, bias=False) if context_width else None
        self.score = nn.Linear(hidden_size, 1)
        if self.ask is not None:
            _strengthen(self.project, self.ask, self.score)
        self.register_buffer("typical", torch.zeros(width))

    def forward(
        self,
        features: Float[Tensor, "batch steps width"],
        mask: Bool[Tensor, "batch steps"],
        context: Float[Tensor, "batch context"] | None = None,
    ) -> Float[Tensor, "batch steps"]:
        """Return the factors of the logits of the steps, shape (batch, steps), 0 for padding."""
        hidden = self.project(features)
        if self.ask is not None and context is not None:
            hidden = hidden + self.ask(context)[:, None]
        gates = torch.sigmoid(self.score(torch.tanh(hidden)).squeeze(2))
        return gates * mask / lengths_of(mask)[:, None]


@torch.no_grad()
def _strengthen(*layers: nn.Linear) -> None:
    """Multiply the initial weights, so that attention depends on the metadata from the start of training."""
    for layer in layers:
        layer.weight.mul_(STRENGTH)


class Last(nn.Module):
    """The final state: features of the last real step; for the backward direction, features of the first step.

    Parameters
    ----------
    bidirectional
        Whether the second half of the features is the backward direction.
    """

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, features: Float[Tensor, "batch steps width"], mask: Bool[Tensor, "batch steps"]) -> Pooled:
        """Return the pooled vector, shape (batch, width), and None instead of weights."""
        last = at_last_real(features, mask)
        if not self.bidirectional:
            return last, None
        half = features.shape[2] // 2
        return torch.cat([last[:, :half], features[:, 0, half:]], dim=1), None


class Mean(nn.Module):
    """The mean over the real steps."""

    def forward(self, features: Float[Tensor, "batch steps width"], mask: Bool[Tensor, "batch steps"]) -> Pooled:
        """Return the pooled vector, shape (batch, width), and None instead of weights."""
        return (features * mask[:, :, None]).sum(dim=1) / lengths_of(mask)[:, None], None


class Max(nn.Module):
    """The maximum of each feature over the real steps."""

    def forward(self, features: Float[Tensor, "batch steps width"], mask: Bool[Tensor, "batch steps"]) -> Pooled:
        """Return the pooled vector, shape (batch, width), and None instead of weights."""
        return features.masked_fill(~mask[:, :, None], float("-inf")).amax(dim=1), None
