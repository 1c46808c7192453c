"""Read WFDB records, the format of PhysioNet: a header (.hea) and its signals."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from limelight.data.panel import Panel
from limelight.data.reading.formats import format_of, require_library
from limelight.data.reading.names import is_named
from limelight.errors import DataError, listing

COMMENT = re.compile(r"\s*<?([A-Za-z][\w \-()/]{0,60}?)>?\s*[:=]\s*(.*\S)\s*$")


def read_records(paths: Sequence[Path], *, label: str | None) -> Panel:
    """Read WFDB records, one series each.

    Parameters
    ----------
    paths
        The headers of the records.
    label
        The comment with the label of a record, such as ``label`` in ``# label: normal``; other common names are
        accepted for ``"label"``. None reads no labels.

    Returns
    -------
    Panel
        The records in the given order, named by their files, with the names and units of their signals and a clock in
        seconds. Comments of the form ``name: value`` are metadata.

    Raises
    ------
    DataError
        If a record cannot be read, or two records have different signals.
    """
    require_library(format_of(paths[0]), paths[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses functions that pandas is about to remove
        return _read_all(paths, label)


def _read_all(paths: Sequence[Path], label: str | None) -> Panel:
    import wfdb

    series, times, comments = [], [], []
    channels: tuple[str, ...] = ()
    units: dict[str, str] = {}
    for path in paths:
        try:
            record = wfdb.rdrecord(str(path.with_suffix("")))
        except Exception as error:  # wfdb has no errors of its own
            raise DataError(
                f"expected a complete WFDB record at {str(path)!r}, got one that cannot be read ({error}); check that "
                "its signal files are next to it"
            ) from error
        if record.p_signal is None or not record.sig_name:
            raise DataError(f"expected signals in the WFDB record {str(path)!r}, got none; leave the record out")
        names = tuple(record.sig_name)
        if channels and names != channels:
            raise DataError(
                f"expected the same signals in every record, got {listing(channels)} in {str(paths[0])!r} and "
                f"{listing(names)} in {str(path)!r}; read records with the same signals only"
            )
        channels = names
        units |= {name: unit for name, unit in zip(names, record.units, strict=True) if unit}
        series.append(record.p_signal)
        times.append(np.arange(len(record.p_signal)) / record.fs)
        comments.append(_fields(record.comments))
    fields = list(dict.fromkeys(name for one in comments for name in one))
    column = None if label is None else _label_field(fields, label)
    metadata = {name: pa.array([one.get(name) for one in comments], pa.string()) for name in fields if name != column}
    panel = Panel.from_series(
        series,
        ids=[path.stem for path in paths],
        channels=channels,
        times=times,
        labels=None if column is None else np.array([one.get(column) for one in comments], dtype=object),
        metadata=pa.table(metadata) if metadata else None,
        units={**units, "time": "s"},
    )
    notes = [f"took comments of the records as metadata: {listing(metadata)}"] if metadata else []
    if column is not None:
        notes.append(f"took the comment {column!r} of the records as label")
    return panel.replace(notes=notes)


def _fields(comments: Sequence[str]) -> dict[str, str]:
    """Read comments of the form ``name: value``, or several ``<name>: value`` in a line."""
    found: dict[str, str] = {}
    for line in comments or ():
        for part in re.split(r"\s+(?=<)", line.strip()):
            match = COMMENT.match(part)
            if match:
                found.setdefault(match[1].strip(), match[2])
    return found


def _label_field(fields: Sequence[str], label: str) -> str | None:
    if label in fields:
        return label
    return next((name for name in fields if label == "label" and is_named(name, "label")), None)
