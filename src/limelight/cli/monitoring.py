"""``monitor``: estimate the accuracy on new series, and test them for drift, before labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limelight.cli.models import other_series
from limelight.cli.options import (
    DataOptions,
    Output,
    Overwrite,
    Saved,
    SourceArgument,
    echo,
    print_progress,
    reads_data,
)

LIMIT_PASSED = 3
"""The exit code if a stated limit is passed."""


@reads_data
def monitor(
    model: Saved,
    source: SourceArgument,
    output: Output = None,
    *,
    least_accuracy: Annotated[
        float | None, typer.Option(help="Exit with 3 if the estimated accuracy is lower.", show_default=False)
    ] = None,
    most_drop: Annotated[
        float | None,
        typer.Option(
            help="Exit with 3 if the estimated accuracy is lower than on held-out series by more.", show_default=False
        ),
    ] = None,
    most_outside: Annotated[
        float | None,
        typer.Option(
            help="Exit with 3 if a larger share of the series is outside the training data.", show_default=False
        ),
    ] = None,
    options: DataOptions,
    overwrite: Overwrite = False,
) -> None:
    """Estimate the accuracy on new series without labels, and find which channels and fields have drifted.

    The output is a folder for monitor.json and page/index.html; default: monitor. The exit code is 3 if a limit is
    passed, so that a scheduled job can act on it.

    For example: limelight monitor runs/first new.parquet --most-drop 0.05
    """
    from limelight.runs.monitor import monitor_file

    folder = output or Path("monitor")
    stated = {"least_accuracy": least_accuracy, "most_drop": most_drop, "most_outside": most_outside}
    limits = {name: value for name, value in stated.items() if value is not None}
    experiment = other_series(model, source, options)
    found = monitor_file(model, experiment, folder, limits, overwrite=overwrite, log=print_progress)
    echo("\n".join(found.lines()))
    echo(f"written to {folder}")
    if found.passed:
        raise typer.Exit(LIMIT_PASSED)
