"""Warnings, notes on how the data were read, and what is needed to obtain the same numbers."""

from __future__ import annotations

from limelight.report.section import Section

WARNINGS = Section("warnings", "Warnings", lambda inputs: list(inputs.warnings), always=True)
NOTES = Section("notes", "Notes", lambda inputs: list(inputs.notes))
SETUP = Section("setup", "Setup", lambda inputs: dict(inputs.setup))
REPRODUCE = Section("reproduce", "Reproducibility", lambda inputs: dict(inputs.reproduce), always=True)
