"""``limelight pack``: stream the series of an experiment into a store larger than memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from limelight.config.sections import Experiment
from limelight.data.missing_values import mark_missing
from limelight.data.panel import Panel
from limelight.data.places import url_of
from limelight.data.reading.pack_long import pack_long
from limelight.data.reading.tables import join_tables
from limelight.data.store.open import is_store, open_store
from limelight.data.store.write import write_store
from limelight.errors import OutputError, ParameterError
from limelight.runs.columns import is_long, roles_in
from limelight.runs.dataset import labels_are_of_steps, read_recordings, stated_parts


def pack_series(
    experiment: Experiment, output: Path, *, overwrite: bool = False, progress: bool | None = None
) -> Panel:
    """Write the series of an experiment, with their labels and metadata, as a store.

    Long tables are streamed and may have any size; wide tables, archive files, synthetic series and series with side
    signals are read into memory first.

    Parameters
    ----------
    experiment
        Where the series are. If it cuts windows, per-step labels are packed and recordings stay whole.
    output
        The folder of the store.
    overwrite
        Replace an existing store.
    progress
        Whether to show a progress bar; None shows one in a terminal.

    Returns
    -------
    Panel
        The opened store.

    Raises
    ------
    OutputError
        If the store exists already, or there is no room for it; nothing is written then.
    DataError, LabelError, ParameterError
        If the series cannot be used; nothing is written then.
    """
    if is_store(output) and not overwrite:
        raise OutputError(
            f"{(url_of(output) or str(output))!r} is already a store; pass --overwrite to replace it, or "
            "choose another output"
        )
    data = experiment.data
    if isinstance(data.series, str) and is_store(data.series):
        raise ParameterError(f"expected tables to pack, got {data.series!r}, which is a store already")
    if data.signals or not is_long(experiment):
        panel = read_recordings(experiment)
        return open_store(write_store(panel, output, stated_parts(experiment, panel)))
    sheets, roles = roles_in(experiment)

    def complete(panel: Panel) -> Panel:
        tables: dict[str, Any] = {
            "labels": data.labels,
            "metadata": data.metadata,
            "units": data.units,
            "mask": data.mask,
            "csv": data.csv,
            "per_step": labels_are_of_steps(experiment),
            "outside": data.outside,
        }
        joined = join_tables(panel, **tables, id=data.id, label=data.label, series_name=sheets.name)
        return mark_missing(joined, data.missing_values, in_place=True) if data.missing_values else joined

    hidden = progress is False or (progress is None and not sys.stderr.isatty())
    with tqdm(desc="packing", unit=" rows", unit_scale=True, disable=hidden) as bar:
        pack_long(
            sheets,
            roles,
            output,
            complete=complete,
            split=lambda panel: stated_parts(experiment, panel),
            missing="error" if experiment.model.missing == "error" else "keep",
            sort=data.sort,
            advance=bar.update,
        )
    return open_store(output)
