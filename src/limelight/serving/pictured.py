"""What the page needs to draw a series: few points of each channel, and colours of stretches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.outline import outline, smooth
from limelight.data.panel import Panel
from limelight.task import Task

MOST_POINTS_OF_ANSWER, MOST_POINTS_OF_CHANNEL, FEWEST_POINTS = 400_000, 1_000, 60
MOST_STRETCHES = 300


def picture_series(
    panel: Panel, task: Task, predictions: list[dict[str, Any]], resolution: int = 1
) -> list[dict[str, Any]]:
    """Describe each series so that a page can draw it.

    Parameters
    ----------
    panel
        The series.
    task
        The classes.
    predictions
        The answers for these series, as by ``describe_prediction``; their explanations are taken out.
    resolution
        Over how many steps explanations are averaged, at least 1.

    Returns
    -------
    list[dict]
        For each series ``length``; ``channels``, each with the places ``at`` of few points, None for all, and their
        ``values``; ``first`` and ``last`` time; ``colours``, if there is an explanation: its ``name`` and ``values``,
        lists of means of at most 300 stretches for each channel, or one for all; evidence is for the predicted
        class. With labels per step, every value
        and every time, for a table with corrected labels.
    """
    width = len(panel.channels)
    most = MOST_POINTS_OF_CHANNEL
    if not task.by_step:
        most = max(FEWEST_POINTS, min(most, MOST_POINTS_OF_ANSWER // max(1, len(panel) * width)))
    return [_picture(panel, row, task, answer, most, resolution) for row, answer in enumerate(predictions)]


def _picture(panel: Panel, row: int, task: Task, answer: dict[str, Any], most: int, resolution: int) -> dict[str, Any]:
    values, times = panel.series(row), panel.clock(row)
    channels = []
    for place in range(values.shape[1]):
        column = values[:, place]
        keep = np.arange(len(column)) if task.by_step else outline(column.astype(np.float64), most)
        whole = len(keep) == len(column)
        channels.append({"at": None if whole else keep.tolist(), "values": _rounded(column[keep])})
    found: dict[str, Any] = {"length": len(values), "channels": channels, "colours": _colours(answer, task, resolution)}
    found["first"], found["last"] = _short_time(times[0]), _short_time(times[-1])
    if task.by_step:
        found["times"] = [_time(time) for time in times]
    return found


def _colours(answer: dict[str, Any], task: Task, resolution: int) -> dict[str, Any] | None:
    evidence: Mapping[str, Any] | None = answer.pop("evidence", None)
    by_channel, attention = answer.pop("evidence_by_channel", None), answer.pop("attention", None)
    answer.pop("base", None)
    if evidence is not None:
        name, classes = answer["prediction"], [str(one) for one in task.classes]
        known = name if isinstance(name, str) and name in evidence else next(iter(evidence))
        sign = -1.0 if task.kind == "binary" and name == classes[0] and known == classes[-1] else 1.0
        steps = sign * np.array(evidence[known] if by_channel is None else by_channel, dtype=np.float64)
        return {"name": "evidence", "values": _means(steps, resolution)}
    if attention is not None:
        return {"name": "attention", "values": _means(np.array(attention, dtype=np.float64), resolution)}
    return None


def _means(numbers: NDArray[np.float64], resolution: int) -> list[list[float | None]]:
    """Return the smoothed means of at most 300 stretches of equal length, for each channel or for all together."""
    columns = np.nan_to_num(numbers).reshape(len(numbers), -1)
    averaged = smooth(columns, max(1, min(resolution, len(columns) // 8)))
    starts = np.arange(0, len(columns), -(-len(columns) // MOST_STRETCHES))
    counts = np.diff(np.append(starts, len(columns)))
    return [_rounded(one) for one in (np.add.reduceat(averaged, starts, axis=0) / counts[:, None]).T]


def _rounded(numbers: NDArray[Any]) -> list[float | None]:
    return [float(f"{one:.7g}") if np.isfinite(one) else None for one in numbers.tolist()]


def _short_time(value: Any) -> Any:
    """Return a time as a number, or a date without the parts that are zero, as the ends of an axis show it."""
    if not isinstance(value, np.datetime64):
        return value.item()
    return str(np.datetime_as_string(value, unit="auto")).replace("T", " ")


def _time(value: Any) -> Any:
    """Return a time as a number or as text."""
    return str(value) if isinstance(value, np.datetime64) else value.item()
