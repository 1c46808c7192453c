"""The command line. Exit codes: 0 fine, 1 our fault, 2 the user's input, 130 interrupted.

Nothing here imports torch before a command needs it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import limelight
from limelight.commands import choosing, reporting
from limelight.commands.options import (
    Changes,
    DataFolder,
    Labels,
    Metadata,
    Output,
    Overwrite,
    Preset,
    Resume,
    Saved,
    Seed,
    Signals,
    Source,
    SplitFile,
    changes_from,
    experiment_from,
)
from limelight.errors import InputError, ParameterError

if TYPE_CHECKING:
    from limelight.config.sections import Experiment

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


@app.command()
def demo(
    output: Output = None,
    preset: Preset = None,
    seed: Seed = None,
    changes: Changes = None,
) -> None:
    """Find the waves that were held still: draw 10,000 of them, train, evaluate, and write a report.

    Takes well under a minute on a laptop. An earlier demo in the same folder is replaced.
    """
    changed: dict[str, Any] = {"output": output or Path("runs/demo"), "preset": preset, "seed": seed}
    with _demo_file() as file:
        experiment = experiment_from(file, changes, **changed)
    _run(experiment, resume=False, overwrite=_is_demo(Path(experiment.output)))


@app.command()
def generate(
    experiment: Annotated[
        Path | None, typer.Argument(help="An experiment file with data.sine or data.bumps; the demo's if left out.")
    ] = None,
    output: Output = None,
    seed: Seed = None,
    changes: Changes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of that name.")] = False,
) -> None:
    """Write drawn series as Parquet: sine waves with the true flat stretch, or bumps whose label takes metadata."""
    from limelight.data.splits import random_split
    from limelight.data.writing import write_split, write_table
    from limelight.runs.folder import require_new_file
    from limelight.runs.series import read_recordings

    if experiment is None:
        with _demo_file() as file:
            asked = experiment_from(file, changes, seed=seed)
    else:
        asked = experiment_from(experiment, changes, seed=seed)
    if asked.data.drawn is None:
        raise ParameterError(f"expected an experiment with data.sine or data.bumps, got {str(experiment)!r}")
    folder = output or Path("sine" if asked.data.sine is not None else "bumps")
    for name in ("series.parquet", "labels.csv", "metadata.parquet", "split.csv"):
        require_new_file(folder / name, overwrite=overwrite)
    panel = read_recordings(asked)
    rule = asked.split
    split = random_split(len(panel), test=rule.test, validation=rule.held_out, seed=rule.seed, labels=panel.labels)
    write_table(panel, folder)
    write_split(split, panel.ids, folder)
    typer.echo(f"{panel.describe()} written to {folder}")


@app.command()
def inspect(
    source: Source,
    labels: Labels = None,
    metadata: Metadata = None,
    signals: Signals = None,
    split: SplitFile = None,
    data: DataFolder = None,
    changes: Changes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
) -> None:
    """Say what is in some series before anything is trained: lengths, gaps, classes, and what looks wrong."""
    from limelight.data.inspection import inspect_panel
    from limelight.runs.series import read_panel, split_panel

    experiment = experiment_from(
        source, changes, labels=labels, metadata=metadata, signals=signals, split=split, data=data
    )
    panel = read_panel(experiment)
    parts = None if panel.labels is None else split_panel(experiment, panel)
    inspection = inspect_panel(panel, parts, group=experiment.split.group)
    typer.echo(json.dumps(inspection.to_json(), indent=2) if as_json else str(inspection))


@app.command()
def pack(
    source: Source,
    output: Output = None,
    labels: Labels = None,
    metadata: Metadata = None,
    signals: Signals = None,
    split: SplitFile = None,
    data: DataFolder = None,
    changes: Changes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store of that name.")] = False,
) -> None:
    """Stream tables of any size into a store, which every other command takes and no memory limits.

    For example: limelight pack "logs/*.parquet" --labels labels.csv --output logs.store
    """
    from limelight.runs.pack import pack_series

    experiment = experiment_from(
        source, changes, labels=labels, metadata=metadata, signals=signals, split=split, data=data
    )
    folder = output or Path(f"{Path(experiment.output).name}.store")
    panel = pack_series(experiment, folder, overwrite=overwrite)
    for note in panel.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{panel.describe()} packed into {folder}")


@app.command()
def train(
    source: Source,
    output: Output = None,
    labels: Labels = None,
    metadata: Metadata = None,
    signals: Signals = None,
    split: SplitFile = None,
    data: DataFolder = None,
    preset: Preset = None,
    seed: Seed = None,
    changes: Changes = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Train on labelled series, evaluate on the test part, and leave a run folder with model and report.

    For example: limelight train my-data/ --output runs/first
    """
    files: dict[str, Any] = {"labels": labels, "metadata": metadata, "signals": signals, "split": split, "data": data}
    experiment = experiment_from(source, changes, output=output, preset=preset, seed=seed, **files)
    _run(experiment, resume=resume, overwrite=overwrite)


