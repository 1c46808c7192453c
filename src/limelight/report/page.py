"""The HTML page of a run: one file that needs no network, with plotly next to it for the figures."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from limelight.files import whole_folder
from limelight.report import tables
from limelight.report.content import collect
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import ReportInputs
from limelight.report.pictures import series_png

HERE = Path(__file__).parent
PAGE, STYLE, SCRIPT, PLOTLY = "page.html.jinja", "page.css", "page.js", "plotly.min.js"


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
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=tables.number, share=tables.share, count=tables.count, plain=_plain, whole=_whole, data=embed_figure
    )
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    return environment.get_template(PAGE).render(
        {
            **content,
            "style": Markup((HERE / STYLE).read_text(encoding="utf-8")),
            "script": Markup(script),
            "script_hash": script_digest(script),
            "plotly": PLOTLY,
        }
    )


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


def embed_figure(figure: Mapping[str, Any]) -> Markup:
    """Encode a figure as JSON that cannot close the HTML element that contains it."""
    text = json.dumps(figure, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def script_digest(script: str) -> str:
    """Return the digest by which the content security policy of a page allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _whole(sentence: str) -> str:
    """Replace the space before a percent sign by a no-break space."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def _plain(key: str) -> str:
    """Convert a key to a heading: ``"train_loss"`` to ``"Train loss"``."""
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]
