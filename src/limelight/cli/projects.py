"""``init``, ``runs``, ``presets``: begin an experiment, and list what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limelight.cli.options import DataOptions, Output, SourceArgument, echo, reads_data


@reads_data
def init(
    source: SourceArgument,
    output: Output = None,
    *,
    options: DataOptions,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented experiment file for your series, with the columns that were found; then train from it.

    The output is a .json file; default: experiment.json next to the series.

    For example: limelight init my-data/
    """
    experiment = options.experiment(source)
    from limelight.runs.init import default_file, write_commented

    file = output or default_file(source)
    described = write_commented(experiment, file, overwrite=overwrite)
    echo(f"{described}\nwritten to {file}; edit it, then: limelight train {file}")


def list_runs(
    folder: Annotated[Path, typer.Argument(help="A folder of run folders.")] = Path("runs"),
) -> None:
    """List the runs in a folder with their scores on the test set, the best first."""
    from limelight.runs.listing import run_lines

    echo("\n".join(run_lines(folder)))


def presets() -> None:
    """List the preset networks; train one with --preset and its name."""
    from limelight.parts.architecture import PRESETS
    from limelight.text import aligned

    echo("\n".join(aligned([[name, build().describe()] for name, build in PRESETS.items()], left=(0, 1))))
