"""Scores of each class or label."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any]:
    return tables.class_table(inputs.metrics["test"], inputs.unit)


def _title(content: Any) -> str:
    return "Labels" if content["head"][0] == "Label" else "Classes"


CLASSES = Section("classes", "Classes", _collect, _title)
