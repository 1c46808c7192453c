"""The series of an experiment: read or drawn, cut into windows, parted, and the task read off their labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.config.sections import Experiment
from limelight.data.align import align
from limelight.data.annotations import RECORDING
from limelight.data.labels import STEP_LABEL, count_labelled, stratify_by
from limelight.data.metadata import leaking_fields
from limelight.data.panel import Panel
from limelight.data.reading.sheets import find_files, is_table
from limelight.data.reading.sources import columns_of
from limelight.data.reading.tables import read_parts, read_table
from limelight.data.splitting.splits import Split, carve_validation, named_split
from limelight.data.store.open import is_store, stored_split
from limelight.data.synthetic.bumps import generate_bumps
from limelight.data.synthetic.sine import ANOMALOUS, generate_sine
from limelight.data.windowing.windows import cut_windows
from limelight.errors import LabelError, ParameterError
from limelight.model.targets import task_of
from limelight.task import Task
from limelight.training.auto import is_solved
from limelight.training.settings import enough_to_validate

ARCHIVE_ID = re.compile(r".*_(train|test)_\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class Dataset:
    """Labelled series and which of them are for what.

    Parameters
    ----------
    panel
        All series; windows, if they were cut.
    split
        Rows for training, validation and test.
    task
        Read from the training labels.
    recordings
        What the windows were cut from; the series themselves where nothing was cut.
    """

    panel: Panel
    split: Split
    task: Task
    recordings: Panel

    @property
    def validation(self) -> Panel | None:
        """The series to stop a training by; None where there are none."""
        return self.part("validation") if len(self.split.validation) else None

    def part(self, name: str) -> Panel:
        """Give the series of ``"train"``, ``"validation"`` or ``"test"``."""
        return self.panel[self.split.part(name)]


def read_recordings(experiment: Experiment, *, missing: str = "keep", labelled: bool = True) -> Panel:
    """Read or draw the series of an experiment, uncut; labels where there are some and they are wanted.

    Raises as ``read_table``.
    """
    data = experiment.data
    if data.sine is not None:
        return generate_sine(data.sine, experiment.seed)
    if data.bumps is not None:
        panel, modes = generate_bumps(data.bumps, experiment.seed)
        return panel if modes is None else align(panel, modes)
    panel = read_table(
        data.series,
        labels=data.labels if labelled else None,
        metadata=data.metadata,
        id=data.id,
        time=data.time,
        label=data.label if labelled else None,
        channels=data.channels,
        units=data.units,
        layout=data.layout,
        per_step=labels_are_of_steps(experiment),
        mask=data.mask,
        missing="error" if experiment.model.missing == "error" else missing,
        sort=data.sort,
    )
    for signal in data.signals:
        said = signal.model_dump()
        panel = align(panel, said.pop("table"), **said)
    return panel


def labels_are_of_steps(experiment: Experiment) -> bool:
    """Say whether labels in the series table are of single steps: as stated, or where windows or their names say so."""
    data = experiment.data
    if data.level != "auto" or data.labels is not None:
        return data.level == "step"
    if experiment.windows is not None:
        return True
    paths = find_files(data.series) if data.series is not None else []
    if not paths or not is_table(paths[0]):
        return False
    names = columns_of(paths[0])
    return data.label not in names and any(name.startswith(STEP_LABEL) for name in names)


def cut(experiment: Experiment, recordings: Panel) -> Panel:
    """Cut recordings into the windows that an experiment asks for, if it does."""
    if experiment.windows is None:
        return recordings
    return cut_windows(recordings, **experiment.windows.model_dump())


def read_panel(experiment: Experiment, *, labelled: bool = True) -> Panel:
    """Read or draw the series of an experiment, cut into windows if it asks for them."""
    return cut(experiment, read_recordings(experiment, labelled=labelled))


def split_panel(experiment: Experiment, panel: Panel) -> Split:
    """Part the series as the split file, the store, the archive files or the rule says.

    A validation part that no file names is made only where it is large enough to stop a training by, and needed for
    that or stated. Windows are parted by their recordings.
    """
    rule, labels = experiment.split, stratify_by(panel.labels)
    split = named_parts(experiment, panel)
    if split is not None and len(split.validation):
        return split
    to_part = panel if split is None else panel[split.train]
    classes = 0 if labels is None else len(np.unique(labels))
    solved = rule.validation is None and needs_no_validation(experiment, to_part)
    wanted = round(rule.held_out * count_labelled(to_part.labels, len(to_part)))
    enough = enough_to_validate(wanted, classes, by_step=panel.labels is None)
    share = rule.held_out if enough and not solved else 0.0
    if split is None:
        split = panel.make_split(
            test=rule.test, validation=share, seed=rule.seed, group=rule.group, by=rule.by, stratify=rule.stratify
        )
    elif share:
        train, validation, how = _carve(experiment, panel, split.train, share)
        return Split(train, validation, split.test, f"{split.rule}, validation {how} from train")
    if solved:
        said = f"{split.rule}; no validation part, as the head is solved and training series left out choose the rest"
    elif rule.held_out and not share:
        said = f"{split.rule}; too few series for a validation part, so all epochs are run"
    else:
        return split
    return Split(split.train, split.validation, split.test, said)


def independent_series(experiment: Experiment, panel: Panel) -> bool:
    """Say whether a series may be judged by a model that has seen all others, by the rule that parts them."""
    return panel.is_independent(experiment.split.by, experiment.split.group)


def needs_no_validation(experiment: Experiment, panel: Panel) -> bool:
    """Say whether training series left out judge the model, so that no others have to be held out."""
    return independent_series(experiment, panel) and is_solved(panel, experiment.model, experiment.training)


def named_parts(experiment: Experiment, panel: Panel) -> Split | None:
    """Give the parts that a split file, a store or the names of archive files say; None if nothing says any."""
    if panel.origin is None:
        known, places = panel.ids, np.arange(len(panel))
    else:
        known, places = np.unique(panel.origin.recordings, return_inverse=True)
    words = _stated_words(experiment, known)
    if words is None:
        return None
    data = experiment.data
    of_store = isinstance(data.series, str) and is_store(data.series)
    where = repr(data.split) if data.split is not None else "the store" if of_store else "the names of the files"
    split = named_split(np.asarray(words)[places], panel.ids, where)
    groups = panel.groups()
    if groups is not None:
        split.require_disjoint_groups(groups, "recording")
    return split


def stated_parts(experiment: Experiment, panel: Panel) -> list[str] | None:
    """Give the word train, validation or test for each series, where a file says it."""
    return _stated_words(experiment, panel.ids)


def _stated_words(experiment: Experiment, ids: NDArray[np.str_]) -> list[str] | None:
    data = experiment.data
    if data.split is not None:
        return read_parts(data.split, ids, id=data.id)
    if isinstance(data.series, str) and is_store(data.series):
        words = stored_split(data.series)
        if words is None:
            return None
        names = read_table(data.series).ids.tolist()
        place = dict(zip(names, words, strict=True))
        return [place[name] for name in ids.tolist()]
    found = [ARCHIVE_ID.match(name) for name in ids.tolist()]
    if isinstance(data.series, list) and all(found):
        return [match[1].lower() for match in found if match]
    return None


def _carve(experiment: Experiment, panel: Panel, rows: NDArray[np.int64], share: float) -> tuple[Any, Any, str]:
    """Take a validation part out of the training rows, groups and windows kept together."""
    rule = experiment.split
    chosen = panel[rows]
    if rule.group is None and rule.by == "random" and panel.origin is None:
        labels = stratify_by(chosen.labels) if rule.stratify else None
        train, validation = carve_validation(rows, labels, share, rule.seed)
        return train, validation, "at random"
    carved = chosen.make_split(
        test=share, validation=0.0, seed=rule.seed, group=rule.group, by=rule.by, stratify=rule.stratify
    )
    how = "by time" if rule.by == "time" else f"at random by {rule.group or RECORDING}"
    return rows[carved.train], rows[carved.test], how


def read_data(experiment: Experiment) -> Dataset:
    """Read labelled series, part them, and read the task off the training labels.

    Parameters
    ----------
    experiment
        What was asked.

    Returns
    -------
    Data
        Nothing has been written yet when this fails.

    Raises
    ------
    DataError, LabelError, ParameterError
        If files, labels or the split cannot be used.
    """
    recordings = read_recordings(experiment)
    panel = cut(experiment, recordings)
    if panel.labels is None and panel.step_labels is None:
        raise LabelError(_unlabelled(experiment))
    split = split_panel(experiment, panel)
    panel = panel.replace(notes=(*panel.notes, *_telling(panel, experiment)))
    if not len(split.train):
        raise ParameterError(
            "expected series to train on, got none; name some as train in the split, or make split.test smaller"
        )
    positive = experiment.data.positive
    if experiment.data.sine is not None and positive is None:
        positive = ANOMALOUS
    return Dataset(panel, split, task_of(panel[split.train], positive), recordings)


def _telling(panel: Panel, experiment: Experiment) -> list[str]:
    """Warn of metadata that give the label away."""
    if panel.metadata is None or panel.labels is None or panel.labels.ndim == 2:
        return []
    ignored = {name for name, kind in experiment.data.fields.items() if kind == "ignore"}
    telling = [name for name in leaking_fields(panel.metadata, panel.labels) if name not in ignored]
    return [
        f"metadata {name!r} gives the label away: each of its values goes with one label; if it is not known before, "
        f'say "ignore" for it in the fields of the data'
        for name in telling
    ]


def _unlabelled(experiment: Experiment) -> str:
    return (
        f"expected labels to learn from, got none: there is no column {experiment.data.label!r} in "
        f"{experiment.data.series!r}; name the column with data.label or the table with data.labels"
    )
