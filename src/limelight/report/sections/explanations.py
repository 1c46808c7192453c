"""Explanations: which method to trust, and what the model depends on."""

from __future__ import annotations

from typing import Any

from limelight.evaluation.summary import localisation_sentence
from limelight.report.explanations import collect_explanations
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    measured = collect_explanations(inputs.metrics.get("explanations"))
    localisation = inputs.metrics.get("localisation")
    if not (inputs.methods or measured):
        return None
    return {
        "methods": inputs.methods,
        "sentence": localisation_sentence(localisation),
        "correct": (localisation or {}).get("correct"),
        "measured": measured,
    }


EXPLANATIONS = Section("explanations", "Explanations", _collect)
