"""Metadata: their permutation importance, and predictions with other values of each field."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    permuted, varied = inputs.metrics.get("metadata"), inputs.metrics.get("what_if")
    if not permuted:
        return None
    fields = {} if not varied else varied["fields"]
    notes = inputs.metrics.get("training", {}).get("notes", ())
    return {
        "notes": [note[0].upper() + note[1:] + "." for note in notes if note.startswith("metadata ")],
        "score": permuted["score"],
        "table": tables.metadata_table(permuted),
        "series": None if not varied else varied["series"],
        "fields": [tables.what_if_table(name, field) for name, field in fields.items() if field["values"]],
    }


METADATA = Section("metadata", "Metadata", _collect)
