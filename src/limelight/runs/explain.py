"""``limelight explain``: explain predictions of a saved model as a table and a picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limelight.config.sections import Experiment
from limelight.errors import OutputError
from limelight.explanation.drawing.figures import bands
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain
from limelight.files import whole_file
from limelight.model.bundle import load_model
from limelight.runs.dataset import read_panel
from limelight.runs.folder import require_new_file
from limelight.runs.predict import is_read, with_channels_of
from limelight.runs.tables import require_table_name, write_whole

PICTURES = (".png", ".svg", ".pdf")


def explain_file(
    source: Path | str,
    experiment: Experiment,
    output: Path,
    *,
    method: str | None = None,
    target: str | None = None,
    ids: Sequence[str] = (),
    picture: Path | None = None,
    overwrite: bool = False,
    escape_formulas: bool = False,
    log: Callable[[str], None] = lambda line: None,
) -> Explanation:
    """Explain series from a file and write the importance of every step as a table.

    Parameters
    ----------
    source
        The folder of a run or of a model.
    experiment
        Where the series are, labelled or not.
    output
        A file ending in ``.parquet`` or ``.csv``, as from ``Explanation.table``.
    method, target
        As for ``explain``. The series of the file are the background for occlusion.
    ids
        Which series to explain; empty explains all.
    picture
        A file ending in ``.png``, ``.svg`` or ``.pdf`` for a figure of the first series; None draws none.
    overwrite
        Replace existing files, but never one that the series are read from.
    escape_formulas
        In CSV output, put an apostrophe before text that a spreadsheet takes for a formula.
    log
        Called with one line for each note: what was dropped, or what the model has not seen in training.

    Returns
    -------
    Explanation
        The explanation that was written.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError, ParameterError
        If the series do not fit the model, an id is missing, or the model has no such method or target.
    OutputError
        If an output has another ending, exists already, or cannot be written.
    """
    require_table_name(output)
    if picture is not None and picture.suffix not in PICTURES:
        raise OutputError(f"expected a picture ending in .png, .svg or .pdf, got {str(picture)!r}")
    for file in (output, *([picture] if picture else [])):
        require_new_file(file, overwrite=overwrite and not is_read(experiment, file))
    model = load_model(source)
    panel = read_panel(with_channels_of(model, experiment))
    chosen = panel[panel.rows_of(list(ids))] if ids else panel
    for note in (*panel.notes, *model.notes_about(chosen)):
        log(f"note: {note}")
    settings: dict[str, Any] = {"background": panel} if method == "occlusion" and 0 < len(ids) < len(panel) else {}
    explanation = explain(model, chosen, method, target, **settings)
    write_whole(explanation.table(), output, escape_formulas=escape_formulas)
    if picture is not None:
        _draw(explanation, picture)
    return explanation


def _draw(explanation: Explanation, file: Path) -> None:
    """Draw the explanation; for per-step predictions, the first series with its predictions."""
    if explanation.prediction.task.by_step:
        figure = bands(explanation.panel, 0, explanation.prediction, explanation.importance[0])
    else:
        figure = explanation.plot()
    stream = io.BytesIO()
    figure.savefig(stream, format=file.suffix[1:], dpi=120)
    with whole_file(file) as place:
        place.write_bytes(stream.getvalue())
