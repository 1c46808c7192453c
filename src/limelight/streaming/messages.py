"""Several series at once, as messages: a step of one of them comes in, its answer and its events go out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, ParameterError, listing, shown
from limelight.evaluation.decision.alarm_thresholds import with_chosen_length
from limelight.evaluation.events.rule import EventRule
from limelight.model.predictor import Predictor
from limelight.streaming.base import Stream, StreamAnswer, number_of_time
from limelight.streaming.events import END, EventMessage, EventTracker
from limelight.streaming.stream import can_carry, open_stream

LONGEST_ID = 200
StreamMessage = dict[str, Any]


@dataclass(frozen=True)
class StreamSettings:
    """How series are followed.

    Parameters
    ----------
    window, every
        As for ``open_stream``.
    rule
        When events begin and end; used with labels per step only.
    time_unit
        The unit of numeric times, for events.
    id_column, time_column
        Further names of ``"id"`` and ``"time"`` in messages.
    most_series
        The most series at once, at least 1.
    """

    window: int | None = None
    every: int = 1
    rule: EventRule = field(default_factory=EventRule)
    time_unit: str = "s"
    id_column: str = "series_id"
    time_column: str = "time"
    most_series: int = 10_000

    @classmethod
    def as_trained(
        cls,
        model: Predictor,
        reading: Mapping[str, Any],
        window: int | None = None,
        every: int | None = None,
        most_series: int = 10_000,
    ) -> StreamSettings:
        """Choose the settings that fit how a model was trained.

        Parameters
        ----------
        model
            The model.
        reading
            How its series were read, see ``read_as_trained``; ``"events"`` has the rule for events.
        window, every
            As for ``open_stream``; None is the length and the stride of the windows that a model of whole windows was
            trained on, if they are in steps, and for a model that cannot carry a state the length of the longest
            training series.
        most_series
            As for the class.

        Returns
        -------
        StreamSettings
            For ``SeriesStreams``.
        """
        cut = reading.get("windows") or {}
        if window is None and not model.task.by_step and isinstance(cut.get("length"), int):
            window, stride = cut["length"], cut.get("stride")
            every = every or (stride if isinstance(stride, int) else window)
        if window is None and not can_carry(model):
            window = model.fitted_on.get("lengths", [None])[-1]
        return cls(
            window,
            every or 1,
            with_chosen_length(EventRule(**(reading.get("events") or {})), model.decision.provenance),
            (reading.get("units") or {}).get("time", "s"),
            reading.get("id") or "series_id",
            reading.get("time") or "time",
            most_series,
        )


@dataclass
class _Followed:
    """A series that is followed."""

    stream: Stream
    tracker: EventTracker | None
    metadata: Mapping[str, Any]
    restored: float = float("nan")  # the time of its last step before a restart


class SeriesStreams:
    """Follows several series that arrive step by step, each with a stream and, with labels per step, its events.

    Parameters
    ----------
    model
        A fitted or an exported model.
    settings
        How to follow them.
    first
        A stream that others are begun like; None opens one by the settings.

    Raises
    ------
    ParameterError
        If the model cannot carry a state and there is no window, or the rule for events does not match the task.
    """

    def __init__(self, model: Predictor, settings: StreamSettings, first: Stream | None = None) -> None:
        self.model, self.settings = model, settings
        self._first = first or open_stream(model, window=settings.window, every=settings.every)
        self._series: dict[str | None, _Followed] = {}
        self._fields = () if model.vocabulary is None else tuple(one.name for one in model.vocabulary.fields)
        self._signals = () if model.vocabulary is None else tuple(one.name for one in model.vocabulary.signals)
        self._names = [str(name) for name in model.task.classes]
        abstain = model.decision.provenance.get("abstain")
        self._least = 0.0 if abstain is None else float(abstain["least_probability"])
        self._dated = (
            {"dates": True, "numbers": False}.get(model.fitted_on.get("clock") or "") if model.reads_clock else None
        )
        self.steps = self.skipped = 0
        self._tracker()  # raises now what would be raised at the first step

    def __len__(self) -> int:
        return len(self._series)

    def receive(self, message: Any) -> list[StreamMessage]:
        """Add a step, or end a series.

        Parameters
        ----------
        message
            An object with ``"values"``, or the value of each channel by its name; optionally ``"id"``, ``"time"``,
            ``"signals"`` and ``"metadata"``, of which the last two may also be keys of their own, and count for the
            first step of a series only if they are metadata. ``{"id": ..., "end": true}`` ends a series.

        Returns
        -------
        list[dict]
            The answer, with ``id``, ``steps`` (the number of steps so far), ``time``, ``prediction`` and
            ``probabilities``; then events, with ``event`` (``"begin"`` or ``"end"``), ``label``, ``start``, ``end``,
            ``start_step``, ``end_step`` and ``peak_probability``. With a window, there is an answer whenever the window
            is predicted again. A step up to the time at which a restored series was left gives no message.

        Raises
        ------
        DataError
            If the message does not fit the model; nothing has changed then.
        ParameterError
            If there are too many series.
        """
        if not isinstance(message, Mapping):
            raise DataError(f"expected an object with the values of a step, got {shown(message)}")
        name, time = self._id(message), message.get("time", message.get(self.settings.time_column))
        if message.get("end") is True:
            return self.end_series(name)
        values = self._values(message)
        signals = self._keyed(message, "signals", self._signals)
        followed = self._series.get(name)
        if followed is None:
            followed = self._begin(self._keyed(message, "metadata", self._fields))
        number = self._number(time)
        if number is not None and number <= followed.restored:
            self.skipped += 1
            return []
        if number is None and followed.tracker is not None and followed.tracker.needs_times:
            raise DataError("expected the time of the step, as the event rule has durations, got none; send time")
        answer = followed.stream.step(values, number, signals)
        self._series[name], followed.restored = followed, float("nan")
        self.steps += 1
        self._dated = self._dated if number is None else not isinstance(time, (int, float))
        found = [self._answer(name, answer, time)] if answer.step == followed.stream.steps else []
        if followed.tracker is not None:
            events = followed.tracker.step(answer.probabilities, number)
            found += [self._event(name, event) for event in events]
        return found

    def end_series(self, name: str | None) -> list[StreamMessage]:
        """End a series and forget it; return an answer that waited for the end, and the ends of its events.

        Parameters
        ----------
        name
            Its id; None for the series without an id.

        Returns
        -------
        list[dict]
            As for ``receive``.

        Raises
        ------
        DataError
            If there is no such series.
        """
        if name not in self._series:
            raise DataError(f"expected the id of a series that has begun, got {shown(name)}")
        followed = self._series.pop(name)
        last, tracker = followed.stream.finish(), followed.tracker
        found = [] if last is None else [self._answer(name, last, None)]
        return found + ([] if tracker is None else [self._event(name, event) for event in tracker.finish()])

    def end(self) -> list[StreamMessage]:
        """End all series, in the order in which they began; return the ends of their events."""
        return [message for name in list(self._series) for message in self.end_series(name)]

    def state(self) -> tuple[dict[str, NDArray[Any]], str]:
        """Return everything that ``restore`` needs to continue: arrays by name, and a description as JSON."""
        arrays: dict[str, NDArray[Any]] = {}
        for place, followed in enumerate(self._series.values()):
            for kind, part in (("stream", followed.stream), ("events", followed.tracker)):
                own = {} if part is None else part.state()
                arrays |= {f"{place}/{kind}/{name}": array for name, array in own.items()}
        content = {
            "window": self.settings.window,
            "every": self.settings.every,
            "dated": self._dated,
            "series": [[name, dict(followed.metadata)] for name, followed in self._series.items()],
        }
        return arrays, json.dumps(content)

    def restore(self, arrays: Mapping[str, NDArray[Any]], description: str) -> None:
        """Continue from a state.

        Parameters
        ----------
        arrays, description
            From ``state``, of the same model.

        Raises
        ------
        ParameterError
            If the state is of another model or of other settings.
        """
        try:
            content = json.loads(description)
            own = (self.settings.window, self.settings.every)
            if (given := (content["window"], content["every"])) != own:
                raise ParameterError(
                    f"expected a state with window {own[0]} and every {own[1]}, got one with {given[0]} and "
                    f"{given[1]}; use the same settings as before, or another state file"
                )
            self._series, self._dated = {}, content["dated"]
            for place, (name, metadata) in enumerate(content["series"]):
                followed = self._begin(metadata)
                followed.stream.restore(_under(arrays, f"{place}/stream/"))
                if followed.tracker is not None:
                    followed.tracker.restore(_under(arrays, f"{place}/events/"))
                followed.restored = followed.stream.time
                self._series[name] = followed
        except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
            raise ParameterError(
                "expected the state of streams, got something else; remove the file to begin anew"
            ) from error

    def _begin(self, metadata: Mapping[str, Any]) -> _Followed:
        if len(self._series) >= self.settings.most_series:
            raise ParameterError(
                f"expected at most {self.settings.most_series:,} series at once, got more; end those that are complete"
            )
        return _Followed(self._first.another(metadata or None), self._tracker(), metadata)

    def _tracker(self) -> EventTracker | None:
        if not self.model.task.by_step:
            return None
        if self.settings.every > 1:
            raise ParameterError(
                f"expected every step to be predicted with labels per step, got every={self.settings.every}; use 1"
            )
        return EventTracker(
            self.model.task, self.settings.rule, self.model.decision.thresholds, self.settings.time_unit
        )

    def _id(self, message: Mapping[str, Any]) -> str | None:
        name = message.get("id", message.get(self.settings.id_column))
        if name is None:
            return None
        if not isinstance(name, (str, int)) or isinstance(name, bool) or len(str(name)) > LONGEST_ID:
            raise DataError(f"expected an id of at most {LONGEST_ID} letters, got {shown(name)}")
        return str(name)

    def _values(self, message: Mapping[str, Any]) -> Any:
        values = message.get("values")
        if values is None:
            missing = [name for name in self.model.channels if name not in message]
            if missing:
                raise DataError(
                    f"expected values, or a value of each channel ({listing(self.model.channels)}), got a message "
                    f"without {listing(missing)}"
                )
            values = [message[name] for name in self.model.channels]
        given = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
        for value in given:
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                raise DataError(f"expected numbers or null as values, got {shown(value)}")
        try:
            return [np.nan if value is None else float(value) for value in given]
        except OverflowError:
            raise DataError("expected numbers that fit 64 bits as values, got a larger one") from None

    @staticmethod
    def _keyed(message: Mapping[str, Any], key: str, names: Sequence[str]) -> dict[str, Any]:
        """Return the object under a key, and what the message has under the names that may be keys of their own."""
        given = message.get(key) or {}
        if not isinstance(given, Mapping):
            raise DataError(f"expected an object for {key}, got {shown(given)}")
        found = {**{name: message[name] for name in names if name in message}, **given}
        for value in found.values():
            if value is not None and not isinstance(value, (str, int, float)):
                raise DataError(f"expected text or a number for each of the {key}, got {shown(value)}")
        return found

    def _answer(self, name: str | None, answer: StreamAnswer, time: Any) -> StreamMessage:
        label: Any = answer.label
        if self.model.task.multilabel:
            label = dict(zip(self._names, np.asarray(label).tolist(), strict=True))
        elif float(answer.probabilities.max()) < self._least:
            label = None
        return {
            **({} if name is None else {"id": name}),
            "steps": answer.step,
            **({} if time is None else {"time": time}),
            "prediction": label,
            "probabilities": dict(zip(self._names, answer.probabilities.tolist(), strict=True)),
        }

    def _event(self, name: str | None, event: EventMessage) -> StreamMessage:
        has_ended, has_times = event.kind == END, not np.isnan(event.start_time)
        found: StreamMessage = {} if name is None else {"id": name}
        found |= {"event": event.kind, "label": self._names[event.label]}
        found["start"] = self._shown(event.start_time) if has_times else event.start
        if has_ended:
            found["end"] = self._shown(event.last_time) if has_times else event.stop - 1
        found["start_step"] = event.start
        if has_ended:
            found["end_step"] = event.stop - 1
        return {**found, "peak_probability": event.peak}

    def _shown(self, time: float) -> Any:
        """Return a time as it was given: a number, or a date as text."""
        if not self._dated:
            return time
        return str(np.datetime64(0, "us") + np.timedelta64(round(time * 1e6), "us")).removesuffix(".000000")

    def _number(self, time: Any) -> float | None:
        """Return a time as a number; DataError if other times are dates and this one is not, or the reverse."""
        if time is None:
            return None
        number, dated = number_of_time(time), not isinstance(time, (int, float))
        if self._dated is not None and dated != self._dated:
            kinds = ("dates", "numbers") if self._dated else ("numbers", "dates")
            raise DataError(f"expected {kinds[0]} as times, as before, got {shown(time)}, one of the {kinds[1]}")
        return number


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
