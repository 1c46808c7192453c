"""Permutation importance of metadata."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    permuted = inputs.metrics.get("metadata")
    return None if not permuted else {"score": permuted["score"], "table": tables.metadata_table(permuted)}


METADATA = Section("metadata", "Metadata", _collect)
