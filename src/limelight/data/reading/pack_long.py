"""Pack long tables: write a store from tables larger than memory, in two streamed passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from limelight.data.panel import Panel
from limelight.data.reading.long import Arrays, fill, make_outline, panel_arguments, put_in_order, require_sortable
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.store.open import StoreShape
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
    """Stream a long table of any size into a store: one pass to see who is in it, one to put every value in place.

    Parameters
    ----------
    sheets, roles
        The table and what its columns are for.
    folder
        Where the store appears; an older store there is replaced.
    complete
        Brings labels, metadata and units to the series.
    split
        Names the part of each series.
    missing, sort
        As for ``read_table``.
    advance
        Takes the number of rows each time some are in place.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``read_table``; nothing is left then.
    OutputError
        If there is no room, or the place cannot be written; nothing is left then.
    """
    folder = Path(folder)
    require_sortable(sheets, roles, sort=sort)
    outline = make_outline(sheets, roles, stream=True)
    clock = None if outline.clock is None else stored_dtype(outline.clock.times.dtype)
    shape = StoreShape(int(outline.lengths.sum()), roles.channels, clock, roles.step_labels, tuple(outline.signals))
    with new_store(folder, shape) as (temporary, mapped):
        arrays = Arrays(mapped["values"], mapped.get("times"), mapped.get("step_labels"), mapped.get("signals"))
        waiting = 0
        for piece in fill(sheets, roles, outline, arrays, missing=missing):
            advance(piece.rows)
            waiting += piece.table.nbytes
            if waiting > RELEASE_AFTER_WRITING:
                release_pages(mapped)
                waiting = 0
        put_in_order(sheets, roles, outline, arrays, sort=sort, done=lambda: release_pages(mapped))
        panel = complete(
            Panel(arrays.values, outline.starts, outline.lengths, **panel_arguments(sheets, roles, outline, arrays))
        )
        finish_store(temporary, shape, panel, split(panel))
    return folder
