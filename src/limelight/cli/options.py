"""Options shared by several commands, and how they change an experiment. Nothing here imports torch."""

from __future__ import annotations

import csv
import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from limelight.data.places import local_path, url_of
from limelight.data.reading.formats import describe_suffixes, require_file, require_known_type
from limelight.errors import ParameterError, nearest, printable

if TYPE_CHECKING:
    from limelight.config.sections import Experiment

SOURCE_HELP = (
    f"An experiment file (.json); a store; {describe_suffixes()}; a quoted pattern of such files; a folder of them, "
    "with tables named labels, metadata and split if there are any; a folder of Parquet partitions; or a URL of one of "
    "these (s3://, gs://, abfs://). Text may be compressed (.csv.gz, .bz2, .xz, .zst, .zip)."
)
SourceArgument = Annotated[Path, typer.Argument(help=SOURCE_HELP, show_default=False)]
Saved = Annotated[Path, typer.Argument(help="A run folder or a model folder.", show_default=False)]


def _require_local(output: Path | None) -> Path | None:
    if output is not None and url_of(output) is not None:
        raise ParameterError(
            f"expected a path on this machine as output, got {url_of(output)!r}; write it here and copy it (only "
            "limelight pack writes to a URL)"
        )
    return output


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "--out",
        "-o",
        help="Where to write; see above for the default.",
        show_default=False,
        callback=_require_local,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="Table of series id and label; with columns for start and end, each row labels the steps between them.",
        show_default=False,
    ),
]
Metadata = Annotated[Path | None, typer.Option(help="Table of series id and metadata columns.", show_default=False)]
Signals = Annotated[
    Path | None,
    typer.Option(
        help="Table of a side signal with its own clock, such as an operating mode: id, time, columns.",
        show_default=False,
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the data files, if not next to the experiment file.", show_default=False),
]
SplitFile = Annotated[
    Path | None,
    typer.Option("--split", help="Table of series id and train, validation or test.", show_default=False),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id",
        help="Column of the series id, such as --id machine; default: series_id, or detected.",
        rich_help_panel="Columns",
        show_default=False,
    ),
]
TimeColumn = Annotated[
    str | None,
    typer.Option(
        "--time",
        help="Column of the clock, or none for the order of the rows; default: time, or detected.",
        rich_help_panel="Columns",
        show_default=False,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label",
        help="Column of the label, in the series or in the table of --labels; default: label, or detected.",
        rich_help_panel="Columns",
        show_default=False,
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        help="Columns to use as channels, separated by commas: --channels force,speed; default: every other column of "
        "numbers.",
        rich_help_panel="Columns",
        show_default=False,
    ),
]
FileNames = Annotated[
    str | None,
    typer.Option(
        "--names",
        help='Pattern of the file names, such as "{label}_{id}" for ok_pump7.csv; other fields become metadata.',
        rich_help_panel="Columns",
        show_default=False,
    ),
]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        help='Rows of the series table to read: --filter "day >= 2024-05-01" or --filter "site in A, B". Repeatable.',
        rich_help_panel="Columns",
        show_default=False,
    ),
]
PRESET_NAMES = (
    "attention_bilstm", "lstm", "stacked_lstm", "bilstm", "metadata_repeat", "metadata_late", "multilabel_lstm",
    "step_lstm", "metadata_attention", "inception",
)  # fmt: skip
"""As in ``limelight.parts.architecture.PRESETS``, whose import the help would wait for."""
Preset = Annotated[
    str | None,
    typer.Option(help=f"Name of a preset network: {', '.join(PRESET_NAMES)}.", show_default=False),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", help="Maximum number of epochs for training a network, at least 1.", show_default=False),
]
Seed = Annotated[
    int | None, typer.Option(help="Random seed; the same seed yields the same result.", show_default=False)
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set any key of the experiment: --set training.max_epochs=20. Repeatable.",
        show_default=False,
    ),
]
Jobs = Annotated[int, typer.Option(help="Number of processes that share the series.")]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        help="Run on all processors of Ray instead (extra ray): ray for this machine or the cluster in RAY_ADDRESS, or "
        "ray://host:10001. Work of a lost worker is repeated.",
        show_default=False,
    ),
]
EscapeFormulas = Annotated[
    bool,
    typer.Option(
        "--escape-formulas",
        help="In CSV output, put ' before text that a spreadsheet reads as a formula: text beginning with = + - @.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in that folder.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume a training that was interrupted.")]


KEY_OF_OPTION = {
    **{name: f"data.{name}" for name in ("labels", "metadata", "signals", "split", "id", "time", "label")},
    "channels": "data.channels",
    "names": "data.names",
    "filter": "data.filter",
    "data": "data.folder",
    "epochs": "training.max_epochs",
}
"""The key of an experiment that each option changes, if it is not the name of the option."""


