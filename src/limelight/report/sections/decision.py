"""Calibration, thresholds, prediction sets and abstention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.report import tables
from limelight.report.curves import reliability_figure, risk_figure
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    decision: Mapping[str, Any] | None = inputs.metrics.get("decision")
    if not decision:
        return None
    content: dict[str, Any] = {"calibration": None, "thresholds": None, "sets": None, "abstain": None}
    if decision.get("abstain") and decision["abstain"]["coverage"] is not None:
        content["abstain"] = {**decision["abstain"], "figure": risk_figure(decision["abstain"])}
    if "calibration" in decision:
        content["calibration"] = _calibration(decision["calibration"], inputs.metrics["test"].get("positive"))
    if "thresholds" in decision:
        thresholds = decision["thresholds"]
        content["thresholds"] = {
            "table": tables.threshold_table(thresholds),
            "rule": tables.describe_rule(thresholds["rule"]),
            "notes": list(thresholds["notes"]),
        }
    if "sets" in decision:
        sets = decision["sets"]
        content["sets"] = {key: sets[key] for key in ("target", "coverage", "mean_size")}
        content["sets"]["notes"] = list(sets.get("notes", []))
        content["sets"]["table"] = tables.set_table(sets)
    return content


def _calibration(calibration: Mapping[str, Any], positive: str | None) -> dict[str, Any]:
    return {
        "figure": reliability_figure(calibration, positive),
        "table": tables.calibration_table(calibration),
        "per_class": tables.calibration_of_classes(calibration),
        "notes": list((calibration.get("temperature") or {}).get("notes", [])),
        "positive": positive,
        "changed": len(before_and_after(calibration)) > 1,
    }


def _title(content: Any) -> str:
    return "Calibration" if content["calibration"] else "Decision"


DECISION = Section("decision", "Decision", _collect, _title)
