"""Section: one part of the report, with its content as plain data and a template of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limelight.report.inputs import ReportInputs


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Parameters
    ----------
    name
        The id of the section on the page, its key in the content, and the name of ``templates/sections/<name>``.
    title
        In the navigation.
    collect
        Returns the content as plain data, ready for JSON; None or empty content omits the section.
    title_of
        Returns the title from the content, if it depends on it.
    always
        Whether the section is shown even if its content is empty.
    """

    name: str
    title: str
    collect: Callable[[ReportInputs], Any]
    title_of: Callable[[Any], str] | None = None
    always: bool = False

    @property
    def template(self) -> str:
        """The path of the template."""
        return f"sections/{self.name}.html.jinja"
