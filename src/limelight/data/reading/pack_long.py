"""Pack long tables into a store in two streamed passes, so that they may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from limelight.data.panel import Panel
from limelight.data.reading.long import Arrays, fill, order_steps, panel_arguments, require_sortable, sampled_offset
from limelight.data.reading.outline import make_outline
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.store.open import ARRAY_TYPES, StoreShape
from limelight.data.store.write import RELEASE_AFTER_WRITING, finish_store, new_store, release_pages, stored_dtype


def pack_long(
    sheets: Sheets,
    roles: Roles,
    folder: Path | str,
    *,
    complete: Callable[[Panel], Panel] = lambda panel: panel,
    split: Callable[[Panel], list[str] | None] = lambda panel: None,
    missing: str = "keep",
    sort: bool = False,
    advance: Callable[[int], None] = lambda rows: None,
) -> Path:
    """Stream a long table of any size into a store: one pass for the outline, one for the values.

    Parameters
    ----------
    sheets, roles
        The table and the roles of its columns.
    folder
        The folder of the store; an older store there is replaced.
    complete
        Adds labels, metadata and units to the series.
    split
        Returns the part of each series: ``"train"``, ``"validation"`` or ``"test"``; or None for no split.
    missing, sort
        As for ``read_table``.
    advance
        Called with the number of rows written since the last call.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``read_table``; nothing is left on disk then.
    OutputError
        If the disk is full or the folder cannot be written; nothing is left on disk then.
    """
    folder = Path(folder)
    require_sortable(sheets, roles, sort=sort)
    outline = make_outline(sheets, roles, stream=True)
    roles = outline.roles
    offset = sampled_offset(sheets, outline)
    clock = None if outline.clock is None else stored_dtype(outline.clock.times.dtype)
    shape = StoreShape(int(outline.lengths.sum()), roles.channels, clock, roles.step_labels, tuple(outline.signals))
    with new_store(folder, shape) as (temporary, mapped):
        arrays = Arrays(mapped["values"], offset, mapped.get("times"), mapped.get("step_labels"), mapped.get("signals"))
        unreleased = 0
        for chunk in fill(sheets, roles, outline, arrays, missing=missing):
            advance(chunk.rows)
            unreleased += chunk.table.nbytes
            if unreleased > RELEASE_AFTER_WRITING:
                release_pages(mapped)
                unreleased = 0
        order_steps(sheets, roles, outline, arrays, sort=sort, done=lambda: release_pages(mapped))
        panel = complete(
            Panel(arrays.values, outline.starts, outline.lengths, **panel_arguments(sheets, roles, outline, arrays))
        )
        if panel.step_labels is not None and not shape.step_labels:  # from a table of intervals
            panel.step_labels.codes.astype(ARRAY_TYPES["step_labels"]).tofile(temporary / "step_labels.bin")
            shape = replace(shape, step_labels=panel.step_labels.names)
        finish_store(temporary, shape, panel, split(panel))
    return folder
