"""``demo``, ``train``, ``evaluate``, ``predict``, ``explain``, ``report``: fit and use a model."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limelight.cli.options import (
    Changes,
    DataOptions,
    Epochs,
    EscapeFormulas,
    Jobs,
    On,
    Output,
    Overwrite,
    Preset,
    Resume,
    Saved,
    Seed,
    SourceArgument,
    demo_file,
    echo,
    experiment_from,
    print_progress,
    reads_data,
)
from limelight.errors import ParameterError, nearest
from limelight.files import require_model_folder

if TYPE_CHECKING:
    from limelight.config.sections import Experiment

METHOD_NAMES = ("attention", "evidence", "gradients", "occlusion")
"""As in ``limelight.explanation.methods.registry.METHODS``, which loads torch."""


def demo(
    output: Output = None,
    preset: Preset = None,
    epochs: Epochs = None,
    seed: Seed = None,
    changes: Changes = None,
) -> None:
    """Detect flat stretches in 10,000 synthetic waves: train, evaluate and write a report.

    Takes about a minute on a laptop. An earlier demo in the same folder is replaced.
    """
    changed: dict[str, Any] = {"output": output or Path("runs/demo"), "preset": preset, "epochs": epochs, "seed": seed}
    with demo_file() as file:
        experiment = experiment_from(file, changes, **changed)
    _run(experiment, resume=False, overwrite=_is_demo(Path(experiment.output)))


@reads_data
def train(
    source: SourceArgument,
    output: Output = None,
    *,
    options: DataOptions,
    preset: Preset = None,
    epochs: Epochs = None,
    seed: Seed = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    track: Annotated[
        str | None,
        typer.Option(
            help="Record the run with MLflow (extra mlflow): mlflow for its own settings, or the URI of a server or "
            "database such as sqlite:///mlflow.db.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train on labelled series, evaluate on the test set, and write a run folder with model and report.

    The output is the run folder; default: runs/ and the name of the data, or as in the experiment file.

    For example: limelight train my-data/ --output runs/first
    """
    experiment = options.experiment(source, output=output, preset=preset, epochs=epochs, seed=seed)
    _run(experiment, resume=resume, overwrite=overwrite, track=track)


