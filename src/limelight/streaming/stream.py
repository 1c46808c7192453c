"""Streams: the answer of a model after each step of a series that is still arriving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.fitted import FittedModel
from limelight.model.prediction import Prediction
from limelight.nn.convolutional import ConvLSTMEncoder
from limelight.nn.recurrent import RecurrentEncoder
from limelight.streaming.cells import RecurrentCells
from limelight.streaming.convolutions import CellFeatures
from limelight.streaming.inputs import StreamInputs, checked_step
from limelight.streaming.poolings import RunningLogits
from limelight.types import Doubles


class StreamAnswer(NamedTuple):
    """The answer after a step.

    Parameters
    ----------
    label
        The predicted class; for several labels 0 or 1 for each, shape (labels,).
    probabilities
        Of each class or label, shape (classes,).
    step
        The number of steps that the answer is about.
    """

    label: Any
    probabilities: Doubles
    step: int


class Stream:
    """A series that is still arriving; made by ``open_stream``.

    After every step the answer is that of ``predict`` for the steps so far, or with labels per step that of the last
    step.
    """

    def __init__(self, model: FittedModel) -> None:
        self.model = model
        self.steps = 0
        self._time = np.nan

    @abstractmethod
    def step(self, values: Any, time: Any = None, signals: Mapping[str, str | None] | None = None) -> StreamAnswer:
        """Add one step and return the answer after it.

        Parameters
        ----------
        values
            One number for each channel, NaN if missing, shape (channels,).
        time
            The time of the step, later than that of the step before: a number, or a date as ``datetime64`` or text.
            Needed if the model reads the clock.
        signals
            The word of each side signal.

        Returns
        -------
        StreamAnswer
            The answer.

        Raises
        ------
        DataError
            If the values or the time do not fit the model.
        """

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that ``restore`` needs to continue, as arrays by name; for example for ``numpy.savez``."""

    @abstractmethod
    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a stream of the same model; ParameterError if it is of another."""

    def _elapsed(self, time: Any) -> tuple[float, float]:
        """Return the time since the previous step, 0 at the first, and the time of this step."""
        if time is None:
            if self.model.reads_clock:
                raise DataError("expected the time of the step, which the model reads, got none; pass time=")
            return 0.0, self._time
        now = _number_of(time)
        elapsed = 0.0 if np.isnan(self._time) else now - self._time
        if elapsed < 0 or (elapsed == 0 and not np.isnan(self._time)):
            raise DataError(f"expected a time after that of the step before, got {time!r}; drop the step, or sort them")
        return elapsed, now

    def _answer(self, logits: Doubles) -> StreamAnswer:
        decision, task = self.model.decision, self.model.task
        scaled = decision.apply_temperature(logits[None])
        prediction = Prediction(np.array(["0"]), task, scaled, thresholds=decision.thresholds, mixing=decision.mixing)
        label = prediction.labels[0]
        plain = label.item() if isinstance(label, np.generic) else label
        return StreamAnswer(plain, prediction.probabilities[0], self.steps)


class CarriedStream(Stream):
    """A stream that carries the state of a recurrent network of one direction; memory does not grow.

    Parameters
    ----------
    model
        A model with the encoder ``lstm``, ``gru`` or ``conv_lstm`` of one direction.
    metadata
        The metadata of the series, by field.
    """

    def __init__(self, model: FittedModel, metadata: Mapping[str, Any] | None = None) -> None:
        super().__init__(model)
        encoder = model.network.encoder
        self._inputs = StreamInputs(model, metadata)
        self._logits = RunningLogits(model.network, self._inputs.context)
        convolves = isinstance(encoder, ConvLSTMEncoder)
        recurrence = encoder.recurrence if convolves else encoder
        self._cells = RecurrentCells(recurrence)
        self._convolutions = CellFeatures(encoder.convolution) if convolves else None
        self._mask_value = recurrence.mask_value
        self._known, self._states, self._sums = self._inputs.start(), self._cells.start(), self._logits.start()
        self._buffer = np.zeros((0, 0))
        self._committed = 0

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


class WindowStream(Stream):
    """A stream that predicts its last steps again, for models that read a series as a whole.

    Parameters
    ----------
    model
        Any model without side signals.
    window
        Number of steps to predict, at least 1.
    every
        Predict after every so many steps, at least 1; the answers in between are those of the last prediction.
    metadata
        The metadata of the series, by field.
    """

    def __init__(
        self, model: FittedModel, window: int, every: int = 1, metadata: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(model)
        if window < 1 or every < 1:
            raise ParameterError(f"expected window and every of at least 1, got {window} and {every}")
        self.window, self.every = window, every
        self._metadata = dict(metadata or {})
        self._values = np.zeros((0, len(model.channels)))
        self._clock = np.zeros(0)
        self._last: StreamAnswer | None = None

    def step(self, values: Any, time: Any = None, signals: Mapping[str, str | None] | None = None) -> StreamAnswer:
        """Add one step and return the answer after it; parameters as for ``Stream.step``."""
        if signals:
            raise DataError("expected no side signals in a stream with window=, got some; leave them out")
        given = checked_step(self.model, values)
        _, now = self._elapsed(time)
        self.steps, self._time = self.steps + 1, now
        self._values = np.concatenate([self._values, given[None]])[-self.window :]
        self._clock = np.append(self._clock, self._time if time is not None else self.steps)[-self.window :]
        if self._last is None or (self.steps - 1) % self.every == 0:
            prediction = self.model.predict(self._panel())
            label, probabilities = prediction.labels[-1], prediction.probabilities[-1]
            plain = label.item() if isinstance(label, np.generic) else label
            self._last = StreamAnswer(plain, probabilities, self.steps)
        return self._last

    def _panel(self) -> Panel:
        import pyarrow as pa

        metadata = pa.table({name: [value] for name, value in self._metadata.items()}) if self._metadata else None
        times: Any = self._clock
        if self.model.fitted_on.get("clock") == "dates":
            times = np.datetime64(0, "ns") + np.round(self._clock * 1e9).astype("timedelta64[ns]")
        return Panel.from_series([self._values], channels=self.model.channels, times=[times], metadata=metadata)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that ``restore`` needs to continue, as arrays by name."""
        counts = np.array([self.steps, self.window, self.every])
        return {
            "counts": counts,
            "values": self._values.copy(),
            "clock": self._clock.copy(),
            "time": np.array([self._time]),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a stream of the same model and window; ParameterError if it is of another."""
        own = self.state()
        require_same_names(own, state)
        if (state["counts"][1:] != own["counts"][1:]).any() or state["values"].shape[1] != self._values.shape[1]:
            raise ParameterError(
                "expected the state of a stream of this model with the same window, got another; restore the stream "
                "that it came from"
            )
        self.steps, self._time = int(state["counts"][0]), float(state["time"][0])
        self._values, self._clock = state["values"].copy(), state["clock"].copy()
        self._last = None


def open_stream(
    model: FittedModel,
    *,
    metadata: Mapping[str, Any] | None = None,
    window: int | None = None,
    every: int = 1,
) -> Stream:
    """Begin a stream.

    Parameters
    ----------
    model
        A fitted model.
    metadata
        The metadata of the series, by field; missing fields are unknown.
    window
        None carries the state of the network from step to step, which needs the encoder ``lstm``, ``gru`` or
        ``conv_lstm`` of one direction. A number predicts so many last steps again, with any model.
    every
        With a window, predict after every so many steps.

    Returns
    -------
    Stream
        Before its first step.

    Raises
    ------
    ParameterError
        If the model cannot carry a state, or window or every is below 1.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "gru", "hidden_size": 4}, "attention", "linear", missing="error")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("x",))
    >>> stream, series = open_stream(model), np.sin(np.arange(30.0))
    >>> answers = [stream.step([value]) for value in series]
    >>> expected = model.predict(Panel.from_series([series], channels=["x"])).probabilities[0]
    >>> bool(np.abs(answers[-1].probabilities - expected).max() < 1e-6)
    True
    """
    if window is not None:
        return WindowStream(model, window, every, metadata)
    encoder = model.network.encoder
    recurrence = getattr(encoder, "recurrence", encoder)
    if not isinstance(recurrence, RecurrentEncoder) or any(layer.back is not None for layer in recurrence.layers):
        raise ParameterError(
            "expected the encoder 'lstm', 'gru' or 'conv_lstm' of one direction to carry its state, got "
            f"{model.architecture.encoder.describe()!r}; pass window= to predict the last steps again and again"
        )
    return CarriedStream(model, metadata)


def require_same_names(own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ParameterError if a state has other arrays than that of a stream."""
    if set(own) != set(given):
        raise ParameterError(
            f"expected the state of a stream of this model, with {', '.join(own)}, got {', '.join(given)}; restore the "
            "stream that it came from"
        )


def _number_of(time: Any) -> float:
    """Return a time as a number: seconds since 1970 for dates."""
    if isinstance(time, (int, float, np.integer, np.floating)) and not isinstance(time, bool):
        if np.isfinite(time):
            return float(time)
        raise DataError(f"expected a time, got {time!r}")
    try:
        return float(np.datetime64(time, "ns").astype(np.int64)) / 1e9
    except (TypeError, ValueError):
        raise DataError(f"expected a time as a number or a date, got {time!r}") from None
