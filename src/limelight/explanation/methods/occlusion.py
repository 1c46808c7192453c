"""Occlusion: what changes in the answer when a stretch, a channel, a metadata field or a signal is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.perturbation import (
    fields_read,
    log_odds_with_hidden,
    sample_background,
    steps_within,
    with_field_of,
    with_signal_of,
)
from limelight.explanation.target import Target, resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats, Rows

WINDOWS = 16
"""A stretch is so many times shorter than the series."""
ALL = -1


def explain_occlusion(
    model: FittedModel,
    panel: Panel,
    target: Any = None,
    *,
    steps: tuple[int, int] | None = None,
    background: Panel | None = None,
    window: int | None = None,
    stride: int | None = None,
    draws: int = 5,
    by_channel: bool = True,
    seed: int = 0,
) -> Explanation:
    """Measure how much of the answer goes when a part of a series is hidden.

    What is hidden gets the values of another series at the same relative place. So it stays a plausible value, which
    zeros are not, and a part counts as far as it differs from what is usual there.

    Parameters
    ----------
    model
        Any.
    panel
        Series with the channels of the training, n of them.
    target, steps
        As for ``resolve_target``.
    background
        Where other series are drawn from, such as those of the training; None takes the panel itself.
    window
        Steps hidden at once, at least 1; None takes a sixteenth of each series.
    stride
        Steps from one window to the next, 1 to ``window``; None takes half a window.
    draws
        How many other series stand in, one after the other, at least 1.
    by_channel
        Whether to hide each of several channels alone too, which takes as many times longer.
    seed
        The same seed draws the same series.

    Returns
    -------
    Explanation
        Of each step the log odds of the target that go when a window over it is hidden, the mean over these windows and
        the draws, and the standard deviation over the draws; the same for each channel, and for each metadata field and
        signal as a whole.

    Raises
    ------
    ParameterError
        If a target, window, stride or the draws are impossible.
    DataError
        If the channels differ from those of the training, a value is missing or infinite, or there is no other series.

    Source
    ------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014. Values of other series instead of
    grey: the marginal expectation of Covert, Lundberg and Lee, Explaining by Removing, 2021.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))
    >>> explanation = explain_occlusion(model, Panel.from_series([np.zeros(4), np.ones(7)]), "b")
    >>> explanation, [one.shape for one in explanation.importance]
    (Explanation(2 series, occlusion, for 'b'), [(4,), (7,)])
    """
    prediction = model.predict(panel)
    question = resolve_target(prediction, target, steps)
    others = sample_background(model, panel, background, draws, seed)
    source = panel if background is None else background
    whole = question.log_odds(prediction)
    several = by_channel and len(panel.channels) > 1
    changes = _windows(panel, window, stride, range(ALL, len(panel.channels)) if several else range(ALL, 0))
    lost = np.stack(
        [
            whole[changes.rows]
            - log_odds_with_hidden(model, question, panel, source, changes.rows, one[changes.rows], changes.hidden)
            for one in others.T
        ]
    )
    laid = [_lay_on_steps(lost, changes, row, int(length)) for row, length in enumerate(panel.lengths)]
    importance: list[Floats] = [one[:, 0].mean(axis=0) for one in laid]
    own: list[Floats] = [one[:, 1:].mean(axis=0).T for one in laid]
    fields = _hide_fields(model, question, panel, source, others, whole)
    return Explanation(
        panel,
        prediction,
        importance,
        "occlusion",
        question.names,
        own if several else [one[:, None] for one in importance] if len(panel.channels) == 1 else None,
        [one[:, 0].std(axis=0) for one in laid],
        {name: one.mean(axis=0) for name, one in fields.items()},
        {name: one.std(axis=0) for name, one in fields.items()},
    )


@dataclass(frozen=True)
class _Changes:
    """Windows to hide: of which series, from and up to which step, in which channel (-1 for all), shape (changes,)."""

    rows: Rows
    starts: Rows
    stops: Rows
    channels: Rows

    def hidden(self, chosen: Panel, which: slice) -> NDArray[np.bool_]:
        within, lengths = steps_within(chosen), chosen.lengths
        inside = (within >= np.repeat(self.starts[which], lengths)) & (within < np.repeat(self.stops[which], lengths))
        hidden = np.repeat(self.channels[which], lengths)[:, None]
        chosen_channels: NDArray[np.bool_] = (hidden == ALL) | (hidden == np.arange(len(chosen.channels)))
        return inside[:, None] & chosen_channels


def _windows(panel: Panel, window: int | None, stride: int | None, channels: range) -> _Changes:
    """Cut every series into windows that overlap and cover it, once for each channel."""
    if window is not None and window < 1:
        raise ParameterError(f"expected a window of at least 1 step, got window={window}; make it longer")
    rows, starts, stops = [], [], []
    for row, length in enumerate(panel.lengths.tolist()):
        wide = min(length, -(-length // WINDOWS) if window is None else window)
        step = max(1, wide // 2) if stride is None else stride
        if not 1 <= step <= max(wide, window or wide):
            raise ParameterError(
                f"expected a stride from 1 to the {wide} steps of the window, so that every step is hidden once, got "
                f"stride={stride}; make it shorter"
            )
        first = np.unique([*range(0, length - wide, step), length - wide])
        rows.append(np.full(len(first), row))
        starts.append(first)
        stops.append(first + wide)
    each = len(channels)
    joined = [np.tile(np.concatenate([np.empty(0, np.int64), *one]), each) for one in (rows, starts, stops)]
    order = np.argsort(joined[0], kind="stable")  # all changes of one series stand together
    marks = np.repeat(np.array(channels), len(joined[0]) // each)
    return _Changes(*(one[order] for one in (*joined, marks)))


def _lay_on_steps(lost: Floats, changes: _Changes, row: int, length: int) -> Floats:
    """Average the windows over each step of a series, shape (draws, all and each channel, time)."""
    own = slice(*np.searchsorted(changes.rows, [row, row + 1]).tolist())
    starts, stops = changes.starts[own], changes.stops[own]
    places = changes.channels[own] + 1
    kinds = int(places.max()) + 1
    # A window adds where it begins and takes away where it ends; the running sum is what covers a step.
    sums = np.zeros((kinds, length + 1, len(lost)))
    counts = np.zeros((kinds, length + 1, 1))
    for ends, sign in ((starts, 1.0), (stops, -1.0)):
        np.add.at(sums, (places, ends), sign * lost[:, own].T)
        np.add.at(counts, (places, ends), sign)
    laid: Floats = (sums.cumsum(axis=1) / np.maximum(counts.cumsum(axis=1), 1.0))[:, :-1]
    return laid.transpose(2, 0, 1)


def _hide_fields(
    model: FittedModel, question: Target, panel: Panel, source: Panel, others: Rows, whole: Floats
) -> dict[str, Floats]:
    """Give the log odds lost with the field or signal of another series, shape (draws, n) each."""
    fields, signals = fields_read(model, panel, source)
    changed = dict.fromkeys(fields, with_field_of) | dict.fromkeys(signals, with_signal_of)
    return {
        name: np.stack([whole - question.log_odds(model.predict(change(panel, source, name, one))) for one in others.T])
        for name, change in changed.items()
    }
