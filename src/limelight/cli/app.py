"""The command line. Exit codes: 0 fine, 1 our fault, 2 the user's input, 130 interrupted.

Nothing here imports torch before a command needs it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Annotated

import typer

import limelight
from limelight.cli import data, models, selection
from limelight.errors import InputError

app = typer.Typer(
    name="limelight",
    help="Time-series classification that shows what it looked at.\n\n"
    "Start with [bold]limelight demo[/bold], then [bold]limelight inspect[/bold] your own series and "
    "[bold]limelight train[/bold] on them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"limelight {limelight.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and exit.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Take what stands before the command."""


for command in (
    models.demo,
    data.inspect,
    models.train,
    models.evaluate,
    models.predict,
    models.explain,
    models.report,
    selection.validate,
    selection.compare,
    selection.tune,
    data.generate,
    data.pack,
):
    app.command()(command)


@app.command()
def schema() -> None:
    """Print the JSON schema of an experiment file, for editors that complete and check it."""
    from limelight.config.reading import experiment_schema

    typer.echo(json.dumps(experiment_schema(), indent=2))


def main() -> None:
    """Run the command line and turn errors into one sentence and an exit code."""
    # torch's threads wait for each other by spinning. On a machine that does something else too, that made an epoch
    # of two threads 20 times slower; giving up the processor after a short spin costs nothing measurable otherwise.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        app()
    except InputError as error:
        _stop(f"limelight: {error}", 2)
    except KeyboardInterrupt:
        _stop("limelight: interrupted", 130)
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="limelight-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        _stop(
            f"limelight: this is our fault, not yours ({type(error).__name__}: {error}); "
            f"please report it with the file {log.name}",
            1,
        )


def _stop(message: str, code: int) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(code)
