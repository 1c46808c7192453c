"""Events in labels per step."""

from __future__ import annotations

from typing import Any

from limelight.report import tables
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    events = inputs.metrics.get("events")
    if not events:
        return None
    return {
        "overlap": events["overlap"],
        "unscored": events["unscored"],
        "table": tables.event_table(events),
        "alarms": tables.alarm_table(events["alarms"]) if events.get("alarms") else None,
        "notes": list(dict.fromkeys(events["undefined"].values())),
        "micro": dict(events["micro"]),
    }


EVENTS = Section("events", "Events", _collect)
