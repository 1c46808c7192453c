"""The columns of the series table of an experiment: found by name or content, and kept for later series."""

from __future__ import annotations

from collections.abc import Collection

from limelight.config.sections import Experiment
from limelight.data.reading.file_names import field_names
from limelight.data.reading.layout import FILES, LONG, find_layout
from limelight.data.reading.named import DEFAULTS
from limelight.data.reading.roles import Roles, find_roles
from limelight.data.reading.row_filter import row_filter
from limelight.data.reading.series_files import are_recordings
from limelight.data.reading.sheets import Sheets, open_sheets
from limelight.data.reading.tables import LEVEL_OF_LABELS, shared_fields
from limelight.runs.dataset import labels_are_of_steps


def is_long(experiment: Experiment) -> bool:
    """Whether the series of an experiment are a long table."""
    data = experiment.data
    if data.series is None:
        return False
    found = find_layout(
        data.series, layout=data.layout, id=data.id, time=data.time, channels=data.channels, csv=data.csv
    )
    return found.kind == LONG


def roles_in(experiment: Experiment) -> tuple[Sheets, Roles]:
    """Return the long table of an experiment and the roles of its columns; errors as of ``find_roles``."""
    data = experiment.data
    sheets = open_sheets(data.series, data.csv, names=data.names, id=data.id, filter=row_filter(data.filter))
    return find_roles(
        sheets,
        id=data.id,
        time=data.time,
        label=data.label,
        channels=data.channels,
        labels=None if data.labels is not None else LEVEL_OF_LABELS[labels_are_of_steps(experiment)],
        mask=data.mask,
        fields=(*data.fields, *field_names(data.names), *shared_fields(sheets.columns, data.metadata, data.csv)),
    )


def with_found_columns(experiment: Experiment) -> Experiment:
    """Return the experiment with the names of the id, the clock and the label found, so that they are kept.

    Files of arrays that are one series each are kept as such, so that a single new file is one series too.
    """
    if not is_long(experiment):
        return _with_layout_of_arrays(experiment)
    sheets, roles = roles_in(experiment)
    data = experiment.data
    found = {"id": roles.id, "time": roles.time or data.time, "label": roles.label or data.label}
    joined = set() if sheets.clock is None else {sheets.clock.name}
    in_files = set(sheets.columns) - set(dict(sheets.of_files)) - joined
    changes = {name: value for name, value in found.items() if value in in_files}
    return experiment.model_copy(update={"data": data.model_copy(update=changes)})


def _with_layout_of_arrays(experiment: Experiment) -> Experiment:
    data = experiment.data
    found = None if data.series is None else find_layout(data.series, layout=data.layout, csv=data.csv)
    if found is None or found.kind != FILES or not are_recordings(found.paths, layout=data.layout, names=data.names):
        return experiment
    return experiment.model_copy(update={"data": data.model_copy(update={"layout": LONG})})


def with_columns_present(experiment: Experiment, typed: Collection[str]) -> Experiment:
    """Return the experiment without the names of columns that its series table lacks, so that they are guessed.

    Parameters
    ----------
    experiment
        New series, with the column names of a run.
    typed
        Which of ``id``, ``time`` and ``label`` the user named; these are kept.
    """
    data = experiment.data
    if data.series is None:
        return experiment
    names = find_layout(data.series, csv=data.csv).columns
    if not names:
        return experiment
    absent = {
        role: default
        for role, default in DEFAULTS.items()
        if role not in typed and getattr(data, role) not in (None, *names)
    }
    return experiment.model_copy(update={"data": data.model_copy(update=absent)})
