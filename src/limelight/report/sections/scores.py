"""The first section: the verdict in plain words, the most important scores, and all scores behind them."""

from __future__ import annotations

from typing import Any

from limelight.evaluation.verdict import verdict_answers
from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any]:
    metrics, test = inputs.metrics, inputs.metrics["test"]
    return {
        **verdict_answers(metrics, inputs.unit),
        "headline": tables.headline_scores(metrics),
        "undefined": list(dict.fromkeys(test["undefined"].values())),
        "unknown": test.get("unknown", 0),
        "table": tables.score_table(test, metrics["baseline"]),
    }


SCORES = Section("scores", "Scores", _collect)
