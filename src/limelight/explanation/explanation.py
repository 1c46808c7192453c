"""Explanation: how much each step of each series counted, for which answer, as numbers and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.fitted import Prediction
from limelight.types import Floats


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each time step of each series counted.

    Parameters
    ----------
    panel
        The series, n of them.
    prediction
        What the model answered about them.
    importance
        For each series a number for each of its time steps, shape (time,). Of attention a weight, at least 0 and
        summing to 1; of every other method what the step adds to the log odds of ``target`` (of evidence: to its
        logit), below 0 where it speaks against it.
    method
        What the numbers are, for example ``"attention"``.
    target
        The class or label that each series was asked about, shape (n,); None where the numbers are about no class.
    channels
        The same for each channel, shape (time, channels) each; None where the method does not part channels.
    spread
        Standard deviation of ``importance`` over the draws, shape (time,) each; None where nothing is drawn.
    fields
        What each metadata field and signal adds, by its name, each of shape (n,).
    fields_spread
        Standard deviation of ``fields`` over the draws.
    completeness
        For each series by how much the sum of its numbers misses the difference that they should explain, in log odds,
        shape (n,); None where the method does not promise a sum.
    base
        What is to be added to the sum of the numbers of each series to get the logit of the target, shape (n,); None
        where they are no parts of it.

    Raises
    ------
    DataError
        If there is not one number for each step of each series.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0, 5.0, 1.0]], ids=["pump"])
    >>> answer = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0]]))
    >>> explanation = Explanation(panel, answer, [np.array([0.1, 0.8, 0.1])], "attention")
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
    base: Floats | None = None

    def __post_init__(self) -> None:
        for numbers in (self.importance, self.channels, self.spread):
            if numbers is None:
                continue
            steps = [len(weights) for weights in numbers]
            if steps != self.panel.lengths.tolist():
                raise DataError(
                    f"expected one weight for each of the {self.panel.lengths.sum()} steps of {len(self.panel)} "
                    f"series, got {sum(steps)} weights for {len(steps)} series; explain the panel that was "
                    "predicted"
                )

    def __len__(self) -> int:
        return len(self.panel)

    def __repr__(self) -> str:
        said = [f"{len(self)} series", self.method]
        if self.target is not None and len(self):
            asked = sorted({str(name) for name in self.target.tolist()})
            said.append(f"for {asked[0]!r}" if len(asked) == 1 else f"for {len(asked)} classes")
        if self.completeness is not None and len(self):
            said.append(f"sums within {np.abs(self.completeness).max():.2g} of the log odds")
        return f"Explanation({', '.join(said)})"

    def __getitem__(self, rows: Any) -> Explanation:
        """Give the explanation of some series, chosen as in a panel."""
        places = np.arange(len(self))[rows].reshape(-1)

        def of(numbers: list[Floats] | None) -> list[Floats] | None:
            return None if numbers is None else [numbers[place] for place in places]

        return Explanation(
            self.panel[places],
            _answers_at(self.prediction, places),
            of(self.importance) or [],
            self.method,
            None if self.target is None else self.target[places],
            of(self.channels),
            of(self.spread),
            {name: numbers[places] for name, numbers in self.fields.items()},
            {name: numbers[places] for name, numbers in self.fields_spread.items()},
            None if self.completeness is None else self.completeness[places],
            None if self.base is None else self.base[places],
        )

    @property
    def signed(self) -> bool:
        """Whether a number below 0 speaks against the target."""
        return self.target is not None

    def plot(self, ax: Any = None) -> Any:
        """Draw each series with what counted coloured behind it.

        Parameters
        ----------
        ax
            Axes of matplotlib to draw the only series into; None makes a figure with axes for each
            series, at most the first 12; where channels are explained one by one, axes for each channel of the
            first series that 12 axes have room for.

        Returns
        -------
        matplotlib.figure.Figure | matplotlib.axes.Axes
            The figure, or ``ax``.

        Raises
        ------
        ParameterError
            If ``ax`` is given for more or fewer than one series.
        """
        from limelight.explanation.drawing.axes import draw_series
        from limelight.explanation.drawing.figures import explanation_figure

        if ax is None:
            return explanation_figure(self)
        if len(self) != 1:
            raise ParameterError(
                f"expected one series to draw into ax, got {len(self)}; pick one with panel[[row]], or leave ax out"
            )
        draw_series(ax, self.panel, 0, self.importance[0], self.prediction, signed=self.signed)
        return ax

    def table(self) -> pa.Table:
        """Give the numbers as a long table.

        Returns
        -------
        pyarrow.Table
            A row for each step of each series: ``series_id``, ``time`` (the step number where no time is
            known) and ``importance``; where they are known also ``target``, ``spread``, and ``importance_`` with the
            name of each of several channels.
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
            parted = np.concatenate([np.empty((0, len(self.panel.channels))), *self.channels])
            names = self.panel.channels
            columns |= {f"importance_{name}": pa.array(one) for name, one in zip(names, parted.T, strict=True)}
        return pa.table(columns)

    def field_table(self) -> pa.Table:
        """Give what each metadata field and signal adds.

        Returns
        -------
        pyarrow.Table
            A row for each field of each series: ``series_id``, ``field``, ``importance`` and ``spread``.
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


def _answers_at(prediction: Prediction, rows: NDArray[np.int64]) -> Prediction:
    logits, lengths = prediction.logits, prediction.lengths
    attention = None if prediction.attention is None else [prediction.attention[row] for row in rows]
    if lengths is None:
        chosen = logits[rows]
    else:
        ends = np.cumsum(lengths)
        chosen = np.concatenate([logits[:0], *(logits[ends[row] - lengths[row] : ends[row]] for row in rows)])
        lengths = lengths[rows]
    return Prediction(prediction.ids[rows], prediction.task, chosen, attention, lengths, prediction.thresholds)


def _joined(arrays: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
