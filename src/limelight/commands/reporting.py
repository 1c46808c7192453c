"""``limelight report``: the page of a run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limelight.commands.options import Changes, DataFolder, changes_from


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    data: DataFolder = None,
    changes: Changes = None,
) -> None:
    """Make the page of a run again: from its model, its scores and its test series; nothing is trained."""
    from limelight.runs.reporting import report_again

    typer.echo(f"report: {report_again(run, changes_from(changes, data=data))}")