app.command()(choosing.validate)
app.command()(choosing.tune)
app.command()(reporting.report)
app.command()(choosing.compare)


@app.command()
def evaluate(
    model: Saved,
    source: Annotated[
        Path | None,
        typer.Argument(help="Other labelled series; those of the run if left out.", show_default=False),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="train, validation, test or all. Left out: test, or all other series that no file parts.",
            show_default=False,
        ),
    ] = None,
    labels: Labels = None,
    split: SplitFile = None,
    changes: Changes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a saved model, on its own test series or on others, next to always giving the majority class."""
    from limelight.evaluation.table import score_lines
    from limelight.runs.answers import evaluate_run, experiment_of_run

    if source is None:
        experiment = experiment_of_run(model, changes_from(changes, labels=labels, split=split))
    else:
        experiment = _other_series(model, source, changes, labels=labels, split=split)
    metrics = evaluate_run(model, experiment, own=source is None, part=part)
    typer.echo(json.dumps(metrics, indent=2) if as_json else "\n".join(score_lines(metrics)))


@app.command()
def predict(
    model: Saved,
    source: Source,
    output: Output = None,
    metadata: Metadata = None,
    signals: Signals = None,
    steps: Annotated[
        Path | None,
        typer.Option(help="Also write the answers about windows laid back on every time step.", show_default=False),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(help="Also write the events in answers about steps: label, start, end, peak.", show_default=False),
    ] = None,
    changes: Changes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
) -> None:
    """Answer new series, labelled or not: class and probabilities as a Parquet or CSV table."""
    from limelight.runs.answers import predict_file

    file = output or Path("predictions.parquet")
    experiment = _other_series(model, source, changes, metadata=metadata, signals=signals)
    answered = predict_file(model, experiment, file, steps=steps, events=events, overwrite=overwrite, say=_say)
    typer.echo(f"{answered} {'series' if experiment.windows is None else 'windows'} answered in {file}")


@app.command()
def explain(
    model: Saved,
    source: Source,
    output: Output = None,
    method: Annotated[
        str | None, typer.Option(help="attention, evidence, gradients or occlusion.", show_default=False)
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="The class to explain; the one that was answered if left out.", show_default=False),
    ] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="A series to explain; all if left out. Repeatable.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also draw the first of them: a .png, .svg or .pdf file.", show_default=False)
    ] = None,
    metadata: Metadata = None,
    signals: Signals = None,
    changes: Changes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output files.")] = False,
) -> None:
    """Show what decided the answers, step by step, as a Parquet or CSV table and as a picture.

    For example: limelight explain run series.parquet --method occlusion --id pump_7 --picture pump_7.png
    """
    from limelight.runs.explaining import explain_file

    file = output or Path("explanation.parquet")
    explanation = explain_file(
        model,
        _other_series(model, source, changes, metadata=metadata, signals=signals),
        file,
        method=method,
        target=target,
        ids=ids or (),
        picture=picture,
        overwrite=overwrite,
        say=lambda line: typer.echo(line, err=True),
    )
    typer.echo(f"{explanation} written to {file}")


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


def _other_series(model: Path, source: Path, changes: list[str] | None, **named: Any) -> Experiment:
    """Read where other series for a model are; a table has the columns that the training had, unless said otherwise."""
    from limelight.runs.answers import columns_of_run, with_signals_of_run

    if source.suffix == ".json":
        return experiment_from(source, changes, **named)
    return with_signals_of_run(experiment_from(source, changes, columns_of_run(model), **named), model)


def _demo_file() -> Any:
    from importlib.resources import as_file

    return as_file(files("limelight") / "experiments" / "sine.json")


def _is_demo(folder: Path) -> bool:
    """Say whether a folder holds an earlier run on drawn waves, which a demo may replace."""
    from limelight.config.reading import read_experiment
    from limelight.runs.folder import EXPERIMENT_FILE, is_run

    return is_run(folder) and read_experiment(folder / EXPERIMENT_FILE).data.sine is not None


def _run(experiment: Experiment, *, resume: bool, overwrite: bool) -> None:
    from limelight.evaluation.table import score_lines
    from limelight.runs.run import run_experiment

    run = run_experiment(experiment, resume=resume, overwrite=overwrite, say=_say)
    typer.echo("\n".join(score_lines(run.metrics)))
    typer.echo(f"\nreport: {run.folder / 'report' / 'index.html'}")
    if run.training.interrupted:
        typer.echo("interrupted: the model is the best so far; --resume goes on with the training", err=True)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _stop(message: str, code: int) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(code)