@reads_data
def evaluate(
    model: Saved,
    source: Annotated[
        Path | None,
        typer.Argument(help="Labelled series to score instead of those of the run.", show_default=False),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Part to score: train, validation, test or all; default: test, or all for other unsplit series.",
            show_default=False,
        ),
    ] = None,
    false_alarms: Annotated[
        str | None,
        typer.Option(
            help="With labels per step, choose new thresholds and a new minimum length of events on the validation "
            "series, for at most this rate of false alarms: 1/hour, 2/day or 1/1000 steps.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="With --false-alarms, limit the upper confidence limit of the rate, with a confidence such as 0.95.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="With --false-alarms, save the model with the chosen thresholds.")
    ] = False,
    *,
    options: DataOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a saved model on the test series of its run or on other series, and compare it with a baseline that
    predicts the class frequencies."""
    require_model_folder(model)
    goal = _alarm_goal(false_alarms, confidence, keep=keep)
    if source is not None:
        options.experiment(source)  # raises at once what is wrong with the arguments
    from limelight.runs.evaluate import evaluate_run
    from limelight.runs.predict import experiment_of_run

    if source is None:
        experiment = experiment_of_run(model, options.as_changes())
    else:
        experiment = other_series(model, source, options)
    own = source is None
    metrics = evaluate_run(model, experiment, own=own, part=part, false_alarms=goal, keep=keep, log=print_progress)
    from limelight.evaluation.summary import score_lines
    from limelight.evaluation.verdict import verdict

    echo(json.dumps(metrics, indent=2) if as_json else "\n".join([verdict(metrics), "", *score_lines(metrics)]))


def _alarm_goal(rate: str | None, confidence: float | None, *, keep: bool) -> Any:
    """Return the limit of false alarms as an experiment file has it; ParameterError for a part of it alone."""
    if rate is None and (confidence is not None or keep):
        name = "--keep" if keep else "--confidence"
        raise ParameterError(f"expected --false-alarms next to {name}, got none; add for example --false-alarms 1/hour")
    return rate if confidence is None else {"rate": rate, "confidence": confidence}


@reads_data
def predict(
    model: Saved,
    source: SourceArgument,
    output: Output = None,
    steps: Annotated[
        Path | None,
        typer.Option(help="File for predictions per time step, averaged over windows.", show_default=False),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(help="File for the events in predictions per step: label, start, end, peak.", show_default=False),
    ] = None,
    *,
    options: DataOptions,
    strict: Annotated[
        bool, typer.Option("--strict", help="Predict nothing if a series is outside the training data.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output file.")] = False,
    jobs: Jobs = 1,
    on: On = None,
    escape_formulas: EscapeFormulas = False,
) -> None:
    """Predict new series, and write classes and probabilities as a Parquet or CSV table.

    Series unlike the training data are counted, and named in the column outside_training.

    The output is a .parquet or .csv file; default: predictions.parquet."""
    require_model_folder(model)
    options.experiment(source)
    file = output or Path("predictions.parquet")
    require_tables(file, steps, events, overwrite=overwrite)
    from limelight.runs.predict import predict_file

    experiment = other_series(model, source, options)
    count = predict_file(
        model,
        experiment,
        file,
        steps=steps,
        events=events,
        strict=strict,
        overwrite=overwrite,
        jobs=jobs,
        on=on,
        escape_formulas=escape_formulas,
        log=print_progress,
    )
    echo(f"{count} {'series' if experiment.windows is None else 'windows'} predicted; written to {file}")


@reads_data
def explain(
    model: Saved,
    source: SourceArgument,
    output: Output = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="attention, evidence, gradients or occlusion; default: the one built into the model, else gradients "
            "with the extra explain, else occlusion.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="The class to explain; default: the predicted one.", show_default=False),
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--series", help="Id of a series to explain; default: all. Repeatable.", show_default=False),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="File for a picture of the first explained series (.png, .svg or .pdf).", show_default=False),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            help="File for a table of the nearest training series of each class, and of the shortest stretch whose "
            "exchange changes the prediction (.parquet or .csv).",
            show_default=False,
        ),
    ] = None,
    what_if: Annotated[
        Path | None,
        typer.Option(
            help="File for a table of predictions with other values of the metadata (.parquet or .csv).",
            show_default=False,
        ),
    ] = None,
    *,
    options: DataOptions,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing output files.")] = False,
    jobs: Jobs = 1,
    on: On = None,
    escape_formulas: EscapeFormulas = False,
) -> None:
    """Explain predictions step by step, as a Parquet or CSV table and as a picture.

    The output is a .parquet or .csv file; default: explanation.parquet.

    For example: limelight explain runs/first series.parquet --method occlusion --series pump_7 --picture pump_7.png
    """
    require_model_folder(model)
    if method is not None and method not in METHOD_NAMES:
        raise ParameterError(f"expected an explanation method, got {method!r}{nearest(method, METHOD_NAMES)}")
    options.experiment(source)
    file = output or Path("explanation.parquet")
    require_tables(file, examples, what_if, overwrite=overwrite)
    from limelight.runs.explain import explain_file

    explanation = explain_file(
        model,
        other_series(model, source, options),
        file,
        method=method,
        target=target,
        ids=ids or (),
        picture=picture,
        examples=examples,
        variants=what_if,
        overwrite=overwrite,
        jobs=jobs,
        on=on,
        escape_formulas=escape_formulas,
        log=print_progress,
    )
    echo(f"{explanation} written to {file}")


@reads_data
def report(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    *,
    options: DataOptions,
) -> None:
    """Rebuild the report of a finished run from its model, scores and test series, without training."""
    require_model_folder(run)
    from limelight.runs.report import report_again

    echo(f"report: {report_again(run, options.as_changes())}")


def require_tables(*files: Path | None, overwrite: bool) -> None:
    """Check the names of output tables, and that none exists, before anything slow is imported; OutputError if not."""
    from limelight.runs.folder import require_new_file, require_table_name

    for file in files:
        if file is not None:
            require_table_name(file)
            require_new_file(file, overwrite=overwrite)


def other_series(model: Path, source: Path, options: DataOptions) -> Experiment:
    """Build the experiment for new data; column names default to those used in training."""
    from limelight.runs.columns import with_columns_present
    from limelight.runs.predict import columns_of_run, with_signals_of_run

    if source.suffix == ".json":
        return options.experiment(source)
    typed = [key.removeprefix("data.") for key in options.as_changes()]
    experiment = with_columns_present(options.experiment(source, columns_of_run(model)), typed)
    return with_signals_of_run(experiment, model)


def _is_demo(folder: Path) -> bool:
    """Whether a folder holds an earlier run on synthetic waves, which a demo may replace."""
    from limelight.config.reading import read_experiment
    from limelight.replacement import complete_replacement
    from limelight.runs.folder import EXPERIMENT_FILE, is_run

    complete_replacement(folder)
    return is_run(folder) and read_experiment(folder / EXPERIMENT_FILE).data.sine is not None


def require_tracking() -> None:
    """Check that MLflow is installed, before anything is trained; ParameterError with the pip command if not."""
    if importlib.util.find_spec("mlflow") is None:
        raise ParameterError(
            "expected MLflow, which --track needs, but it is not installed; install it with pip install "
            "'limelight[mlflow]'"
        )


def _run(experiment: Experiment, *, resume: bool, overwrite: bool, track: str | None = None) -> None:
    if track is not None:
        require_tracking()
    from limelight.runs.folder import require_free

    require_free(Path(experiment.output), resume=resume, overwrite=overwrite)
    from limelight.runs.train import run_experiment

    run = run_experiment(experiment, resume=resume, overwrite=overwrite, log=print_progress)
    from limelight.evaluation.highlights import highlight_lines  # loads scikit-learn, which no error in the data needs

    echo("\n".join(highlight_lines(run.metrics)))
    page = run.folder / "report" / "index.html"
    echo(f"\nreport: {page}; all scores: limelight evaluate {run.folder}")
    if track is not None:
        from limelight.runs.tracking import track_run

        echo(f"tracked: {track_run(run.folder, track)}")
    if run.training.interrupted:
        echo("interrupted: the model is the best so far; --resume resumes the training", err=True)
