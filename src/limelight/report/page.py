"""The HTML page of a run: one file that needs no network, with plotly next to it for the figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from limelight.files import whole_folder
from limelight.report.content import collect
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import ReportInputs
from limelight.report.pictures import series_png
from limelight.report.rendering import PLOTLY, render_template

PAGE = "page.html.jinja"


def write_report(folder: Path, inputs: ReportInputs) -> Path:
    """Write the page of a run, and a static image of one explained series for each class.

    The same inputs give the same bytes.

    Parameters
    ----------
    folder
        The run folder; its subfolder ``report`` is replaced as a whole.
    inputs
        The inputs of the report.

    Returns
    -------
    Path
        ``folder/report/index.html``; next to it are ``plotly.min.js`` and, if the model predicts one class for each
        series, ``attention_<class>.png``.

    Raises
    ------
    OutputError
        If the folder cannot be written; an existing report is then unchanged.
    """
    from plotly.offline import get_plotlyjs

    page = render_page(collect(inputs))
    task = inputs.prediction.task
    best = {} if task.by_step or task.multilabel else choose_highlights(inputs).confident
    shown = {label: row for label, row in best.items() if row is not None}
    names = picture_names(shown)
    with whole_folder(folder / "report") as temporary:
        (temporary / "index.html").write_text(page, encoding="utf-8")
        (temporary / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")
        for label, row in shown.items():
            (temporary / names[label]).write_bytes(series_png(inputs, row, label))
    return folder / "report" / "index.html"


def render_page(content: Mapping[str, Any]) -> str:
    """Render the page.

    Parameters
    ----------
    content
        The content from ``collect``; user-supplied text is escaped.

    Returns
    -------
    str
        HTML that includes its style, its script and the data of its figures.
    """
    return render_template(PAGE, content)


def picture_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a portable file name for each class.

    Parameters
    ----------
    labels
        Names of classes.

    Returns
    -------
    dict[str, str]
        A file name for each class; all differ even on a case-insensitive file system.

    Example
    -------
    >>> list(picture_names(["ok", "a/b", "a b", "A_b"]).values())
    ['attention_ok.png', 'attention_a_b.png', 'attention_a_b_2.png', 'attention_A_b_3.png']
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        stem = re.sub(r"[^\w.-]+", "_", label).strip("_.")[:60] or "class"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names[label] = f"attention_{name}.png"
    return names
