"""Confusion matrices, whose cells lead to their series."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any]:
    confusion, task = inputs.metrics["test"]["confusion"], inputs.prediction.task
    return {
        "matrix": [] if task.multilabel else tables.confusion_matrix(confusion),
        "of_labels": tables.confusion_of_labels(confusion) if task.multilabel else [],
        "long_names": len(task.classes) > 8 and max(len(str(name)) for name in task.classes) > 3,
    }


CONFUSION = Section("confusion", "Confusion", _collect)
