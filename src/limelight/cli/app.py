"""The command line. Exit codes: 0 success, 1 a bug in limelight, 2 invalid input, 3 a limit of ``monitor`` is passed,
128 and the number of a signal.

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
from limelight.cli import data, deploy, models, monitoring, projects, selection
from limelight.cli.flags import describe_usage_error
from limelight.cli.signals import (
    CommandInterruptedError,
    Commands,
    describe_interrupt,
    end_like_an_interrupt,
    prepare_streams,
)
from limelight.errors import InputError, as_sentence, shown

app = typer.Typer(
    name="limelight",
    cls=Commands,
    help="Time-series classification that shows what it looked at.\n\n"
    "Start with [bold]limelight demo[/bold]; then [bold]limelight inspect[/bold] your own series and "
    "[bold]limelight train[/bold] a model on them.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"limelight {limelight.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Handle the options that come before a command; without one, print the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (
    models.demo,
    projects.init,
    data.inspect,
    models.train,
    models.evaluate,
    models.predict,
    models.explain,
    models.report,
    monitoring.monitor,
    monitoring.early,
    deploy.export,
    deploy.serve,
    deploy.stream,
    selection.validate,
    selection.compare,
    selection.tune,
    projects.presets,
    data.generate,
    data.pack,
):
    app.command()(command)
app.command("runs")(projects.list_runs)


@app.command()
def schema() -> None:
    """Print the JSON schema of experiment files, for editors that complete and check them."""
    from limelight.config.reading import experiment_schema

    typer.echo(json.dumps(experiment_schema(), indent=2))


def main() -> None:
    """Run the command line; print an error as one sentence and set the exit code."""
    # torch's threads spin while they wait for each other, which made an epoch on two busy cores 20 times slower. A
    # short spin costs nothing measurable on idle cores.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    prepare_streams()
    end_like_an_interrupt()
    try:
        ending = app(standalone_mode=False, prog_name="limelight")
    except InputError as error:
        _stop(f"limelight: {error}", 2)
    except CommandInterruptedError as error:
        _stop(*describe_interrupt(error.interrupt))
    except KeyboardInterrupt as interrupt:
        _stop(*describe_interrupt(interrupt))
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"limelight: cannot use {shown(error.filename)}: {error.strerror}; choose another path", 2)
    except Exception as error:
        usage = describe_usage_error(error)
        if usage is not None:
            _stop(f"limelight: {usage}", 2)
        with tempfile.NamedTemporaryFile("w", prefix="limelight-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        _stop(
            f"limelight: this is our fault, not yours ({type(error).__name__}: {as_sentence(error)}); "
            f"please report it with the file {log.name}",
            1,
        )
    sys.exit(ending if isinstance(ending, int) else 0)


def _stop(message: str, code: int) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(code)
