"""Write predictions as tables, block by block, so that memory does not grow with the number of series."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from limelight.data.labels import STEP_LABEL, columns_of_labels, names_of_columns
from limelight.data.panel import Panel
from limelight.data.windowing.windows import merge_windows
from limelight.evaluation.decision.abstention import Abstention
from limelight.evaluation.decision.prediction_sets import PredictionSets
from limelight.evaluation.events.detection import Events
from limelight.files import whole_file
from limelight.model.decision import Decision
from limelight.model.drawing import prediction_columns
from limelight.model.fitted import Prediction

RECORDINGS_AT_ONCE = 64
FORMULA = re.compile(r"^([=+\-@\t\r])")
"""How text begins that a spreadsheet takes for a formula."""


def write_whole(table: pa.Table, file: Path, *, escape_formulas: bool = False) -> None:
    """Write one table as a file ending in ``.parquet`` or ``.csv``; OutputError if the place cannot be written."""
    with _new_table(file, escape_formulas=escape_formulas) as write:
        write(table)


def write_predictions(
    blocks: Iterable[Prediction],
    panel: Panel,
    file: Path,
    decision: Decision | None = None,
    outside: Sequence[str | None] | None = None,
    *,
    escape_formulas: bool = False,
) -> int:
    """Write predictions, one row for each series or each step.

    Parameters
    ----------
    blocks
        Predictions of all series of the panel, in order.
    panel
        The series. For windows, their recording and position are written too; labels if known.
    file
        Ending in ``.parquet`` or ``.csv``.
    decision
        Of the model; its prediction sets are written if it has them.
    outside
        Why each series is outside the training data, None if inside, n of them; None if that is not known.
    escape_formulas
        In a CSV file, put an apostrophe before text that a spreadsheet takes for a formula.

    Returns
    -------
    int
        Number of series. Columns: ``series_id``, ``label`` if known, ``prediction`` and a probability for each class;
        for multi-label ``label_<name>`` and ``prediction_<name>`` for each label. Labels per step give a row for each
        step, with ``time``. Prediction sets are in ``set``, for multi-label in ``set_<name>``: "there", "absent", both
        or neither. ``outside_training`` holds the reasons, empty for a series inside.

    Raises
    ------
    OutputError
        If the place cannot be written; an existing file is then unchanged.
    """
    rows = 0
    with _new_table(file, escape_formulas=escape_formulas) as write:
        for block in blocks:
            chosen = slice(rows, rows + len(block.ids))
            table = predictions_table(block, panel, decision, chosen)
            write(table if outside is None else _with_reasons(table, block, outside[chosen]))
            rows = chosen.stop
    return rows


def predictions_table(
    block: Prediction, panel: Panel, decision: Decision | None = None, rows: slice = slice(None)
) -> pa.Table:
    """Return predictions of some rows of a panel as the table that ``write_predictions`` writes."""
    provenance = {} if decision is None else decision.provenance
    sets = PredictionSets.from_json(provenance["sets"]) if "sets" in provenance else None
    abstention = Abstention.from_json(provenance["abstain"]) if "abstain" in provenance else None
    table = _series_rows(block, panel, rows, sets)
    return table if abstention is None else _with_abstentions(table, abstention.abstains(block))


def write_steps(
    prediction: Prediction, windows: Panel, recordings: Panel, file: Path, *, escape_formulas: bool = False
) -> None:
    """Write window predictions merged onto their recordings, one row for each step; overlaps are averaged.

    Parameters
    ----------
    prediction
        Predictions of the windows.
    windows
        Windows of the recordings, in the order of the predictions.
    recordings
        Those that have a window are written: ``series_id``, ``time`` (the step number without a clock), and a
        probability for each class, empty for steps that no window covers.
    file
        Ending in ``.parquet`` or ``.csv``.
    escape_formulas
        As for ``write_predictions``.

    Raises
    ------
    OutputError
        If the place cannot be written; an existing file is then unchanged.
    """
    assert windows.origin is not None
    names, whose = np.unique(windows.origin.recordings, return_inverse=True)
    rows = recordings.rows_of(names)
    order = np.argsort(whose, kind="stable")
    borders = np.searchsorted(whose[order], np.arange(0, len(names) + RECORDINGS_AT_ONCE, RECORDINGS_AT_ONCE))
    with _new_table(file, escape_formulas=escape_formulas) as write:
        for place, (start, stop) in enumerate(pairwise(borders)):
            some = recordings[rows[place * RECORDINGS_AT_ONCE : (place + 1) * RECORDINGS_AT_ONCE]]
            own = order[start:stop]
            merged = np.concatenate(merge_windows(windows[own], prediction.probabilities[own], some))
            columns: dict[str, Any] = {
                "series_id": np.repeat(some.ids, some.lengths),
                "time": np.concatenate([some.clock(row) for row in range(len(some))]),
            }
            for number, name in enumerate(prediction.task.classes):
                columns[f"probability_{name}"] = pa.array(merged[:, number], from_pandas=True)
            write(pa.table(columns))


def write_events(
    events: Events, prediction: Prediction, panel: Panel, file: Path, *, escape_formulas: bool = False
) -> None:
    """Write one row for each event in per-step predictions.

    Parameters
    ----------
    events
        The events.
    prediction, panel
        The predictions and series in which they were found.
    file
        Ending in ``.parquet`` or ``.csv``: series_id, label, start and end on the clock, start_step and end_step,
        peak_probability.
    escape_formulas
        As for ``write_predictions``.

    Raises
    ------
    OutputError
        If the place cannot be written; an existing file is then unchanged.
    """
    with _new_table(file, escape_formulas=escape_formulas) as write:
        write(events.to_table(panel.ids, prediction.task.classes, panel.times, panel.starts))


def _series_rows(block: Prediction, panel: Panel, rows: slice, sets: PredictionSets | None) -> pa.Table:
    if block.task.by_step:
        return _step_rows(block, panel, rows, sets)
    columns: dict[str, Any] = {"series_id": block.ids.tolist()}
    if panel.origin is not None:
        origin = panel.origin.at(rows)
        columns["recording"] = origin.recordings.tolist()
        columns["first_step"] = origin.offsets
        columns["steps"] = panel.lengths[rows]
    if panel.labels is not None:
        columns.update(columns_of_labels(panel.labels[rows], panel.label_names))
    return pa.table({**columns, **prediction_columns(block), **_sets(block, panel[rows], sets)})


def _with_abstentions(table: pa.Table, abstains: NDArray[np.bool_]) -> pa.Table:
    """Replace the prediction of series that are not answered by no value, and append the column ``abstained``."""
    place = table.column_names.index("prediction")
    answers = pc.if_else(pa.array(abstains), pa.scalar(None, pa.string()), table["prediction"])
    return table.set_column(place, "prediction", answers).append_column("abstained", pa.array(abstains))


def _with_reasons(table: pa.Table, block: Prediction, outside: Sequence[str | None]) -> pa.Table:
    """Append the column of reasons, repeated for each step of a per-step task."""
    reasons = np.array(outside, dtype=object)
    rows = reasons if block.lengths is None else np.repeat(reasons, block.lengths)
    return table.append_column("outside_training", pa.array(rows, pa.string()))


def _step_rows(block: Prediction, panel: Panel, rows: slice, sets: PredictionSets | None) -> pa.Table:
    part = panel[rows].compact()
    columns: dict[str, Any] = {
        "series_id": np.repeat(part.ids, part.lengths),
        "time": np.concatenate([part.clock(row) for row in range(len(part))]),
    }
    if part.step_labels is not None:
        several = len(part.step_labels.names) > 1
        words = pa.array([*(map(int, part.step_labels.classes) if several else part.step_labels.classes), None])
        for name, codes in zip(names_of_columns(part.step_labels.names), part.step_labels.codes.T, strict=True):
            known = np.where(codes < 0, len(words) - 1, codes)
            columns[f"{STEP_LABEL}{name}" if several else "label"] = words.take(pa.array(known))
    return pa.table({**columns, **prediction_columns(block), **_sets(block, panel[rows], sets)})


def _sets(block: Prediction, panel: Panel, sets: PredictionSets | None) -> dict[str, Any]:
    """Return the columns of prediction sets, as names joined by commas."""
    if sets is None:
        return {}
    task = block.task
    held = sets.sets(task, block.probabilities, panel)
    if task.multilabel:
        return {f"set_{name}": _joined(held[:, place], ("absent", "there")) for place, name in enumerate(task.classes)}
    return {"set": _joined(held, tuple(str(name) for name in task.classes))}


def _joined(held: NDArray[np.bool_], names: tuple[str, ...]) -> list[str]:
    """Join the names in each set; few sets differ, so each is spelled once."""
    different, which = np.unique(held, axis=0, return_inverse=True)
    words = np.array([", ".join(np.array(names)[one]) for one in different], dtype=object)
    spelled: list[str] = words[which.reshape(-1)].tolist()
    return spelled


def without_formulas(table: pa.Table) -> pa.Table:
    """Insert an apostrophe before text, also column names, that a spreadsheet takes for a formula.

    Example
    -------
    >>> without_formulas(pa.table({"prediction": ["=1+1", "ok"], "probability": [0.5, -0.5]})).to_pydict()
    {'prediction': ["'=1+1", 'ok'], 'probability': [0.5, -0.5]}
    """
    names = ["'" + name if FORMULA.match(name) else name for name in table.column_names]
    columns = [
        pc.replace_substring_regex(column, FORMULA.pattern, r"'\1") if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, names=names)


@contextmanager
def _new_table(file: Path, *, escape_formulas: bool) -> Iterator[Any]:
    """Yield a function that appends a table to a file, which appears if the block succeeds."""
    writer: Any = None
    with whole_file(file) as temporary:
        kind = pyarrow.csv.CSVWriter if file.suffix == ".csv" else pyarrow.parquet.ParquetWriter

        def write(table: pa.Table) -> None:
            nonlocal writer
            if escape_formulas and file.suffix == ".csv":
                table = without_formulas(table)
            if writer is None:
                writer = kind(temporary, table.schema)
            writer.write_table(table)

        try:
            yield write
        finally:
            if writer is not None:
                writer.close()
