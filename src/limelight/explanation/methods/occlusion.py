"""Occlusion: how the prediction changes if a stretch, a channel, a metadata field or a signal is perturbed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.perturbation import (
    fields_and_signals,
    perturbed_log_odds,
    replace_field,
    replace_signal,
    sample_background,
    step_numbers,
)
from limelight.explanation.target import Target, resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats, Rows

WINDOWS_PER_SERIES = 16
"""Length of a series divided by the length of the default window."""
ALL_CHANNELS = -1


def explain_occlusion(
    model: FittedModel,
    panel: Panel,
    target: Any = None,
    *,
    steps: tuple[int, int] | None = None,
    background: Panel | None = None,
    background_rows: Rows | None = None,
    window: int | None = None,
    stride: int | None = None,
    draws: int = 5,
    by_channel: bool = True,
    seed: int = 0,
) -> Explanation:
    """Measure how much the log odds of the target drop if a part of a series is perturbed.

    The part is replaced by background values at the same relative position. So the values remain plausible, which zeros
    are not, and a part is important as far as it differs from the background.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        n series with the channels used in training.
    target, steps
        As for ``resolve_target``.
    background
        Series to sample replacement values from, for example the training series; None samples from the panel itself.
    background_rows
        Rows of ``background`` for each series, shape (n, draws), if they are not to be sampled.
    window
        Number of steps to perturb at once, at least 1; None takes a sixteenth of each series.
    stride
        Number of steps from one window to the next, from 1 to ``window``; None takes half a window.
    draws
        Number of background series for each series, at least 1. The results are averaged over them.
    by_channel
        Whether to perturb each channel separately too, if there are several. The time grows with their number.
    seed
        The same seed samples the same background series.

    Returns
    -------
    Explanation
        For each step, the drop in log odds of the target, averaged over the windows that contain the step and over the
        draws, with the standard deviation over the draws; the same for each channel, and for each whole metadata field
        and signal.

    Raises
    ------
    ParameterError
        If a target, ``window``, ``stride`` or ``draws`` is invalid.
    DataError
        If the channels differ from those used in training, a value is missing or infinite, or there is no background
        series.

    Source
    ------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014. Background values instead of grey:
    the marginal expectation of Covert, Lundberg and Lee, Explaining by Removing, 2021.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> explanation = explain_occlusion(model, Panel.from_series([np.zeros(4), np.ones(7)]), "b")
    >>> explanation, [one.shape for one in explanation.importance]
    (Explanation(2 series, occlusion, for 'b'), [(4,), (7,)])
    """
    prediction = model.predict(panel)
    resolved = resolve_target(prediction, target, steps)
    if background_rows is None:
        background_rows = sample_background(model, panel, background, draws, seed)
    source = panel if background is None else background
    original = resolved.log_odds(prediction)
    separate = by_channel and len(panel.channels) > 1
    windows = _cut_windows(
        panel, window, stride, range(ALL_CHANNELS, len(panel.channels)) if separate else range(ALL_CHANNELS, 0)
    )
    drops = np.stack(
        [
            original[windows.rows]
            - perturbed_log_odds(model, resolved, panel, source, windows.rows, drawn[windows.rows], windows.mask)
            for drawn in background_rows.T
        ]
    )
    by_step = [_average_over_steps(drops, windows, row, int(length)) for row, length in enumerate(panel.lengths)]
    importance: list[Floats] = [steps_of_row[:, 0].mean(axis=0) for steps_of_row in by_step]
    channels: list[Floats] | None = None
    if separate:
        channels = [steps_of_row[:, 1:].mean(axis=0).T for steps_of_row in by_step]
    elif len(panel.channels) == 1:
        channels = [numbers[:, None] for numbers in importance]
    fields = _field_drops(model, resolved, panel, source, background_rows, original)
    return Explanation(
        panel,
        prediction,
        importance,
        "occlusion",
        resolved.names,
        channels,
        spread=[steps_of_row[:, 0].std(axis=0) for steps_of_row in by_step],
        fields={name: numbers.mean(axis=0) for name, numbers in fields.items()},
        fields_spread={name: numbers.std(axis=0) for name, numbers in fields.items()},
    )


@dataclass(frozen=True)
class _Windows:
    """Windows to perturb: row of the series, first step, step after the last and channel, shape (windows,) each."""

    rows: Rows
    starts: Rows
    stops: Rows
    channels: Rows

    def mask(self, panel: Panel, chunk: slice) -> NDArray[np.bool_]:
        """Return which values of a chunk of perturbed series lie in their window, shape (steps, channels)."""
        steps, lengths = step_numbers(panel), panel.lengths
        inside = (steps >= np.repeat(self.starts[chunk], lengths)) & (steps < np.repeat(self.stops[chunk], lengths))
        channels = np.repeat(self.channels[chunk], lengths)[:, None]
        in_channel: NDArray[np.bool_] = (channels == ALL_CHANNELS) | (channels == np.arange(len(panel.channels)))
        return inside[:, None] & in_channel


def _cut_windows(panel: Panel, window: int | None, stride: int | None, channels: range) -> _Windows:
    """Cut every series into overlapping windows that cover it, once for each channel."""
    if window is not None and window < 1:
        raise ParameterError(f"expected a window of at least 1 step, got window={window}; increase window")
    rows, starts, stops = [], [], []
    for row, length in enumerate(panel.lengths.tolist()):
        width = min(length, -(-length // WINDOWS_PER_SERIES) if window is None else window)
        step = max(1, width // 2) if stride is None else stride
        if not 1 <= step <= max(width, window or width):
            raise ParameterError(
                f"expected a stride from 1 to the {width} steps of the window, so that the windows cover every step, "
                f"got stride={stride}; decrease stride"
            )
        first = np.unique([*range(0, length - width, step), length - width])
        rows.append(np.full(len(first), row))
        starts.append(first)
        stops.append(first + width)
    joined = [np.tile(np.concatenate([np.empty(0, np.int64), *part]), len(channels)) for part in (rows, starts, stops)]
    order = np.argsort(joined[0], kind="stable")  # all windows of one series are adjacent
    channel_of_window = np.repeat(np.array(channels), len(joined[0]) // len(channels))
    return _Windows(*(column[order] for column in (*joined, channel_of_window)))


def _average_over_steps(drops: Floats, windows: _Windows, row: int, length: int) -> Floats:
    """Compute the mean drop over the windows that contain a step, shape (draws, 1 + separate channels, time)."""
    own = slice(*np.searchsorted(windows.rows, [row, row + 1]).tolist())
    starts, stops = windows.starts[own], windows.stops[own]
    places = windows.channels[own] + 1
    kinds = int(places.max()) + 1
    # A window is added at its start and subtracted at its end; the running sum covers the steps between.
    sums = np.zeros((kinds, length + 1, len(drops)))
    counts = np.zeros((kinds, length + 1, 1))
    for ends, sign in ((starts, 1.0), (stops, -1.0)):
        np.add.at(sums, (places, ends), sign * drops[:, own].T)
        np.add.at(counts, (places, ends), sign)
    means: Floats = (sums.cumsum(axis=1) / np.maximum(counts.cumsum(axis=1), 1.0))[:, :-1]
    return means.transpose(2, 0, 1)


def _field_drops(
    model: FittedModel, target: Target, panel: Panel, source: Panel, background_rows: Rows, original: Floats
) -> dict[str, Floats]:
    """Compute the drop in log odds if a metadata field or signal is that of the background, shape (draws, n) each."""
    fields, signals = fields_and_signals(model, panel, source)
    replacements = dict.fromkeys(fields, replace_field) | dict.fromkeys(signals, replace_signal)
    return {
        name: np.stack(
            [
                original - target.log_odds(model.predict(replace(panel, source, name, drawn)))
                for drawn in background_rows.T
            ]
        )
        for name, replace in replacements.items()
    }
