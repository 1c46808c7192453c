"""Streams that carry the features of rocket and its blocks over the last steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.model.fitted import FittedModel
from limelight.streaming.base import StreamAnswer
from limelight.streaming.inputs import StreamInputs
from limelight.streaming.sliding import SLIDING, can_slide, sliding_features
from limelight.streaming.windows import WindowStream


class CountedStream(WindowStream):
    """A window stream for ``rocket`` and ``blocks`` that updates counts and sums instead of computing them anew.

    Its answers are those of a ``WindowStream``, and its state is the same: counts are computed anew after ``restore``,
    and if the largest value of the window passes a power of two, since values are rounded relative to it.

    Parameters
    ----------
    model
        A model for which ``can_count`` is true.
    window
        Number of steps to predict, at least 2.
    metadata
        The metadata of the series, by field.
    like
        Another stream of the same model and window, whose kernels are shared.
    """

    model: FittedModel

    def __init__(
        self,
        model: FittedModel,
        window: int,
        metadata: Mapping[str, Any] | None = None,
        like: CountedStream | None = None,
    ) -> None:
        super().__init__(model, window, 1, metadata)
        self._inputs = StreamInputs(model, metadata)
        if like is None:
            self._features = [sliding_features(block, window) for block in _blocks_of(model.network.encoder)]
            head = model.network.head
            self._head = (head.weight.detach().double(), head.bias.detach().double())
        else:
            self._features, self._head = [one.another() for one in like._features], like._head
        self._carried = np.zeros((0, model.network.input_width), dtype=np.float32)
        self._stale = True

    def another(self, metadata: Mapping[str, Any] | None = None) -> CountedStream:
        """Begin another series with the same model; parameters as for ``Stream.another``."""
        return CountedStream(self.model, self.window, metadata, like=self)

    def _predicted(self) -> StreamAnswer:
        """Return the answer of the window."""
        if self.model.architecture.missing == "last" and np.isnan(self._values).any():
            self._stale = True  # a value before the window must not fill it
            return super()._predicted()
        if self._stale:
            self._carried = np.stack([self._encoder_input(values) for values in self._values])
            for one in self._features:
                one.restart(self._carried)
            self._stale = False
        else:
            dropped = len(self._carried) == self.window
            self._carried = np.concatenate([self._carried[int(dropped) :], self._encoder_input(self._values[-1])[None]])
            for one in self._features:
                one.advance(self._carried, dropped)
        return self._answer(self._logits([one.features(self._carried) for one in self._features]))

    def _encoder_input(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        return self._inputs.of_step(values, 0.0, self._inputs.start(), None)[0].astype(np.float32)

    def _logits(self, features: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return what ``Network.logits_of`` computes, which converts the weights every time."""
        network, parts = self.model.network, list(features)
        if "late" in self.model.architecture.fusions:
            parts.append(self._inputs.context.astype(np.float32))
        if network.products is None:
            pooled = torch.from_numpy(np.concatenate(parts, dtype=np.float64))
        else:
            with torch.inference_mode():
                pooled = network.with_products(torch.from_numpy(np.concatenate(parts))[None])[0].double()
        logits: NDArray[np.float64] = torch.nn.functional.linear(pooled, *self._head).numpy()
        return logits.astype(np.float32).astype(np.float64)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a stream of the same model and window; ParameterError if it is of another."""
        super().restore(state)
        self._stale = True


def can_count(model: Any, window: int, every: int) -> bool:
    """Whether a ``CountedStream`` answers for a model: ``rocket`` or ``blocks`` without clock, at every step."""
    network = getattr(model, "network", None)
    if network is None or window < 2 or every > 1 or model.reads_clock or model.architecture.missing == "linear":
        return False
    blocks = _blocks_of(network.encoder)
    on_cpu = all(one.device.type == "cpu" for one in network.parameters())
    return bool(blocks) and on_cpu and network.signals is None and all(map(can_slide, blocks))


def _blocks_of(encoder: Any) -> list[Any]:
    """Return the blocks of fixed features of an encoder; an empty list if none can be carried."""
    several = getattr(encoder, "blocks", None)
    blocks = list(several.values()) if isinstance(several, torch.nn.ModuleDict) else [encoder]
    return blocks if any(type(one) in SLIDING for one in blocks) else []
