"""``inspect``, ``generate``, ``pack``: summarise series, generate synthetic ones, write a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from limelight.cli.options import (
    Changes,
    DataOptions,
    Output,
    Seed,
    SourceArgument,
    demo_file,
    echo,
    experiment_from,
    reads_data,
)
from limelight.data.places import url_of
from limelight.errors import ParameterError


@reads_data
def inspect(
    source: SourceArgument,
    *,
    options: DataOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Check whether the series are ready for training, and what to fix first: warnings, sizes, channels, classes."""
    experiment = options.experiment(source)
    from limelight.runs.inspect import inspect_experiment

    inspection = inspect_experiment(experiment)
    echo(json.dumps(inspection.to_json(), indent=2) if as_json else str(inspection))


def generate(
    experiment: Annotated[
        Path | None, typer.Argument(help="Experiment file with data.sine or data.bumps; default: that of the demo.")
    ] = None,
    output: Output = None,
    seed: Seed = None,
    changes: Changes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Write synthetic series as Parquet: sine waves with a flat stretch, or bumps whose label needs metadata."""
    from limelight.data.splitting.splits import random_split
    from limelight.data.writing import write_split, write_table
    from limelight.runs.dataset import read_recordings
    from limelight.runs.folder import require_new_file

    if experiment is None:
        with demo_file() as file:
            chosen = experiment_from(file, changes, seed=seed)
    else:
        chosen = experiment_from(experiment, changes, seed=seed)
    if chosen.data.drawn is None:
        raise ParameterError(f"expected an experiment with data.sine or data.bumps, got {str(experiment)!r}")
    folder = output or Path("sine" if chosen.data.sine is not None else "bumps")
    for name in ("series.parquet", "labels.csv", "metadata.parquet", "split.csv"):
        require_new_file(folder / name, overwrite=overwrite)
    panel = read_recordings(chosen)
    rule = chosen.split
    split = random_split(len(panel), test=rule.test, validation=rule.held_out, seed=rule.seed, labels=panel.labels)
    write_table(panel, folder)
    write_split(split, panel.ids, folder)
    echo(f"{panel.describe()} written to {folder}")


@reads_data
def pack(
    source: SourceArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--out", "-o", help="The folder of the store, or a URL (s3://, gs://).", show_default=False
        ),
    ] = None,
    *,
    options: DataOptions,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing store.")] = False,
) -> None:
    """Stream tables of any size into a store that every other command reads without loading it into memory.

    For example: limelight pack "logs/*.parquet" --labels labels.csv --output logs.store
    """
    experiment = options.experiment(source)
    from limelight.runs.pack import pack_series

    folder = output or Path(f"{Path(experiment.output).name}.store")
    panel = pack_series(experiment, folder, overwrite=overwrite)
    for note in panel.notes:
        echo(f"note: {note}", err=True)
    echo(f"{panel.describe()} packed into {url_of(folder) or folder}")
