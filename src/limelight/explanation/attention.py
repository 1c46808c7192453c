"""What a model looked at: its attention on the time axis of every series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.fitted import FittedModel, Prediction


@dataclass(frozen=True)
class Explanation:
    """How much each time step of each series counted.

    Parameters
    ----------
    panel
        The series, n of them.
    prediction
        What the model answered about them.
    importance
        For each series the weight of each of its time steps, shape (time,): attention is at least 0 and sums to 1;
        evidence is above 0 where a step speaks for the target and below 0 where it speaks against it.
    method
        What the weights are, for example ``"attention"``.
    target
        The class or label that each series is explained for, shape (n,); None where the weights are of no class.
    base
        What is to be added to the sum of the evidence of each series to get the logit, shape (n,); None where the
        weights are no parts of it.

    Raises
    ------
    DataError
        If there is not one weight for each step of each series.

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
    importance: list[NDArray[np.floating[Any]]]
    method: str
    target: NDArray[Any] | None = None
    base: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        steps = [len(weights) for weights in self.importance]
        if steps != self.panel.lengths.tolist():
            raise DataError(
                f"expected one weight for each of the {self.panel.lengths.sum()} steps of {len(self.panel)} "
                f"series, got {sum(steps)} weights for {len(steps)} series; explain the panel that was "
                "predicted"
            )

    def __len__(self) -> int:
        return len(self.panel)

    def __repr__(self) -> str:
        return f"Explanation({len(self)} series, {self.method})"

    def plot(self, ax: Any = None) -> Any:
        """Draw each series with what counted coloured behind it.

        Parameters
        ----------
        ax
            Axes of matplotlib to draw the only series into; None makes a figure with axes for each
            series, at most the first 12.

        Returns
        -------
        matplotlib.figure.Figure | matplotlib.axes.Axes
            The figure, or ``ax``.

        Raises
        ------
        ParameterError
            If ``ax`` is given for more or fewer than one series.
        """
        from limelight.explanation.plots import attention_figure, draw_series

        if ax is None:
            return attention_figure(self.panel, self.importance, self.prediction)
        if len(self) != 1:
            raise ParameterError(
                f"expected one series to draw into ax, got {len(self)}; pick one with panel[[row]], or leave ax out"
            )
        draw_series(ax, self.panel, 0, self.importance[0], self.prediction)
        return ax

    def table(self) -> pa.Table:
        """Give the weights as a long table.

        Returns
        -------
        pyarrow.Table
            A row for each step of each series: ``series_id``, ``time`` (the step number where no time is
            known) and ``importance``.
        """
        lengths = self.panel.lengths
        clocks = [self.panel.clock(row) for row in range(len(self))]
        return pa.table(
            {
                "series_id": pa.array(np.repeat(self.panel.ids, lengths)),
                "time": pa.array(_joined(clocks, np.int64)),
                "importance": pa.array(_joined(self.importance, np.float32)),
            }
        )


def explain_attention(model: FittedModel, panel: Panel) -> Explanation:
    """Ask a model what it looked at.

    Parameters
    ----------
    model
        With a pooling that has attention.
    panel
        Series with the channels of the training.

    Returns
    -------
    Explanation
        The attention of every series, in the order of the panel.

    Raises
    ------
    ParameterError
        If the model's pooling has no attention.
    DataError
        If the channels differ from those of the training, or a value is missing or infinite.

    Source
    ------
    The weights of the pooling itself. They say which steps were read into the answer, not what would happen
    without them: Jain and Wallace, Attention is not Explanation, 2019.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.sentence import Sentence
    >>> from limelight.task import Task
    >>> sentence = Sentence.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> network = Network(sentence, channels=1, outputs=1)
    >>> model = FittedModel(Task(("a", "b")), sentence, network, ("channel_0",))
    >>> explanation = explain_attention(model, Panel.from_series([np.zeros(4), np.zeros(7)]))
    >>> [weights.shape for weights in explanation.importance]
    [(4,), (7,)]
    """
    prediction = model.predict(panel, attention=True)
    if prediction.attention is None and len(panel):
        raise ParameterError(
            "expected a model with pooling 'attention' to show attention, got "
            f"{model.sentence.pooling.name!r}; train one with pooling='attention'"
        )
    weights: list[NDArray[np.floating[Any]]] = [*(prediction.attention or [])]
    return Explanation(panel, prediction, weights, "attention")


def _joined(arrays: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
