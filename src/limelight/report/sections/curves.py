"""Precision-recall and ROC curves."""

from __future__ import annotations

from limelight.report.curves import score_curves
from limelight.report.section import Section

CURVES = Section("curves", "Curves", score_curves)
