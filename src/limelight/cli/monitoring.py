"""``monitor`` and ``early``: what can be known before labels are, and what can be answered before a series ends."""

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
from limelight.files import require_model_folder

DIFFER = 0.05
"""The share of early answers that may differ by default."""
LIMIT_PASSED = 3
"""The exit code if a stated limit is passed."""


@reads_data
def monitor(
    model: Saved,
    source: SourceArgument,
    output: Output = None,
    *,
    least_accuracy: Annotated[
        float | None, typer.Option(help="Exit with code 3 if the estimated accuracy is lower.", show_default=False)
    ] = None,
    most_drop: Annotated[
        float | None,
        typer.Option(
            help="Exit with code 3 if the estimated accuracy is lower than on held-out series by more than this.",
            show_default=False,
        ),
    ] = None,
    most_outside: Annotated[
        float | None,
        typer.Option(
            help="Exit with code 3 if a larger share of the series is outside the training data.", show_default=False
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
    require_model_folder(model)
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


@reads_data
def early(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    differ: Annotated[
        float | None,
        typer.Option(
            help="Highest share of early answers that differ from those for whole series; default: 0.05 without "
            "--cost-of-delay.",
            show_default=False,
        ),
    ] = None,
    cost_of_delay: Annotated[
        float | None,
        typer.Option(
            help="Instead of --differ: cost of waiting for a whole series, as a share of the cost of a wrong answer, "
            "such as 0.2.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Confidence of the limit --differ.")] = 0.95,
    folds: Annotated[
        int | None,
        typer.Option(
            help="Number of folds of the training series, to choose the rule on out-of-fold predictions; default: 5 "
            "without validation series, else the rule is chosen on these.",
            show_default=False,
        ),
    ] = None,
    *,
    options: DataOptions,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurement as JSON.")] = False,
) -> None:
    """Fit a model for each tenth of a series, and choose when to answer before its end.

    The rule is chosen on held-out series and measured on the test series of the run. The models and the rule are
    written to the folder early of the run, and the report shows accuracy against the share of the series seen.
    limelight stream RUN --early then answers each series once.

    For example: limelight early runs/first --differ 0.05
    """
    require_model_folder(run)
    import json

    from limelight.runs.early import early_run, early_text
    from limelight.runs.predict import experiment_of_run

    changes = options.as_changes()
    found = early_run(
        run,
        experiment_of_run(run, changes),
        differ=DIFFER if differ is None and cost_of_delay is None else differ,
        cost_of_delay=cost_of_delay,
        confidence=confidence,
        folds=folds,
        overwrite=overwrite,
        changes=changes,
        log=print_progress,
    )
    echo(json.dumps(found.measured, indent=2) if as_json else early_text(found))
