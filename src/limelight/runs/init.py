"""``limelight init``: an experiment file with the columns that were found, and a comment above every key."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from limelight.config.sections import DataSection, Experiment, SplitSection
from limelight.files import whole_file
from limelight.runs.columns import with_found_columns
from limelight.runs.dataset import read_panel
from limelight.runs.folder import require_new_file

FILE_KEYS = ("series", "labels", "metadata", "signals", "split")
COLUMN_KEYS = ("names", "id", "time", "label", "channels", "missing_values", "positive")
SPLIT = ("test", "by", "group", "seed")


def default_file(source: Path) -> Path:
    """Return the path of the experiment file: in the folder of the series, or next to them.

    Example
    -------
    >>> default_file(Path("data/pumps.csv")).as_posix()
    'data/experiment.json'
    """
    return (source if source.is_dir() else source.parent) / "experiment.json"


def write_commented(experiment: Experiment, file: Path, *, overwrite: bool = False) -> str:
    """Write an experiment file with comments.

    Parameters
    ----------
    experiment
        The series, with everything else at its default.
    file
        The file to write.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    str
        One line about the series.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    DataError, LabelError
        If the series cannot be read.
    """
    require_new_file(file, overwrite=overwrite)
    panel = read_panel(experiment)
    described = panel.describe()
    content = _lines(with_found_columns(experiment), file.parent, [described, *panel.notes])
    with whole_file(file) as temporary:
        temporary.write_text("\n".join(content) + "\n", encoding="utf-8")
    return described


def _lines(experiment: Experiment, home: Path, about: list[str]) -> list[str]:
    complete = experiment.to_json()
    data, split = complete["data"], complete["split"]
    files = {name: _relative(data[name], home) for name in FILE_KEYS if data[name]}
    columns = {name: data[name] for name in COLUMN_KEYS if name != "names" or data[name]}
    given = {name: getattr(experiment.data, name) for name in DataSection.model_fields}
    changed = {name: data[name] for name in sorted(_changed(given) - {*FILE_KEYS, *COLUMN_KEYS, "folder"})}
    if "csv" in changed:
        changed["csv"] = {name: value for name, value in changed["csv"].items() if value is not None}
    return [
        "// An experiment of limelight. Lines that begin with // are comments; omitted keys have their defaults.",
        *(f"// {line}" for line in about),
        "{",
        '  "data": {',
        *_entries({**files, **columns, **changed}, DataSection, "    "),
        "  },",
        "  // The test set, which no choice of the model sees.",
        '  "split": {',
        *_entries({name: split[name] for name in SPLIT}, SplitSection, "    "),
        "  },",
        "  // auto compares what suits the number of series; or blocks, rocket, inception, conv_lstm, lstm, gru.",
        '  "model": {"encoder": "auto"},',
        "  // Used if a network is trained by gradient descent.",
        f'  "training": {{"max_epochs": {json.dumps(complete["training"]["max_epochs"])}}},',
        "  // The run folder, relative to this file, and the seed: the same seed gives the same result.",
        f'  "output": {json.dumps(_relative(str(Path(complete["output"]).resolve()), home))},',
        f'  "seed": {complete["seed"]}',
        "}",
    ]


def _changed(given: dict[str, Any]) -> set[str]:
    """Return the keys of the section ``data`` with other values than their defaults."""
    fields = DataSection.model_fields
    return {name for name, value in given.items() if value != fields[name].get_default(call_default_factory=True)}


def _entries(values: dict[str, Any], section: Any, indent: str) -> list[str]:
    """Return a comment and a line for each key."""
    lines = []
    for place, (name, value) in enumerate(values.items()):
        description = section.model_fields[name].description
        comma = "," if place < len(values) - 1 else ""
        lines += [f"{indent}// {description}"] if description else []
        lines.append(f"{indent}{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}{comma}")
    return lines


def _relative(value: Any, home: Path) -> Any:
    """Return paths relative to the folder of the experiment file, in lists and in the tables of signals too."""
    if isinstance(value, list):
        return [_relative(one, home) for one in value]
    if isinstance(value, dict):
        return {**value, "table": _relative(value["table"], home)}
    return Path(os.path.relpath(value, home.resolve())).as_posix()
