"""Predictions and fitted models in a notebook: tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.errors import ParameterError
from limelight.markup import html_bar, html_card, html_table

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LISTED, MOST_DRAWN, MOST_OF_STEPS = 8, 40, 12


def prediction_columns(prediction: Any) -> dict[str, Any]:
    """Return the columns of predictions and of the probability of each class or label."""
    import pyarrow as pa  # predicting arrays needs none

    labels, probabilities, names = prediction.labels, prediction.probabilities, prediction.task.classes
    if prediction.task.multilabel:
        columns: dict[str, Any] = {f"prediction_{name}": labels[:, place] for place, name in enumerate(names)}
    else:
        columns = {"prediction": pa.array(labels.astype(str))}
    columns |= {f"probability_{name}": probabilities[:, place] for place, name in enumerate(names)}
    if prediction.novelty is not None:
        novelty, lengths = prediction.novelty, prediction.lengths
        columns["novelty"] = novelty if lengths is None else np.repeat(novelty, lengths)
    return columns


def prediction_table(prediction: Any) -> pa.Table:
    """Convert predictions to a table: a row for each series, or for each step with its number."""
    import pyarrow as pa

    ids, lengths = prediction.ids, prediction.lengths
    columns: dict[str, Any] = {"series_id": ids.tolist()}
    if lengths is not None:
        columns = {
            "series_id": np.repeat(ids, lengths).tolist(),
            "step": np.concatenate([np.arange(0), *(np.arange(length) for length in lengths)]),
        }
    return pa.table({**columns, **prediction_columns(prediction)})


def prediction_html(prediction: Any) -> str:
    """Format predictions for a notebook: how often each class is predicted, and the first series."""
    task, labels, probabilities = prediction.task, prediction.labels, prediction.probabilities
    unit = "series" if prediction.lengths is None else "steps"
    if task.multilabel:
        counts = dict(zip(map(str, task.classes), np.asarray(labels).sum(axis=0).tolist(), strict=True))
    else:
        counts = {str(name): int((labels == name).sum()) for name in task.classes}
    shares = [
        [escape(name), html_bar(count / max(1, len(labels))), f"{count:,}"]
        for name, count in list(counts.items())[:MOST_LISTED]
    ]
    summary = f"{len(prediction.ids):,} series; {task.describe()}"
    content = [html_table(["predicted", "share", unit], shares, _more(len(counts) - len(shares)))]
    if prediction.lengths is None:
        rows = []
        for row in range(min(MOST_LISTED, len(prediction.ids))):
            name = _names_of(task, labels[row])
            top = float(probabilities[row].max())
            rows.append([escape(str(prediction.ids[row])), escape(name), html_bar(top), f"{top:.3f}"])
        more = _more(len(prediction.ids) - len(rows))
        content.append(html_table(["series", "prediction", "highest probability", ""], rows, more))
    return html_card("Prediction", summary, *content)


def _names_of(task: Any, label: Any) -> str:
    """Return the predicted class, or the predicted labels joined by commas."""
    if not task.multilabel:
        return str(label)
    return ", ".join(str(name) for name, is_there in zip(task.classes, label, strict=True) if is_there)


def _more(count: int) -> str:
    return f"and {count:,} more" if count > 0 else ""


def prediction_figure(prediction: Any) -> Any:
    """Draw the probabilities of the first series: a row of cells each, or lines over the steps.

    Parameters
    ----------
    prediction
        Predictions of at least one series.

    Returns
    -------
    matplotlib.figure.Figure
        For labels of series, a cell for each class of up to 40 series; for labels of steps, axes for each of up to 12
        series with a line for each class.

    Raises
    ------
    ParameterError
        If there is no series.
    """
    from matplotlib.figure import Figure

    if not len(prediction.ids):
        raise ParameterError("expected predictions of at least one series to plot, got none; predict some series")
    names = [str(name) for name in prediction.task.classes]
    if prediction.lengths is not None:
        return _step_figure(prediction, names)
    shown = prediction.probabilities[:MOST_DRAWN]
    figure = Figure(figsize=(1.6 + 0.8 * len(names), 1.2 + 0.22 * len(shown)), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(shown, vmin=0, vmax=1, aspect="auto", cmap="cividis")
    ax.set_xticks(range(len(names)), names, rotation=45 if len(names) > 4 else 0, parse_math=False)
    ax.set_yticks(range(len(shown)), [str(one) for one in prediction.ids[:MOST_DRAWN]], fontsize=8, parse_math=False)
    figure.colorbar(image, ax=ax, label="probability")
    return figure


def _step_figure(prediction: Any, names: list[str]) -> Any:
    from matplotlib.figure import Figure

    parts = np.split(prediction.probabilities, np.cumsum(prediction.lengths)[:-1])[:MOST_OF_STEPS]
    figure = Figure(figsize=(8, 1.6 * len(parts) + 0.6), layout="constrained")
    for ax, name, steps in zip(figure.subplots(len(parts), squeeze=False)[:, 0], prediction.ids, parts, strict=False):
        for place, label in enumerate(names):
            ax.plot(steps[:, place], linewidth=1.0, label=label)
        ax.set_ylim(-0.02, 1.02)
        ax.set_title(str(name), loc="left", fontsize=10, parse_math=False)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8)
    return figure


def model_html(task: str, network: str, channels: tuple[str, ...], fitted_on: Mapping[str, Any]) -> str:
    """Format a fitted model for a notebook: its task, its network, its channels and what it was fitted on."""
    shown = ("series", "source", "seed", "epochs")
    about = [[escape(name), escape(str(fitted_on[name]))] for name in shown if name in fitted_on]
    rows = [["network", escape(network)], ["channels", escape(", ".join(channels[:20]))], *about]
    return html_card("FittedModel", task, html_table(["", ""], rows))
