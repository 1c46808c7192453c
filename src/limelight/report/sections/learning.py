"""Learning curves."""

from __future__ import annotations

from typing import Any

from limelight.report.curves import learning_figures
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section

LEAST_SECONDS = 0.05
"""Shorter times would be displayed as 0.0 s, so they are not shown."""


def _collect(inputs: ReportInputs) -> dict[str, Any]:
    training = inputs.metrics.get("training") or {}
    best, stopped = training.get("best_epoch"), training.get("stopped")
    seconds = inputs.metrics.get("seconds") or {}
    return {
        "figures": learning_figures(inputs.history, best),
        "epochs": len(inputs.history),
        "best": best,
        "stopped": stopped,
        "solved": stopped == "solved",
        "seconds": {stage: number for stage, number in seconds.items() if number >= LEAST_SECONDS},
    }


LEARNING = Section("learning", "Learning", _collect)
