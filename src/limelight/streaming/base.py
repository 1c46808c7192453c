"""What every stream is: its answers, its clock, and the checks of a step. Needs no torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.date_forms import in_iso_form
from limelight.errors import DataError, ParameterError, listing, shown
from limelight.model.prediction import Prediction
from limelight.model.predictor import Predictor
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
        The number of steps from which the answer is predicted.
    """

    label: Any
    probabilities: Doubles
    step: int


class Stream:
    """A series that is still arriving; built by ``open_stream``.

    After every step the answer is that of ``predict`` for the steps so far, or with labels per step that of the last
    step.
    """

    def __init__(self, model: Predictor) -> None:
        self.model = model
        self.steps = 0
        self._time = np.nan

    @property
    def time(self) -> float:
        """The time of the last step, in seconds since 1970 for dates; NaN if it had none."""
        return self._time

    @abstractmethod
    def another(self, metadata: Mapping[str, Any] | None = None) -> Stream:
        """Begin another series with the same model, which shares its weights.

        Parameters
        ----------
        metadata
            The metadata of that series, by field.

        Returns
        -------
        Stream
            Before its first step.
        """

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

    def finish(self) -> StreamAnswer | None:
        """End the series; return an answer that waited for the end, which only a stream of early answers has."""
        return None

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
        now = number_of_time(time)
        elapsed = 0.0 if np.isnan(self._time) else now - self._time
        if elapsed < 0 or (elapsed == 0 and not np.isnan(self._time)):
            raise DataError(f"expected a time after that of the step before, got {time!r}; drop the step, or sort them")
        return elapsed, now

    def _answer(self, logits: Doubles) -> StreamAnswer:
        decision, task = self.model.decision, self.model.task
        scaled = decision.apply_temperature(logits[None])
        prediction = Prediction(np.array(["0"]), task, scaled, thresholds=decision.thresholds, mixing=decision.mixing)
        probabilities = prediction.probabilities
        label = task.decode(task.decide(probabilities, decision.thresholds))[0]
        plain = label.item() if isinstance(label, np.generic) else label
        return StreamAnswer(plain, probabilities[0], self.steps)


def checked_step(model: Predictor, values: Any) -> Doubles:
    """Return the values of a step, shape (channels,); DataError if they do not fit the model."""
    try:
        step = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise DataError(f"expected a number for each channel, got {str(values)[:80]!r}") from None
    if len(step) != len(model.channels):
        raise DataError(
            f"expected a number for each of {len(model.channels)} channels ({listing(model.channels)}), got {len(step)}"
        )
    if np.isinf(step).any() or (np.isnan(step).any() and not model.accepts_missing):
        found = "infinity" if np.isinf(step).any() else "a missing value (NaN)"
        raise DataError(f"expected a number for each channel, got {found}; correct it, or leave the step out")
    return step


def require_same_names(own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ParameterError if a state has other arrays than that of a stream."""
    if set(own) != set(given):
        raise ParameterError(
            f"expected the state of a stream of this model, with {', '.join(own)}, got {', '.join(given)}; restore the "
            "stream that it came from"
        )


def number_of_time(time: Any) -> float:
    """Convert a time to a number: seconds since 1970 for dates, in UTC if they have a time zone.

    Dates are those of metadata: in ISO form, with dots, or with the English name of a month.

    Example
    -------
    >>> number_of_time(2), number_of_time("1970-01-02T00:00:30"), number_of_time("1970-01-01T01:00+01:00")
    (2.0, 86430.0, 0.0)
    >>> number_of_time("2.1.1970 00:00:30"), number_of_time("2 Jan 1970 00:00:30")
    (86430.0, 86430.0)
    """
    if isinstance(time, (int, float, np.integer, np.floating)) and not isinstance(time, bool):
        if np.isfinite(time):
            return float(time)
        raise DataError(f"expected a time, got {time!r}")
    try:
        if isinstance(time, str):
            time = datetime.fromisoformat(in_iso_form(time.strip()))
        if isinstance(time, datetime) and time.tzinfo is not None:
            time = time.astimezone(UTC).replace(tzinfo=None)
        date = np.datetime64(time, "ns")
        if np.isnat(date):
            raise ValueError("no time")
        return float(date.astype(np.int64)) / 1e9
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"expected a time as a number or a date, got {shown(time)}") from None
