"""``limelight explain``: explain predictions of a saved model as a table and a picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limelight.config.reading import read_experiment
from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.errors import OutputError, ParameterError
from limelight.files import whole_file
from limelight.model.description import load_description
from limelight.parallel import require_jobs
from limelight.runs.dataset import read_data, read_panel
from limelight.runs.folder import EXPERIMENT_FILE, METRICS_FILE, is_run, require_new_file, require_table_name
from limelight.runs.predict import is_read, with_channels_of

if TYPE_CHECKING:
    from limelight.explanation.explanation import Explanation

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
    examples: Path | None = None,
    variants: Path | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    on: str | None = None,
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
    examples
        A file ending in ``.parquet`` or ``.csv`` for the table of ``Examples``: the nearest training series of each
        class, and the smallest change that turns the prediction; None writes none. The training series are read again,
        so ``source`` must be the folder of a run.
    variants
        A file ending in ``.parquet`` or ``.csv`` for predictions with other values of the metadata, as from
        ``WhatIf.table``; None writes none.
    overwrite
        Replace existing files, but never one that the series are read from.
    jobs, on
        As for ``explain``.
    escape_formulas
        In CSV output, put an apostrophe before text that a spreadsheet takes for a formula.
    log
        Called with one line for each note: what was dropped, what the model has not seen in training, or that the
        method was no better than chance when the run measured it.

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
    require_jobs(jobs, on)
    if examples is not None:
        _require_run(source)
    _require_places(experiment, [output, examples, variants], picture, overwrite=overwrite)
    panel = read_panel(with_channels_of(load_description(source), experiment))
    chosen = panel[panel.rows_of(list(ids))] if ids else panel
    from limelight.explanation.examples import find_examples  # these load torch, which no error in the table needs
    from limelight.explanation.methods.registry import default_method, explain
    from limelight.explanation.what_if import what_if
    from limelight.model.bundle import load_model
    from limelight.runs.tables import write_whole

    model = load_model(source)
    for note in (*panel.notes, *model.notes_about(chosen)):
        log(f"note: {note}")
    method = method or default_method(model, has_settings=target is not None)
    settings = _background(source, panel, chosen) if method == "occlusion" else {}
    explanation = explain(model, chosen, method, target, jobs=jobs, on=on, **settings)
    tables = {output: explanation.table()}
    if variants is not None:
        tables[variants] = what_if(model, chosen, panel).table()
    if examples is not None:
        tables[examples] = find_examples(model, chosen, _training_series(source)).table()
    for file, table in tables.items():
        write_whole(table, file, escape_formulas=escape_formulas)
    for note in _quality_notes(source, explanation.method):
        log(f"note: {note}")
    if picture is not None:
        _draw(explanation, picture)
    return explanation


def _background(source: Path | str, panel: Panel, chosen: Panel) -> dict[str, Any]:
    """Return what occlusion samples from: the panel if only a part is explained, training series for one alone."""
    if len(chosen) < len(panel):
        return {"background": panel}
    return {"background": _training_series(source)} if len(chosen) == 1 and is_run(Path(source)) else {}


def _training_series(run: Path | str) -> Panel:
    return read_data(read_experiment(Path(run) / EXPERIMENT_FILE)).part("train")


def _require_places(
    experiment: Experiment, tables: Sequence[Path | None], picture: Path | None, *, overwrite: bool
) -> None:
    """Raise OutputError if a table or the picture cannot be written where it shall be."""
    for table in tables:
        if table is not None:
            require_table_name(table)
    if picture is not None and picture.suffix not in PICTURES:
        raise OutputError(f"expected a picture ending in .png, .svg or .pdf, got {str(picture)!r}")
    for file in (*tables, picture):
        if file is not None:
            require_new_file(file, overwrite=overwrite and not is_read(experiment, file))


def _require_run(source: Path | str) -> None:
    if not is_run(Path(source)):
        raise ParameterError(
            f"expected the folder of a run to choose examples from its training series, got {str(source)!r}; pass the "
            "run, or omit --examples"
        )


def _quality_notes(source: Path | str, method: str) -> Iterator[str]:
    """Yield what the run measured of a method that is not to be trusted; nothing for a model without its run."""
    file = Path(source) / METRICS_FILE
    measured = json.loads(file.read_text(encoding="utf-8")).get("explanations") if file.is_file() else None
    if not measured or "chance" not in measured:  # a run of an earlier version, or with explain=false
        return
    if method in measured["chance"]:
        yield f"{method} is no better than chance on this model. {measured['verdict']}"
    elif not measured["trusted"]:
        yield measured["verdict"]


def _draw(explanation: Explanation, file: Path) -> None:
    """Draw the explanation; for per-step predictions, the first series with its predictions."""
    from limelight.explanation.drawing.figures import bands

    if explanation.prediction.task.by_step:
        figure = bands(explanation.panel, 0, explanation.prediction, explanation.importance[0])
    else:
        figure = explanation.plot()
    stream = io.BytesIO()
    figure.savefig(stream, format=file.suffix[1:], dpi=120)
    with whole_file(file) as place:
        place.write_bytes(stream.getvalue())
