"""``export``: take a fitted model to where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from limelight.cli.options import Saved


def export(
    model: Saved,
    to: Annotated[Literal["onnx"], typer.Option("--to", help="Format of the file.")] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", help="Where to write; see above for the default.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output file.")] = False,
) -> None:
    """Write a saved model as one file that predicts without torch.

    The output is an .onnx file; default: the name of the run and .onnx. Python reads it with
    limelight.runtime.open_model.

    For example: limelight export runs/first --to onnx --output pumps.onnx
    """
    from limelight.runs.export import export_run

    file = output or Path(f"{model.resolve().name}.{to}")
    export_run(model, file, overwrite=overwrite)
    typer.echo(f"written to {file} ({file.stat().st_size // 1024} kB)")
