"""Explanation: the importance of each step of each series for a prediction, as numbers and as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.markup import coloured_line, html_card, html_table, sparkline
from limelight.model.fitted import Prediction
from limelight.tabular import Tabular
from limelight.types import Floats

_LISTED = 5
"""The most series in the table of a notebook."""


@dataclass(frozen=True, eq=False)
class Explanation(Tabular):
    """The importance of each time step of each series for a prediction.

    Parameters
    ----------
    panel
        The n series.
    prediction
        The predictions of the model for these series.
    importance
        For each series one number for each time step, shape (time,). For attention, non-negative weights that sum to 1.
        For every other method, the contribution of the step to the log odds of ``target`` (for evidence: to its
        logit); negative numbers are evidence against the target.
    method
        The name of the method, for example ``"attention"``.
    target
        The class or label that is explained for each series, shape (n,); None for attention, which has no target.
    channels
        The importance of each step and channel, shape (time, channels) for each series; None if the method does not
        distinguish channels.
    spread
        Standard deviation of ``importance`` over the draws, shape (time,) for each series; None if nothing is sampled.
    fields
        The importance of each metadata field and signal by its name, shape (n,) each; it is not contained in
        ``importance``.
    fields_spread
        Standard deviation of ``fields`` over the draws.
    completeness
        The completeness error of each series in log odds: the sum of its importance minus the difference to explain,
        shape (n,); None if the method does not have the completeness property.
    frequencies
        The contribution of the spectrum to the importance, by frequency and channel, shape (time // 2, channels) for
        each series: entry k is the frequency of k + 1 cycles per series. It is contained in ``importance``, in equal
        shares of all steps. None if the model reads no spectrum.
    base
        The logit of the target minus the importance of all steps and fields, for each series, shape (n,); None if the
        importance is not a decomposition of the logit.

    Raises
    ------
    DataError
        If there is not exactly one number for each step of each series.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0, 5.0, 1.0]], ids=["pump"])
    >>> prediction = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0]]))
    >>> explanation = Explanation(panel, prediction, [np.array([0.1, 0.8, 0.1])], "attention")
    >>> explanation
    Explanation(1 series, attention)
    >>> explanation.table().to_pylist()[1]
    {'series_id': 'pump', 'time': 1, 'importance': 0.8}
    """

    panel: Panel
    prediction: Prediction
    importance: list[Floats]
    method: str
    target: NDArray[Any] | None = None
    channels: list[Floats] | None = None
    spread: list[Floats] | None = None
    fields: Mapping[str, Floats] = field(default_factory=dict)
    fields_spread: Mapping[str, Floats] = field(default_factory=dict)
    completeness: Floats | None = None
    frequencies: list[Floats] | None = None
    base: Floats | None = None

    def __post_init__(self) -> None:
        for numbers in (self.importance, self.channels, self.spread):
            if numbers is None:
                continue
            steps = [len(weights) for weights in numbers]
            if steps != self.panel.lengths.tolist():
                raise DataError(
                    f"expected one weight for each of the {self.panel.lengths.sum()} steps of {len(self.panel)} "
                    f"series, got {sum(steps)} weights for {len(steps)} series; pass the panel that was explained"
                )

    def __len__(self) -> int:
        return len(self.panel)

    def __repr__(self) -> str:
        parts = [f"{len(self)} series", self.method]
        if self.target is not None and len(self):
            targets = sorted({str(name) for name in self.target.tolist()})
            parts.append(f"for {targets[0]!r}" if len(targets) == 1 else f"for {len(targets)} classes")
        if self.completeness is not None and len(self):
            parts.append(f"completeness error at most {np.abs(self.completeness).max():.2g}")
        return f"Explanation({', '.join(parts)})"

    def _repr_html_(self) -> str:
        name = self.panel.channels[0]
        rows = [
            [
                escape(str(self.panel.ids[row])),
                escape("" if self.target is None else str(self.target[row])),
                sparkline(self.panel.series(row)[:, 0], f"{name} of {self.panel.ids[row]}"),
                sparkline(self.importance[row], f"importance for {self.panel.ids[row]}"),
                str(int(np.argmax(np.abs(self.importance[row])))),
            ]
            for row in range(min(len(self), _LISTED))
        ]
        more = f"and {len(self) - _LISTED:,} more" if len(self) > _LISTED else ""
        table = html_table(["series", "target", name, "importance", "most important step"], rows, more)
        figures = [
            f"<details{' open' if row == 0 else ''}><summary>{escape(str(self.panel.ids[row]))}</summary>"
            + coloured_line(
                self.panel.series(row)[:, 0],
                self._of_channel(row, 0),
                f"{name} and importance of {self.panel.ids[row]}",
            )
            + "</details>"
            for row in range(min(len(self), _LISTED))
        ]
        return html_card("Explanation", repr(self)[len("Explanation") :].strip("()"), table, *figures)

    def _of_channel(self, row: int, channel: int) -> Floats:
        """Return the importance of the steps in one channel, or in all together if they are not distinguished."""
        return self.importance[row] if self.channels is None else self.channels[row][:, channel]

    def to_table(self) -> pa.Table:
        """Convert the importance to a long table, as ``table``."""
        return self.table()

    def __getitem__(self, rows: Any) -> Explanation:
        """Select the explanation of some series, indexed like a panel."""
        places = np.arange(len(self))[rows].reshape(-1)

        def select(numbers: list[Floats] | None) -> list[Floats] | None:
            return None if numbers is None else [numbers[place] for place in places]

        return replace(
            self,
            panel=self.panel[places],
            prediction=_predictions_of(self.prediction, places),
            importance=[self.importance[place] for place in places],
            target=None if self.target is None else self.target[places],
            channels=select(self.channels),
            spread=select(self.spread),
            frequencies=select(self.frequencies),
            fields={name: numbers[places] for name, numbers in self.fields.items()},
            fields_spread={name: numbers[places] for name, numbers in self.fields_spread.items()},
            completeness=None if self.completeness is None else self.completeness[places],
            base=None if self.base is None else self.base[places],
        )

    @property
    def signed(self) -> bool:
        """Whether negative importance is evidence against the target."""
        return self.target is not None

    def plot(self, ax: Any = None) -> Any:
        """Plot each series with its importance as colour behind it.

        Parameters
        ----------
        ax
            Matplotlib axes for an explanation of a single series. None creates a figure with axes for each of the first
            12 series; if channels are explained separately, with axes for each channel of as many series as fit
            into 12 axes.

        Returns
        -------
        matplotlib.figure.Figure | matplotlib.axes.Axes
            The figure, or ``ax``.

        Raises
        ------
        ParameterError
            If ``ax`` is given and the explanation does not have exactly one series.
        """
        from limelight.explanation.drawing.axes import draw_series
        from limelight.explanation.drawing.figures import explanation_figure

        if ax is None:
            return explanation_figure(self)
        if len(self) != 1:
            raise ParameterError(
                f"expected one series to plot into ax, got {len(self)}; select one with explanation[[row]], or omit ax"
            )
        draw_series(ax, self.panel, 0, self.importance[0], self.prediction, signed=self.signed)
        return ax

    def table(self) -> pa.Table:
        """Convert the importance to a long table.

        Returns
        -------
        pyarrow.Table
            A row for each step of each series: ``series_id``, ``time`` (the step number if no time is known) and
            ``importance``; if available, also ``target``, ``spread`` and, for several channels, ``importance_``
            followed by the name of the channel.
        """
        lengths = self.panel.lengths
        clocks = [self.panel.clock(row) for row in range(len(self))]
        columns = {
            "series_id": pa.array(np.repeat(self.panel.ids, lengths)),
            "time": pa.array(_joined(clocks, np.int64)),
            "importance": pa.array(_joined(self.importance, np.float32)),
        }
        if self.target is not None:
            columns["target"] = pa.array(np.repeat(self.target.astype(str), lengths))
        if self.spread is not None:
            columns["spread"] = pa.array(_joined(self.spread, np.float32))
        if self.channels is not None and len(self.panel.channels) > 1:
            names = self.panel.channels
            by_channel = np.concatenate([np.empty((0, len(names))), *self.channels]).T
            columns |= {f"importance_{name}": pa.array(column) for name, column in zip(names, by_channel, strict=True)}
        return pa.table(columns)

    def frequency_table(self) -> pa.Table:
        """Convert the importance of frequencies to a long table.

        Returns
        -------
        pyarrow.Table
            A row for each frequency and channel of each series: ``series_id``, ``cycles`` (per series), ``channel`` and
            ``importance``; without rows if the model reads no spectrum.
        """
        found = self.frequencies or []
        names = list(self.panel.channels)
        counts = [len(one) for one in found]
        return pa.table(
            {
                "series_id": pa.array(
                    np.repeat(self.panel.ids[: len(found)], [count * len(names) for count in counts])
                ),
                "cycles": pa.array(
                    _joined([np.repeat(np.arange(1, count + 1), len(names)) for count in counts], np.int64)
                ),
                "channel": pa.array(names * sum(counts), pa.string()),
                "importance": pa.array(_joined([one.reshape(-1) for one in found], np.float32)),
            }
        )

    def field_table(self) -> pa.Table:
        """Convert the importance of metadata fields and signals to a long table.

        Returns
        -------
        pyarrow.Table
            A row for each field or signal of each series: ``series_id``, ``field``, ``importance`` and ``spread``.
        """
        names = list(self.fields)
        zeros = np.zeros(len(self))
        numbers = np.array([self.fields[name] for name in names]).reshape(len(names), len(self))
        spread = np.array([self.fields_spread.get(name, zeros) for name in names]).reshape(numbers.shape)
        return pa.table(
            {
                "series_id": pa.array(np.repeat(self.panel.ids, len(names))),
                "field": pa.array(names * len(self), pa.string()),
                "importance": pa.array(numbers.T.reshape(-1)),
                "spread": pa.array(spread.T.reshape(-1)),
            }
        )


def _predictions_of(prediction: Prediction, rows: NDArray[np.int64]) -> Prediction:
    logits, lengths = prediction.logits, prediction.lengths
    attention = None if prediction.attention is None else [prediction.attention[row] for row in rows]
    if lengths is None:
        selected = logits[rows]
    else:
        ends = np.cumsum(lengths)
        selected = np.concatenate([logits[:0], *(logits[ends[row] - lengths[row] : ends[row]] for row in rows)])
        lengths = lengths[rows]
    return replace(
        prediction,
        ids=prediction.ids[rows],
        logits=selected,
        attention=attention,
        lengths=lengths,
        novelty=None if prediction.novelty is None else prediction.novelty[rows],
    )


def _joined(arrays: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
