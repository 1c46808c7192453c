"""Streams that predict their last steps again, with any model. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.predictor import Predictor
from limelight.streaming.base import Stream, StreamAnswer, checked_step, require_same_names
from limelight.types import Doubles


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
        self, model: Predictor, window: int, every: int = 1, metadata: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(model)
        if window < 1 or every < 1:
            raise ParameterError(f"expected window and every of at least 1, got {window} and {every}")
        self.window, self.every = window, every
        self._metadata = dict(metadata or {})
        self._values = np.zeros((0, len(model.channels)))
        self._clock = np.zeros(0)
        self._last: StreamAnswer | None = None

    def another(self, metadata: Mapping[str, Any] | None = None) -> WindowStream:
        """Begin another series with the same model; parameters as for ``Stream.another``."""
        return WindowStream(self.model, self.window, self.every, metadata)

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
            self._last = self._predicted()
        return self._last

    def _predicted(self) -> StreamAnswer:
        """Return the answer of the window."""
        prediction = self.model.predict(panel_of_steps(self.model, self._values, self._clock, self._metadata))
        label, probabilities = prediction.labels[-1], prediction.probabilities[-1]
        plain = label.item() if isinstance(label, np.generic) else label
        return StreamAnswer(plain, probabilities, self.steps)

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


def panel_of_steps(model: Predictor, values: Doubles, clock: Doubles, metadata: Mapping[str, Any]) -> Panel:
    """Return the steps of a stream as a panel of one series, with values (time, channels) and times (time,)."""
    import pyarrow as pa

    table = pa.table({name: [value] for name, value in metadata.items()}) if metadata else None
    times: Any = clock
    if model.fitted_on.get("clock") == "dates":
        times = np.datetime64(0, "ns") + np.round(clock * 1e9).astype("timedelta64[ns]")
    return Panel.from_series([values], channels=model.channels, times=[times], metadata=table)
