"""``limelight monitor``: estimate the accuracy on series without labels, and find what has drifted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from limelight.config.sections import Experiment
from limelight.files import write_json
from limelight.model.description import load_description
from limelight.runs.dataset import cut, read_recordings
from limelight.runs.folder import require_new_file
from limelight.runs.predict import with_channels_of
from limelight.types import LogLine

if TYPE_CHECKING:
    from limelight.evaluation.monitoring.monitor import Monitoring

MONITOR_FILE, MONITOR_PAGE = "monitor.json", "page"


def monitor_file(
    source: Path | str,
    experiment: Experiment,
    output: Path,
    limits: Mapping[str, float],
    *,
    overwrite: bool = False,
    log: LogLine = lambda line: None,
) -> Monitoring:
    """Compare series from a file with those that a model was trained on; labels are not read.

    Parameters
    ----------
    source
        The folder of a run or of a model.
    experiment
        Where the series are, and how to cut them if the model was trained on windows.
    output
        The folder for ``monitor.json`` and ``page/index.html``.
    limits
        As for ``monitor_model``.
    overwrite
        Replace earlier results there.
    log
        Called with one line for each note.

    Returns
    -------
    Monitoring
        What was written.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError, ParameterError
        As of ``monitor_model``.
    OutputError
        If the results exist already or cannot be written.
    """
    require_new_file(output / MONITOR_FILE, overwrite=overwrite)
    described = load_description(source)
    panel = cut(experiment, read_recordings(with_channels_of(described, experiment), labelled=False))
    # these load torch, which no error in the table needs
    from limelight.evaluation.monitoring.monitor import monitor_model
    from limelight.model.bundle import load_model
    from limelight.report.monitor_page import write_monitor_page

    model = load_model(source)
    for note in (*panel.notes, *model.notes_about(panel)):
        log(f"note: {note}")
    found = monitor_model(model, panel, limits)
    profile = model.training_profile
    assert profile is not None
    output.mkdir(parents=True, exist_ok=True)
    title = Path(source).resolve().name
    write_monitor_page(output / MONITOR_PAGE, found, profile, model.with_channels(panel), title)
    write_json(output / MONITOR_FILE, {"model": title, **found.to_json()})
    return found
