"""``validate``, ``tune``, ``compare``: how good an experiment is, what to change, what each part of it brings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limelight.cli.options import (
    DataOptions,
    Output,
    Preset,
    Seed,
    SourceArgument,
    print_progress,
    reads_data,
)


@reads_data
def validate(
    source: SourceArgument,
    output: Output = None,
    folds: Annotated[int, typer.Option(help="How many folds.")] = 5,
    repeats: Annotated[int, typer.Option(help="How often the folds are drawn anew.")] = 1,
    jobs: Annotated[
        int, typer.Option(help="How many folds to train beside each other; the numbers stay the same.")
    ] = 1,
    *,
    options: DataOptions,
    preset: Preset = None,
    seed: Seed = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier validation.")] = False,
) -> None:
    """Train and judge on several folds, without the test part: how good an experiment is, and how much that varies.

    The output is a file ending in .json; validation.json in the folder of the run if left out.
    """
    from limelight.runs.development_set import json_beside_run
    from limelight.runs.folder import VALIDATION_FILE
    from limelight.runs.validate import validate_experiment

    experiment = options.experiment(source, preset=preset, seed=seed)
    file = json_beside_run(experiment, output, VALIDATION_FILE)
    found = validate_experiment(
        experiment, file, folds=folds, repeats=repeats, jobs=jobs, overwrite=overwrite, log=print_progress
    )
    typer.echo(f"{found}\n\nwritten to {file}")


@reads_data
def tune(
    source: SourceArgument,
    output: Output = None,
    trials: Annotated[int, typer.Option(help="How many, with those before --resume.")] = 30,
    minutes: Annotated[float | None, typer.Option(help="Begin nothing new after so many.", show_default=False)] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="What to change, with commas: encoder, units, layers, dropout, learning_rate, batch_size, fusion, "
            "embedding_size. Left out: all that the series have.",
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        str, typer.Option(help="What to tell beside the log loss: accuracy, balanced_accuracy, f1 or roc_auc.")
    ] = "balanced_accuracy",
    folds: Annotated[
        int | None,
        typer.Option(help="Judge by so many folds instead of the validation part.", show_default=False),
    ] = None,
    jobs: Annotated[int, typer.Option(help="How many trials to carry out beside each other.")] = 1,
    *,
    options: DataOptions,
    preset: Preset = None,
    seed: Seed = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the tuning in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier tuning in that folder.")] = False,
) -> None:
    """Search for better numbers on training and validation series, and write the experiment that has them.

    The first trial is the experiment as it is. Needs Optuna: pip install 'limelight\\[tune]'.
    """
    from limelight.runs.tune import BEST_FILE, tune_experiment

    experiment = options.experiment(source, preset=preset, seed=seed)
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
        resume=resume,
        overwrite=overwrite,
        log=print_progress,
    )
    typer.echo(f"{found}\n\ntrain it: limelight train {folder / BEST_FILE}")


@reads_data
def compare(
    source: SourceArgument,
    output: Output = None,
    score: Annotated[
        str, typer.Option(help="accuracy, balanced_accuracy, f1_macro or log_loss.")
    ] = "balanced_accuracy",
    folds: Annotated[int, typer.Option(help="How many folds.")] = 5,
    repeats: Annotated[int, typer.Option(help="How often the folds are drawn anew.")] = 1,
    jobs: Annotated[int, typer.Option(help="How many fits to run in parallel; the numbers stay the same.")] = 1,
    *,
    options: DataOptions,
    preset: Preset = None,
    seed: Seed = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier comparison.")] = False,
) -> None:
    """Start simple, then add: what metadata, series and each fusion bring, on folds that leave the test part alone.

    The output is a file ending in .json; comparison.json in the folder of the run if left out.
    """
    from limelight.runs.compare import compare_experiment
    from limelight.runs.development_set import json_beside_run
    from limelight.runs.folder import COMPARISON_FILE

    experiment = options.experiment(source, preset=preset, seed=seed)
    file = json_beside_run(experiment, output, COMPARISON_FILE)
    found = compare_experiment(
        experiment, file, score=score, folds=folds, repeats=repeats, jobs=jobs, overwrite=overwrite, log=print_progress
    )
    typer.echo(f"{found}\n\nwritten to {file}")
