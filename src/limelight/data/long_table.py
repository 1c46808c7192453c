"""A panel as a long table: one row for each step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.labels import STEP_LABEL, columns_of_labels
from limelight.data.precision import absolute


def series_schema(panel: Any) -> pa.Schema:
    """Return the columns of the long table of a panel, with the roles and units of the channels."""
    types: dict[str, pa.DataType] = {"series_id": pa.string()}
    if panel.times is not None:
        types["time"] = pa.array(panel.times[:1]).type
    types.update(
        (name, pa.float64() if offset else pa.float32())
        for name, offset in zip(panel.channels, panel.offset.tolist(), strict=True)
    )
    signals = () if panel.signals is None else panel.signals.names
    types.update(dict.fromkeys((*_step_label_columns(panel), *signals), pa.string()))
    field_metadata: dict[str, dict[str, str]] = {name: {"role": "channel"} for name in panel.channels}
    field_metadata.update((name, {"role": "signal"}) for name in signals)
    for name, unit in panel.units.items():
        field_metadata.setdefault(name, {})["unit"] = unit
    return pa.schema([pa.field(name, kind, metadata=field_metadata.get(name)) for name, kind in types.items()])


def series_table(block: Any, schema: pa.Schema) -> pa.Table:
    """Convert compact series to a long table: a row for each step."""
    series = pa.array(np.repeat(np.arange(len(block)), block.lengths))
    columns = {"series_id": pa.array(block.ids.tolist()).take(series)}
    if block.times is not None:
        columns["time"] = pa.array(block.times)
    for number, channel in enumerate(block.channels):
        values = absolute(block.values[:, [number]], block.offset[[number]])
        columns[channel] = pa.array(np.ascontiguousarray(values[:, 0]))
    if block.step_labels is not None:
        for name, codes in zip(_step_label_columns(block), block.step_labels.codes.T, strict=True):
            columns[name] = _as_text(codes, block.step_labels.classes)
    if block.signals is not None:
        for name, codes, classes in zip(block.signals.names, block.signals.codes.T, block.signals.classes, strict=True):
            columns[name] = _as_text(codes, classes)
    return pa.table(columns, schema=schema)


def _as_text(codes: NDArray[np.int16], classes: tuple[str, ...]) -> pa.Array:
    return pa.array([*classes, None], pa.string()).take(pa.array(np.where(codes < 0, len(classes), codes)))


def _step_label_columns(panel: Any) -> list[str]:
    names = () if panel.step_labels is None else panel.step_labels.names
    single = len(names) == 1
    return [
        name if name.startswith(STEP_LABEL) or (single and name == "label") else STEP_LABEL + name for name in names
    ]


def panel_table(panel: Any) -> pa.Table:
    """Convert a panel to a long table with its labels of series, repeated for each step.

    Parameters
    ----------
    panel
        A ``Panel``; metadata are one row for each series and stay in ``panel.metadata``.

    Returns
    -------
    pyarrow.Table
        ``series_id``, ``time`` if there is a clock, the channels, labels of steps and signals, and ``label``.
    """
    compact = panel.compact()
    table = series_table(compact, series_schema(compact)).replace_schema_metadata()
    if compact.labels is None:
        return table
    rows = np.repeat(np.arange(len(compact)), compact.lengths)
    for name, column in columns_of_labels(compact.labels, compact.label_names).items():
        table = table.append_column(name, pa.array(column).take(pa.array(rows)))
    return table
