"""Passes: requests that arrive while a model predicts are predicted together in the next pass."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.errors import InputError
from limelight.model.prediction import Prediction
from limelight.model.predictor import Predictor
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.metrics import COUNTS, ServerMetrics


class _Waiting(NamedTuple):
    model: Predictor
    panel: Panel
    attention: bool
    done: asyncio.Future[Prediction]


class Passes:
    """Predicts the requests of one model, together if several wait; there is no timer, so a single one never waits.

    Parameters
    ----------
    name
        Of the model, for the metrics.
    limits
        Of the requests and of the queue.
    metrics
        Receives the number of waiting requests, and of series in each pass.
    """

    def __init__(self, name: str, limits: ServerLimits, metrics: ServerMetrics) -> None:
        self.name, self.limits, self.metrics = name, limits, metrics
        self.executor = ThreadPoolExecutor(1, "limelight-pass")
        self._queue: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def predict(self, model: Predictor, panel: Panel, *, attention: bool = False) -> Prediction:
        """Predict a panel in one of the next passes.

        Parameters
        ----------
        model
            The model; requests of another one are predicted in a pass of their own.
        panel
            The series.
        attention
            Whether to return the attention weights.

        Returns
        -------
        Prediction
            Of these series alone.

        Raises
        ------
        RequestError
            503 if too many requests wait.
        InputError
            If the model cannot predict the series.
        """
        if len(self._queue) >= self.limits.waiting:
            raise RequestError(
                503,
                f"expected at most {self.limits.waiting} waiting requests, got more; try again",
                {"Retry-After": "1"},
            )
        loop = asyncio.get_running_loop()
        waiting = _Waiting(model, panel, attention, loop.create_future())
        self._queue.append(waiting)
        self.metrics.set("limelight_waiting", len(self._queue), model=self.name)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await waiting.done

    async def _run(self) -> None:
        """Predict the waiting requests, pass by pass, until none is waiting."""
        loop = asyncio.get_running_loop()
        while self._queue:
            together = self._take()
            self.metrics.set("limelight_waiting", len(self._queue), model=self.name)
            results = await loop.run_in_executor(self.executor, _predict_together, together)
            self.metrics.observe("limelight_pass_series", sum(len(one.panel) for one in together), COUNTS)
            for one, result in zip(together, results, strict=True):
                if one.done.done():  # the client has gone
                    continue
                if isinstance(result, BaseException):
                    one.done.set_exception(result)
                else:
                    one.done.set_result(result)

    def _take(self) -> list[_Waiting]:
        """Remove the requests of the next pass from the queue: of one model, in order, within the limits."""
        first, steps = self._queue[0], 0
        taken: list[_Waiting] = []
        while self._queue and self._queue[0].model is first.model:
            steps += int(self._queue[0].panel.lengths.sum())
            if taken and steps > self.limits.steps:
                break
            taken.append(self._queue.pop(0))
        return taken


def _predict_together(waiting: Sequence[_Waiting]) -> list[Prediction | BaseException]:
    """Predict several requests at once; if that fails, each by itself, so that one bad request fails alone."""
    if len(waiting) > 1:
        try:
            return list(_split(waiting))
        except InputError:
            pass
    return [_predict_alone(one) for one in waiting]


def _predict_alone(one: _Waiting) -> Prediction | BaseException:
    try:
        return one.model.predict(one.panel, attention=one.attention)
    except Exception as error:  # raised again where the request is answered
        return error


def _split(waiting: Sequence[_Waiting]) -> list[Prediction]:
    model = waiting[0].model
    panels = [model.with_channels(one.panel) for one in waiting]
    if any(panel.signals is not None for panel in panels):
        return [model.predict(one.panel, attention=one.attention) for one in waiting]
    ends = np.cumsum([len(panel) for panel in panels])
    renamed = [
        panel.replace(ids=np.arange(end - len(panel), end).astype(str))
        for panel, end in zip(panels, ends.tolist(), strict=True)
    ]
    prediction = model.predict(join_panels(renamed), attention=any(one.attention for one in waiting))
    return [
        _rows_of(prediction, int(end) - len(one.panel), int(end), one) for one, end in zip(waiting, ends, strict=True)
    ]


def _rows_of(prediction: Prediction, start: int, stop: int, one: _Waiting) -> Prediction:
    """Return the part of a prediction that belongs to one request."""
    rows, lengths = slice(start, stop), prediction.lengths
    steps = rows if lengths is None else slice(int(lengths[:start].sum()), int(lengths[:stop].sum()))
    novelty = None if prediction.novelty is None else prediction.novelty[rows]
    attention = None if prediction.attention is None or not one.attention else prediction.attention[rows]
    return replace(
        prediction,
        ids=one.panel.ids,
        logits=prediction.logits[steps],
        attention=attention,
        lengths=None if lengths is None else lengths[rows],
        novelty=novelty,
    )
