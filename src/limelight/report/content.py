"""Content of the report: every section as plain data, collected before anything is rendered."""

from __future__ import annotations

from typing import Any

from limelight.report.inputs import ReportInputs
from limelight.report.section import Section
from limelight.report.sections.classes import CLASSES
from limelight.report.sections.confusion import CONFUSION
from limelight.report.sections.curves import CURVES
from limelight.report.sections.decision import DECISION
from limelight.report.sections.early import EARLY
from limelight.report.sections.events import EVENTS
from limelight.report.sections.examples import EXAMPLES_SECTION
from limelight.report.sections.explanations import EXPLANATIONS
from limelight.report.sections.find import FIND
from limelight.report.sections.groups import GROUPS
from limelight.report.sections.learning import LEARNING
from limelight.report.sections.metadata import METADATA
from limelight.report.sections.notes import NOTES, REPRODUCE, SETUP, WARNINGS
from limelight.report.sections.scores import SCORES
from limelight.report.sections.series import SERIES

SECTIONS: tuple[Section, ...] = (
    SCORES, CONFUSION, FIND, SERIES, EXAMPLES_SECTION, CLASSES, GROUPS, EVENTS, EARLY, CURVES, DECISION, METADATA,
    EXPLANATIONS, LEARNING, SETUP, WARNINGS, NOTES, REPRODUCE,
)  # fmt: skip
"""In the order of the page. To add a section, write a module in ``sections``, a template, and add it here."""


def collect(inputs: ReportInputs) -> dict[str, Any]:
    """Collect the content of the page.

    Parameters
    ----------
    inputs
        The inputs of the report.

    Returns
    -------
    dict[str, Any]
        Plain texts, numbers, tables and figures, ready for JSON: the content of each section by its name, None or empty
        if it does not apply, and ``shown``, the name, title and template of each section on the page.
    """
    content = {section.name: section.collect(inputs) for section in SECTIONS}
    shown = [
        {
            "name": section.name,
            "title": section.title if section.title_of is None else section.title_of(content[section.name]),
            "template": section.template,
        }
        for section in SECTIONS
        if content[section.name] or section.always
    ]
    return {
        "title": inputs.title,
        "things": "labels" if inputs.prediction.task.multilabel else "classes",
        "unit": inputs.unit,
        "row_noun": inputs.row_noun,
        "shown": shown,
        **content,
    }
