"""Streams that carry the state of a recurrent network from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ParameterError
from limelight.model.fitted import FittedModel
from limelight.nn.convolutional import ConvLSTMEncoder
from limelight.nn.recurrent import RecurrentEncoder
from limelight.streaming.base import Stream, StreamAnswer, checked_step, require_same_names
from limelight.streaming.cells import RecurrentCells
from limelight.streaming.convolutions import CellFeatures
from limelight.streaming.inputs import StreamInputs
from limelight.streaming.poolings import RunningLogits
from limelight.types import Doubles


class CarriedStream(Stream):
    """A stream that carries the state of a recurrent network of one direction; memory does not grow.

    Parameters
    ----------
    model
        A model with the encoder ``lstm``, ``gru`` or ``conv_lstm`` of one direction.
    metadata
        The metadata of the series, by field.
    like
        Another stream of the same model, whose weights are shared.

    Raises
    ------
    ParameterError
        If the network looks ahead.
    """

    model: FittedModel

    def __init__(
        self, model: FittedModel, metadata: Mapping[str, Any] | None = None, like: CarriedStream | None = None
    ) -> None:
        super().__init__(model)
        encoder = model.network.encoder
        recurrence = getattr(encoder, "recurrence", encoder)
        if not isinstance(recurrence, RecurrentEncoder) or any(layer.back is not None for layer in recurrence.layers):
            raise ParameterError(
                "expected the encoder 'lstm', 'gru' or 'conv_lstm' of one direction to carry its state, got "
                f"{model.architecture.encoder.describe()!r}; pass window= to predict the last steps again and again"
            )
        self._inputs = StreamInputs(model, metadata)
        self._logits = RunningLogits(model.network, self._inputs.context)
        convolves = isinstance(encoder, ConvLSTMEncoder)
        self._cells: RecurrentCells = RecurrentCells(recurrence) if like is None else like._cells
        self._convolutions = CellFeatures(encoder.convolution) if convolves else None
        self._mask_value = recurrence.mask_value
        self._known, self._states, self._sums = self._inputs.start(), self._cells.start(), self._logits.start()
        self._buffer = np.zeros((0, 0))
        self._committed = 0

    def another(self, metadata: Mapping[str, Any] | None = None) -> CarriedStream:
        """Begin another series with the same model; parameters as for ``Stream.another``."""
        return CarriedStream(self.model, metadata, like=self)

    def step(self, values: Any, time: Any = None, signals: Mapping[str, str | None] | None = None) -> StreamAnswer:
        """Add one step and return the answer after it; parameters as for ``Stream.step``."""
        given = checked_step(self.model, values)
        elapsed, now = self._elapsed(time)
        inputs, self._known = self._inputs.of_step(given, elapsed, self._known, signals)
        self.steps, self._time = self.steps + 1, now
        if self._convolutions is None:
            self._states, self._sums = self._advance(self._states, self._sums, inputs)
            return self._answer(self._logits.logits(self._sums))
        return self._answer(self._logits.logits(self._convolved(inputs)))

    def _advance(self, states: Any, sums: Any, inputs: Doubles) -> tuple[Any, Any]:
        """Return states and sums after one more step of the recurrent layers."""
        if self._mask_value is not None and (inputs == np.float32(self._mask_value)).all():
            last = self._cells.layers[-1].states
            return states, self._logits.add(sums, states[-last])
        states, features = self._cells.advance(states, inputs)
        return states, self._logits.add(sums, features)

    def _convolved(self, inputs: Doubles) -> Any:
        """Return the sums after the cells so far; only cells that no later step changes are kept in the state."""
        assert self._convolutions is not None
        whole = np.concatenate([self._buffer.reshape(-1, len(inputs)), inputs[None]])
        features, final, self._buffer = self._convolutions.of_tail(whole, self.steps, self._committed)
        states, sums = self._states, self._sums
        for place, cell in enumerate(features):
            states, sums = self._advance(states, sums, cell)
            if place < final:
                self._states, self._sums = states, sums
        self._committed += final
        return sums

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that ``restore`` needs to continue, as arrays by name."""
        counts = np.array([self.steps, self._committed])
        found: dict[str, NDArray[Any]] = {"counts": counts, "time": np.array([self._time]), "known": self._known}
        found |= {f"state_{place}": one for place, one in enumerate(self._states)}
        found |= {f"sum_{place}": one for place, one in enumerate(self._sums)}
        return {name: one.copy() for name, one in {**found, "buffer": self._buffer}.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a stream of the same model; ParameterError if it is of another."""
        own = self.state()
        require_same_names(own, state)
        for name in own:
            if name != "buffer" and state[name].shape != own[name].shape:
                raise ParameterError(
                    f"expected the state of a stream of this model, got {name!r} of shape {state[name].shape} in place "
                    f"of {own[name].shape}; restore the stream that it came from"
                )
        self.steps, self._committed = (int(count) for count in state["counts"])
        self._time, self._known = float(state["time"][0]), state["known"].copy()
        self._states = tuple(state[f"state_{place}"].copy() for place in range(len(self._states)))
        self._sums = tuple(state[f"sum_{place}"].copy() for place in range(len(self._sums)))
        self._buffer = state["buffer"].copy()
