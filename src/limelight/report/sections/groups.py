"""Scores of groups: the values of each metadata field."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> list[dict[str, Any]]:
    return tables.group_tables(inputs.metrics.get("groups") or {}, inputs.metrics["test"])


GROUPS = Section("groups", "Groups", _collect)
