"""Early answers: accuracy against the share of the series seen."""

from __future__ import annotations

from typing import Any

from limelight.evaluation.early.measure import early_sentence
from limelight.report.early_figure import early_figure, early_table
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    early = inputs.metrics.get("early")
    if not early:
        return None
    sentence = early_sentence(early)
    return {
        "sentence": sentence[0].upper() + sentence[1:] + ".",
        "goal": early["goal"],
        "value": early["value"],
        "confidence": early["confidence"],
        "notes": early["notes"],
        "table": early_table(early),
        "figure": early_figure(early),
    }


EARLY = Section("early", "Early answers", _collect)
