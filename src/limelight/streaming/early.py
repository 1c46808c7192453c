"""A stream that answers once, as soon as the rule for early answers allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError
from limelight.evaluation.early.early_model import EarlyModel
from limelight.evaluation.early.looks import early_margins
from limelight.model.fitted import FittedModel
from limelight.streaming.base import Stream, StreamAnswer, checked_step, require_same_names
from limelight.streaming.windows import panel_of_steps


class EarlyStream(Stream):
    """A stream with one answer: at the first look with a sufficient margin, or when the series ends.

    Parameters
    ----------
    early
        The models and the rule.
    metadata
        The metadata of the series, by field.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> from limelight.model_selection.early_fit import fit_early
    >>> from limelight.recipe import Recipe
    >>> waves = generate_sine(SineSettings(dataset_size=80, num_points=40))
    >>> recipe = Recipe.of({"encoder": {"name": "rocket", "features": 840}})
    >>> early = fit_early(recipe, waves, cost_of_delay=0.2, shares=(0.25, 0.5))
    >>> stream = EarlyStream(early)
    >>> answers = [stream.step(values) for values in waves.series(0)]
    >>> last = stream.finish() or answers[-1]
    >>> last.label == early.whole.task.decode(early.predict(waves[:1]).decisions)[0]
    True
    """

    def __init__(self, early: EarlyModel, metadata: Mapping[str, Any] | None = None) -> None:
        super().__init__(early.whole)
        self.early = early
        self._metadata = dict(metadata or {})
        self._values = np.zeros((0, len(early.whole.channels)))
        self._clock = np.zeros(0)
        self._answered: StreamAnswer | None = None
        self._model_of = dict(zip(early.steps.tolist(), early.models[:-1], strict=True))

    @property
    def answered(self) -> bool:
        """Whether the answer has been made."""
        return self._answered is not None

    def another(self, metadata: Mapping[str, Any] | None = None) -> EarlyStream:
        """Begin another series with the same models; parameters as for ``Stream.another``."""
        return EarlyStream(self.early, metadata)

    def step(self, values: Any, time: Any = None, signals: Mapping[str, str | None] | None = None) -> StreamAnswer:
        """Add one step and return the answer, whose ``step`` is 0 until there is one.

        Parameters
        ----------
        values, time, signals
            As for ``Stream.step``; side signals are not supported.

        Returns
        -------
        StreamAnswer
            The answer, with the number of steps that it was made after; before, a label of None and NaN as
            probabilities.

        Raises
        ------
        DataError
            If the values or the time do not fit the models, or there are side signals.
        """
        if signals:
            raise DataError("expected no side signals in a stream of early answers, got some; leave them out")
        given = checked_step(self.model, values)
        _, now = self._elapsed(time)
        self.steps, self._time = self.steps + 1, now
        if self._answered is None:
            self._values = np.concatenate([self._values, given[None]])
            self._clock = np.append(self._clock, now if time is not None else self.steps)
            self._decide()
        return self._answered or StreamAnswer(None, np.full(len(self.model.task.classes), np.nan), 0)

    def _decide(self) -> None:
        """Decide if these are the steps of a look and its margin is sufficient."""
        model = self._model_of.get(self.steps)
        if model is None:
            return
        found, margin = self._predict(model)
        if margin >= self.early.rule.margin:
            self._answered = found

    def finish(self) -> StreamAnswer | None:
        """End the series; return the answer for the whole series, or None if there was an earlier one or no step."""
        if self._answered is not None or not self.steps:
            return None
        self._answered = self._predict(self.early.whole)[0]
        return self._answered

    def _predict(self, model: FittedModel) -> tuple[StreamAnswer, float]:
        prediction = model.predict(panel_of_steps(model, self._values, self._clock, self._metadata))
        label, probabilities = prediction.labels[0], prediction.probabilities
        plain = label.item() if isinstance(label, np.generic) else label
        margin = float(early_margins(model.task, probabilities, prediction.thresholds)[0])
        return StreamAnswer(plain, probabilities[0], self.steps), margin

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that ``restore`` needs to continue, as arrays by name."""
        return {
            "counts": np.array([self.steps, -1 if self._answered is None else self._answered.step]),
            "values": self._values.copy(),
            "clock": self._clock.copy(),
            "time": np.array([self._time]),
            "probabilities": np.zeros(0) if self._answered is None else self._answered.probabilities.copy(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a stream of the same models; ParameterError if it is of another."""
        require_same_names(self.state(), state)
        self.steps, self._time = int(state["counts"][0]), float(state["time"][0])
        self._values, self._clock = state["values"].copy(), state["clock"].copy()
        self._answered = None
        if state["counts"][1] >= 0:
            probabilities = state["probabilities"].copy()
            thresholds = self.model.decision.thresholds
            label = self.model.task.decode(self.model.task.decide(probabilities[None], thresholds))[0]
            plain = label.item() if isinstance(label, np.generic) else label
            self._answered = StreamAnswer(plain, probabilities, int(state["counts"][1]))
