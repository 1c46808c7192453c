"""Find a series: the list of all series, searched on the page, and exported for relabelling."""

from __future__ import annotations

from typing import Any

from limelight.report.finder import list_series
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any]:
    return list_series(inputs, choose_highlights(inputs))


FIND = Section("find", "Find", _collect)
