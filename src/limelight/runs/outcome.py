"""What a run leaves after the fit: scores, explanations, tables of predictions and the page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from limelight.config.sections import Experiment
from limelight.data.inspection.findings import Inspection
from limelight.data.panel import Panel
from limelight.data.splitting.splits import PARTS
from limelight.evaluation.decision.rule import decision_lines
from limelight.explanation.quality.measure import measure_explanations
from limelight.explanation.quality.permutation_importance import score_permuted
from limelight.explanation.what_if import measure_what_if
from limelight.files import write_json
from limelight.runs.dataset import Dataset
from limelight.runs.folder import METRICS_FILE
from limelight.runs.report import report_run
from limelight.runs.scored import with_scored
from limelight.runs.scores import events_of, score_predictions
from limelight.runs.tables import write_events, write_predictions, write_steps
from limelight.training.result import FitResult
from limelight.types import LogLine


def log_training(training: FitResult, log: LogLine) -> None:
    """Log the notes of a training and of the vocabulary, and how logits become decisions."""
    vocabulary = training.model.vocabulary
    for note in (*(() if vocabulary is None else vocabulary.notes), *training.notes):
        log(f"note: {note}")
    log(training.describe())
    for line in decision_lines(training.model):
        log(line)


def evaluate_and_report(
    experiment: Experiment,
    data: Dataset,
    test: Panel,
    inspection: Inspection,
    training: FitResult,
    folder: Path,
    unfinished: Path,
) -> dict[str, Any]:
    """Evaluate a fitted model on test series and write what belongs to the run in ``folder`` to ``unfinished``."""
    started = time.perf_counter()
    model = training.model
    prediction = model.predict(test)
    scores = score_predictions(model, prediction, test, experiment.events)
    evaluating = time.perf_counter() - started
    started = time.perf_counter()
    wanted = experiment.explain
    explanations = (
        measure_explanations(model, test, data.part("train"), series=wanted.series, seed=experiment.seed)
        if wanted
        else None
    )
    explaining = time.perf_counter() - started
    metrics = {
        **scores,
        "metadata": score_permuted(model, test, seed=experiment.seed),
        "what_if": measure_what_if(model, test, data.part("train"), seed=experiment.seed),
        "explanations": explanations,
        "seconds": {
            **({"choose": round(training.choosing, 3)} if training.choosing else {}),
            "train": round(training.seconds, 3),
            "evaluate": round(evaluating, 3),
            **({"explain": round(explaining, 3)} if explanations else {}),
        },
        "counts": with_scored({name: len(data.split.part(name)) for name in PARTS}, len(test), len(data.split.test)),
        "training": {
            "epochs": len(training.history),
            "best_epoch": training.best_epoch,
            "stopped": training.stopped,
            "notes": list(training.notes),
            **model.fitted_on["training"],
        },
        "warnings": list(inspection.warnings),
    }
    outside = model.check(test)
    reasons = None if outside is None else outside.reasons
    write_predictions([prediction], test, unfinished / "predictions.parquet", model.decision, reasons)
    if prediction.lengths is not None:
        write_events(
            events_of(model, prediction, test, experiment.events), prediction, test, unfinished / "events.parquet"
        )
    if test.origin is not None and prediction.lengths is None:
        write_steps(prediction, test, data.recordings, unfinished / "steps.parquet")
    report_run(folder, experiment, data, model, test, prediction, metrics, files=unfinished)
    write_json(unfinished / METRICS_FILE, metrics)  # written last: its presence marks a complete run
    return metrics
