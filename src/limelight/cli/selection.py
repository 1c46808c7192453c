"""``validate``, ``compare``, ``tune``: cross-validate an experiment, compare models, tune parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limelight.cli.options import (
    DataOptions,
    Epochs,
    On,
    Output,
    Preset,
    Seed,
    SourceArgument,
    echo,
    print_progress,
    reads_data,
)


@reads_data
def validate(
    source: SourceArgument,
    output: Output = None,
    folds: Annotated[int, typer.Option(help="Number of folds.")] = 5,
    repeats: Annotated[int, typer.Option(help="Number of repetitions, each with new folds.")] = 1,
    jobs: Annotated[int, typer.Option(help="Number of folds to fit in parallel; the scores stay the same.")] = 1,
    on: On = None,
    *,
    options: DataOptions,
    preset: Preset = None,
    epochs: Epochs = None,
    seed: Seed = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier validation.")] = False,
) -> None:
    """Cross-validate an experiment on its training and validation series: mean and spread of each score.

    The output is a .json file; default: validation.json in the run folder.
    """
    experiment = options.experiment(source, preset=preset, epochs=epochs, seed=seed)
    from limelight.runs.development_set import json_beside_run
    from limelight.runs.folder import VALIDATION_FILE
    from limelight.runs.validate import validate_experiment

    file = json_beside_run(experiment, output, VALIDATION_FILE)
    found = validate_experiment(
        experiment, file, folds=folds, repeats=repeats, jobs=jobs, on=on, overwrite=overwrite, log=print_progress
    )
    echo(f"{found}\n\nwritten to {file}")


@reads_data
def tune(
    source: SourceArgument,
    output: Output = None,
    trials: Annotated[int, typer.Option(help="Number of trials, including those before --resume.")] = 30,
    minutes: Annotated[float | None, typer.Option(help="Time budget in minutes.", show_default=False)] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="What to tune, separated by commas: encoder, units, layers, dropout, learning_rate, batch_size, "
            "fusion, embedding_size. Default: all that apply.",
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        str,
        typer.Option(
            help="Second score to report: accuracy, balanced_accuracy, f1 or roc_auc. Trials are ranked by log loss."
        ),
    ] = "balanced_accuracy",
    folds: Annotated[
        int | None,
        typer.Option(help="Number of folds to score trials on instead of the validation split.", show_default=False),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Number of trials to run in parallel.")] = 1,
    on: On = None,
    *,
    options: DataOptions,
    preset: Preset = None,
    epochs: Epochs = None,
    seed: Seed = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the tuning in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier tuning in that folder.")] = False,
) -> None:
    """Search for better hyperparameters on training and validation series, and write the best experiment.

    The first trial is the unchanged experiment. The output is a folder; default: the name of the run folder with
    -tuning appended. Needs Optuna: pip install 'limelight\\[tune]'.
    """
    experiment = options.experiment(source, preset=preset, epochs=epochs, seed=seed)
    from limelight.runs.tune import BEST_FILE, tune_experiment

    folder = output or Path(f"{experiment.output}-tuning")
    found = tune_experiment(
        experiment,
        folder,
        trials=trials,
        minutes=minutes,
        only=None if only is None else [name.strip() for name in only.split(",")],
        score=score,
        folds=folds,
        jobs=jobs,
        on=on,
        resume=resume,
        overwrite=overwrite,
        log=print_progress,
    )
    echo(f"{found}\n\ntrain it: limelight train {folder / BEST_FILE}")


@reads_data
def compare(
    source: SourceArgument,
    output: Output = None,
    score: Annotated[
        str, typer.Option(help="Score to compare the models by: accuracy, balanced_accuracy, f1_macro or log_loss.")
    ] = "balanced_accuracy",
    folds: Annotated[int, typer.Option(help="Number of folds.")] = 5,
    repeats: Annotated[int, typer.Option(help="Number of repetitions, each with new folds.")] = 1,
    jobs: Annotated[int, typer.Option(help="Number of fits to run in parallel; the scores stay the same.")] = 1,
    on: On = None,
    *,
    options: DataOptions,
    preset: Preset = None,
    epochs: Epochs = None,
    seed: Seed = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier comparison.")] = False,
) -> None:
    """Compare the majority class, metadata alone, series alone and each fusion on the same folds.

    The output is a .json file; default: comparison.json in the run folder.
    """
    experiment = options.experiment(source, preset=preset, epochs=epochs, seed=seed)
    from limelight.runs.compare import compare_experiment
    from limelight.runs.development_set import json_beside_run
    from limelight.runs.folder import COMPARISON_FILE

    file = json_beside_run(experiment, output, COMPARISON_FILE)
    found = compare_experiment(
        experiment,
        file,
        score=score,
        folds=folds,
        repeats=repeats,
        jobs=jobs,
        on=on,
        overwrite=overwrite,
        log=print_progress,
    )
    echo(f"{found}\n\nwritten to {file}")
