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
    """Write a commented experiment file for your series, with the columns that were found, as a start for train.

    The output is a .json file; default: experiment.json next to the series.

    For example: limelight init my-data/
    """
    experiment = options.experiment(source)
    from limelight.runs.init import default_file, write_commented

    file = output or default_file(source)
    described = write_commented(experiment, file, overwrite=overwrite)
    echo(f"{described}\nwritten to {file}; edit it, then: limelight train {file}")


def list_runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="A folder of run folders, or several runs to compare; default: runs.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--out", "-o", help="An .html file for a page that compares the runs.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing page.")] = False,
) -> None:
    """List the runs in a folder with their scores on the test set, the best first; or compare two or more runs.

    A comparison holds the scores with intervals, the differences to the first run on the same test series, and what
    changed in the experiment files.

    For example: limelight runs runs/first runs/second --output comparison.html
    """
    chosen = folders or [Path("runs")]
    if len(chosen) == 1 and output is None:
        from limelight.runs.listing import run_lines

        echo("\n".join(run_lines(chosen[0])))
        return
    from limelight.runs.side_by_side import compare_runs, write_comparison

    found = compare_runs(chosen)
    if output is not None:
        write_comparison(found, output, overwrite=overwrite)
    echo("\n".join(found.lines()))
    hint = "add --output comparison.html for a page" if output is None else f"page: {output}"
    echo(hint, err=True)


def presets() -> None:
    """List the preset networks; train one with --preset and its name."""
    from limelight.parts.architecture import PRESETS
    from limelight.text import aligned

    echo("\n".join(aligned([[name, build().describe()] for name, build in PRESETS.items()], left=(0, 1))))
