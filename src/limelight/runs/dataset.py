"""Dataset of an experiment: series read or generated, cut into windows and split, and the task."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.config.sections import Experiment
from limelight.data.align import align
from limelight.data.annotations import RECORDING
from limelight.data.labels import STEP_LABEL
from limelight.data.metadata import fields_of, words_in
from limelight.data.panel import Panel
from limelight.data.reading.layout import find_layout
from limelight.data.reading.sources import is_text
from limelight.data.reading.tables import read_parts, read_table
from limelight.data.splitting.part_words import parts_in
from limelight.data.splitting.splits import Split, named_split
from limelight.data.store.open import is_store, stored_split
from limelight.data.synthetic.bumps import generate_bumps
from limelight.data.synthetic.sine import ANOMALOUS, generate_sine
from limelight.data.windowing.windows import cut_windows
from limelight.errors import LabelError, ParameterError, nearest
from limelight.model.targets import task_of
from limelight.recipe import SOLVED, SOLVED_BY_GROUP, TOO_FEW, Recipe
from limelight.task import Task

WHY_NO_VALIDATION = {
    "": "",
    SOLVED: "; no validation split: the closed-form head is calibrated by leave-one-out",
    SOLVED_BY_GROUP: "; no validation split: the closed-form head is calibrated by leave-one-group-out",
    TOO_FEW: "; too few series for a validation split, so all epochs are run",
}
"""What a split says if the recipe holds no validation series out."""
ARCHIVE_ID = re.compile(r".*_(train|test|validation)_\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class Dataset:
    """Labelled series and their split.

    Parameters
    ----------
    panel
        All series, or their windows.
    split
        Rows for training, validation and test.
    task
        Read from the training labels.
    recordings
        What the windows were cut from; the series themselves if nothing was cut.
    """

    panel: Panel
    split: Split
    task: Task
    recordings: Panel

    @property
    def validation(self) -> Panel | None:
        """The validation series; None if there are none."""
        return self.part("validation") if len(self.split.validation) else None

    def part(self, name: str) -> Panel:
        """Return the series of ``"train"``, ``"validation"`` or ``"test"``."""
        return self.panel[self.split.part(name)]


def read_recordings(experiment: Experiment, *, missing: str = "keep", labelled: bool = True) -> Panel:
    """Read or generate the series of an experiment, before windows are cut; errors as of ``read_table``."""
    data = experiment.data
    if data.sine is not None:
        return generate_sine(data.sine, experiment.seed)
    if data.bumps is not None:
        panel, modes = generate_bumps(data.bumps, experiment.seed)
        return panel if modes is None else align(panel, modes)
    panel = read_table(
        data.series,
        labels=data.labels,
        metadata=data.metadata,
        id=data.id,
        time=data.time,
        label=data.label if labelled else None,
        channels=data.channels,
        units=data.units,
        layout=data.layout,
        per_step=labels_are_of_steps(experiment),
        mask=data.mask,
        fields=data.fields,
        missing="error" if experiment.model.missing == "error" else missing,
        missing_values=data.missing_values,
        sort=data.sort,
        csv=data.csv,
        names=data.names,
        filter=data.filter,
        outside=data.outside,
    )
    if not labelled and panel.metadata is not None and data.label in panel.metadata.column_names:
        panel = panel.replace(metadata=panel.metadata.drop_columns([data.label]))
    for signal in data.signals:
        settings = signal.model_dump()
        panel = align(panel, settings.pop("table"), **settings, csv=data.csv)
    return panel


def labels_are_of_steps(experiment: Experiment) -> bool | None:
    """Whether labels are per step, as stated or inferred from windows or names of columns; None if not known."""
    data = experiment.data
    if data.level != "auto":
        return data.level == "step"
    if data.labels is not None:
        return None
    if experiment.windows is not None:
        return True
    found = None if data.series is None else find_layout(data.series, id=data.id, time=data.time, csv=data.csv)
    if found is None or not found.columns or (data.names is not None and "{label}" in data.names):
        return False
    names = found.columns
    return True if data.label not in names and any(name.startswith(STEP_LABEL) for name in names) else None


def cut(experiment: Experiment, recordings: Panel) -> Panel:
    """Cut recordings into the windows of an experiment, if it has any."""
    if experiment.windows is None:
        return recordings
    return cut_windows(recordings, **experiment.windows.model_dump())


def read_panel(experiment: Experiment, *, labelled: bool = True) -> Panel:
    """Read or generate the series of an experiment, cut into windows if it has any."""
    return cut(experiment, read_recordings(experiment, labelled=labelled))


def split_panel(experiment: Experiment, panel: Panel) -> Split:
    """Split the series by the split file, the store, the names of archive files or a column, or else by the rule.

    If no file names validation series, the recipe decides whether a share of the training series is held out.
    Windows are split by their recordings.
    """
    rule, recipe = experiment.split, experiment.recipe()
    split = named_parts(experiment, panel)
    if split is not None and len(split.validation):
        return split
    share, why_none = recipe.validation_share(panel if split is None else panel[split.train])
    if split is None:
        split = panel.make_split(
            test=rule.test, validation=share, seed=rule.seed, group=rule.group, by=rule.by, stratify=rule.stratify
        )
    elif share:
        return _with_validation(recipe, panel, split, rule.seed)
    return replace(split, rule=f"{split.rule}{WHY_NO_VALIDATION[why_none]}")


def named_parts(experiment: Experiment, panel: Panel) -> Split | None:
    """Return the split named by a split file, a store, archive file names or a column; None if there is none."""
    if panel.origin is None:
        known, places = panel.ids, np.arange(len(panel))
    else:
        known, places = np.unique(panel.origin.recordings, return_inverse=True)
    words = _stated_words(experiment, known)
    data = experiment.data
    if words is None:
        where, parts = _column_of_parts(experiment, panel)
        if parts is None:
            return None
    else:
        of_store = isinstance(data.series, str) and is_store(data.series)
        where = repr(data.split) if data.split is not None else "the store" if of_store else "the names of the files"
        parts = np.asarray(words)[places].tolist()
    split = named_split(parts, panel.ids, where)
    groups = panel.groups()
    if groups is not None:
        split.require_disjoint_groups(groups, "recording")
    return split


def stated_parts(experiment: Experiment, panel: Panel) -> list[str] | None:
    """Return train, validation or test for each series, if a file or a column names them."""
    words = _stated_words(experiment, panel.ids)
    return _column_of_parts(experiment, panel)[1] if words is None else words


def _column_of_parts(experiment: Experiment, panel: Panel) -> tuple[str, list[str] | None]:
    """Return the name of the first column that names parts of a split, and the part of each series; None if none does.

    A column whose kind is stated is a metadata field.
    """
    for name, column in fields_of(panel.metadata).items():
        if is_text(column.type) and name not in experiment.data.fields:
            parts = parts_in(words_in(column, name).tolist())
            if parts is not None:
                return f"column {name!r}", parts
    return "", None


def _stated_words(experiment: Experiment, ids: NDArray[np.str_]) -> list[str] | None:
    data = experiment.data
    if data.split is not None:
        return read_parts(data.split, ids, id=data.id, csv=data.csv)
    if isinstance(data.series, str) and is_store(data.series):
        words = stored_split(data.series)
        if words is None:
            return None
        names = read_table(data.series).ids.tolist()
        place = dict(zip(names, words, strict=True))
        return [place[name] for name in ids.tolist()]
    found = [ARCHIVE_ID.match(name) for name in ids.tolist()]
    parts = [match[1].lower() for match in found if match]
    if all(found) and (isinstance(data.series, list) or len(set(parts)) > 1):
        return parts
    return None


def _with_validation(recipe: Recipe, panel: Panel, split: Split, seed: int) -> Split:
    """Split validation series off the training series of a split that names none."""
    train, validation = recipe.split(panel[split.train], seed)
    rule, groups = recipe.hold_out, panel.origin is not None or recipe.hold_out.group is not None
    how = "by time" if rule.by == "time" else f"at random by {rule.group or RECORDING}" if groups else "at random"
    ending = f", validation {how} from train" if len(validation) else WHY_NO_VALIDATION[TOO_FEW]
    return Split(split.train[train], split.train[validation], split.test, f"{split.rule}{ending}")


def read_data(experiment: Experiment) -> Dataset:
    """Read labelled series, split them, and infer the task from the training labels.

    Parameters
    ----------
    experiment
        Where the series are and how to split them.

    Returns
    -------
    Dataset
        Nothing has been written if reading fails.

    Raises
    ------
    DataError, LabelError, ParameterError
        If files, labels or the split cannot be used.
    """
    return prepare_data(experiment, read_recordings(experiment))


def prepare_data(experiment: Experiment, recordings: Panel) -> Dataset:
    """Cut recordings into windows, if there are any, split them, and infer the task; errors as of ``read_data``."""
    panel = cut(experiment, recordings)
    if panel.labels is None and panel.step_labels is None:
        raise LabelError(_unlabelled(experiment, panel))
    _require_fields(experiment, panel)
    split = split_panel(experiment, panel)
    if not len(split.train):
        raise ParameterError(
            "expected training series, got none; name some as train in the split file, or make split.test smaller"
        )
    positive = experiment.data.positive
    if experiment.data.sine is not None and positive is None:
        positive = ANOMALOUS
    return Dataset(panel, split, task_of(panel[split.train], positive), recordings)


def _require_fields(experiment: Experiment, panel: Panel) -> None:
    """Check that the metadata fields whose kinds are stated exist; ParameterError if one does not."""
    names = [*fields_of(panel.metadata), *([] if panel.signals is None else panel.signals.names)]
    unknown = next((name for name in experiment.data.fields if name not in names), None)
    if unknown is not None:
        raise ParameterError(
            f"expected data.fields to name metadata, got {unknown!r}, which the data do not have"
            f"{nearest(unknown, names) or '; remove it'}"
        )


def _unlabelled(experiment: Experiment, panel: Panel) -> str:
    series = experiment.data.series
    files = series if isinstance(series, list) else [series]
    where = f"{files[0]!r}" if len(files) == 1 else f"{files[0]!r} and {len(files) - 1} more"
    words = [] if panel.metadata is None else [one for one in panel.metadata.column_names if _holds_words(panel, one)]
    words = [*([] if panel.signals is None else panel.signals.names), *words]
    example = f", such as --label {shlex.quote(words[0])}," if words else ""
    return (
        f"expected labels to learn from, got none: there is no column {experiment.data.label!r} in {where}; name the "
        f"column with --label (data.label){example} or the table with --labels (data.labels)"
    )


def _holds_words(panel: Panel, field: str) -> bool:
    return panel.metadata is not None and pa.types.is_string(panel.metadata[field].type)