@dataclass(frozen=True)
class DataOptions:
    """The options for the location of labelled series, as typed; ``reads_data`` gathers them."""

    labels: Labels = None
    metadata: Metadata = None
    signals: Signals = None
    split: SplitFile = None
    data: DataFolder = None
    id: IdColumn = None
    time: TimeColumn = None
    label: LabelColumn = None
    channels: Channels = None
    names: FileNames = None
    filter: Filter = None
    changes: Changes = None

    def as_changes(self, **named: Any) -> dict[str, Any]:
        """Collect every change typed on the command line by dotted key, as for ``read_experiment``."""
        files_and_columns = {name: value for name, value in vars(self).items() if name != "changes"}
        return changes_from(self.changes, **named, **files_and_columns)

    def experiment(self, source: Path, defaults: dict[str, Any] | None = None, **named: Any) -> Experiment:
        """Read the experiment that a command names, with every change typed on the command line."""
        _require_source(source, named.get("preset"))
        from limelight.config.reading import read_experiment

        experiment = read_experiment(source, {**(defaults or {}), **self.as_changes(**named)})
        _require_files(experiment)
        return experiment


def _require_source(source: Path, preset: str | None) -> None:
    """Raise what is wrong with the data or the preset before the sections of an experiment are imported."""
    if url_of(source) is None:
        _require_local_source(local_path(source))
    if preset is not None and preset not in PRESET_NAMES:
        raise ParameterError(f"there is no preset {preset!r}{nearest(preset, PRESET_NAMES)}")


def _require_local_source(source: Path) -> None:
    require_known_type(source)
    is_pattern = any(sign in str(source) for sign in "*?[")
    if not is_pattern and source.suffix != ".json" and not source.is_dir():
        require_file(source.resolve())


def _require_files(experiment: Experiment) -> None:
    """Raise DataError if a file of the experiment is missing, before anything slow is imported."""
    from limelight.data.reading.datasets import TableDataset
    from limelight.data.reading.locating import find_files, label_paths, local_file, opened
    from limelight.data.store.open import is_store

    data = experiment.data
    dataset = isinstance(opened(data.series), TableDataset)
    series = [] if data.series is None or dataset else find_files(data.series)
    labels, tables = label_paths(data.labels), [data.metadata, data.split]
    tables += [data.labels] if labels is None else []
    for path in [*series, *(labels or ()), *(local_file(one) for one in tables if one is not None)]:
        if not is_store(path):
            require_file(path)


def reads_data(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter ``options`` of a command by the fields of ``DataOptions``, one option each.

    Typer reads options off the signature of a function, so options shared by several commands have to be written
    into each signature; this decorator does that.
    """
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in get_type_hints(DataOptions, globals(), include_extras=True).items()
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
    ]
    place = next(place for place, parameter in enumerate(own) if parameter.name == "options")
    parameters = [*own[:place], *shared, *own[place + 1 :]]

    @functools.wraps(command)
    def wrapper(**typed: Any) -> None:
        options = DataOptions(**{parameter.name: typed.pop(parameter.name) for parameter in shared})
        command(**typed, options=options)

    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__
    return wrapper


def experiment_from(source: Path, changes: list[str] | None, **named: Any) -> Experiment:
    """Read an experiment with the changes given as options or with ``--set``."""
    from limelight.config.reading import read_experiment

    return read_experiment(source, changes_from(changes, **named))


def changes_from(changes: list[str] | None, **named: Any) -> dict[str, Any]:
    """Collect the changes given as options or with ``--set``, by dotted key."""
    changed: dict[str, Any] = {}
    for name, value in named.items():
        if name == "channels" and value is not None:
            value = _listed(value)
        if name == "time" and value == "none":
            changed[KEY_OF_OPTION[name]] = None
        elif value is not None:
            changed[KEY_OF_OPTION.get(name, name)] = str(value) if isinstance(value, Path) else value
    for change in changes or []:
        key, equals, text = change.partition("=")
        if not equals:
            raise ParameterError(f"expected --set key=value, got --set {change}")
        changed[key.strip()] = _value(text)
    return changed


def _listed(text: str) -> list[str]:
    """Return the names in a list separated by commas; names that hold a comma are in double quotes.

    Example
    -------
    >>> _listed('force, "speed, left"')
    ['force', 'speed, left']
    """
    names = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in names if name.strip()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def print_progress(line: str) -> None:
    """Print a line about the progress of a command to standard error."""
    echo(line, err=True)


def echo(text: str, *, err: bool = False) -> None:
    """Print text in which names, such as those of classes, cannot send control codes to the screen."""
    typer.echo(printable(text), err=err)


def demo_file() -> Any:
    """Return the experiment file of the demo, as a context manager that yields a path."""
    from importlib.resources import as_file, files

    return as_file(files("limelight") / "resources" / "sine.json")
