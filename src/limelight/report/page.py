"""The page of a run: facts in, one HTML file out that needs no network, with plotly beside it for the figures."""

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
from limelight.report.highlights import choose_series
from limelight.report.inputs import ReportInputs
from limelight.report.pictures import series_png

HERE = Path(__file__).parent
PAGE, STYLE, SCRIPT, PLOTLY = "page.html.jinja", "page.css", "page.js", "plotly.min.js"


def write_report(folder: Path, facts: ReportInputs) -> Path:
    """Write the page of a run, and a picture of what was looked at for each class.

    The same facts give the same bytes.

    Parameters
    ----------
    folder
        Of the run; ``report`` in it is replaced as a whole.
    facts
        What to say.

    Returns
    -------
    Path
        ``folder/report/index.html``, with ``plotly.min.js`` and, for labels of series, ``attention_<class>.png``
        beside it.

    Raises
    ------
    OutputError
        If the place cannot be written; an old report is then still as it was.
    """
    from plotly.offline import get_plotlyjs

    page = render_page(collect(facts))
    task = facts.prediction.task
    best = {} if task.by_step or task.multilabel else choose_series(facts).confident
    shown = {label: row for label, row in best.items() if row is not None}
    names = picture_names(shown)
    with whole_folder(folder / "report") as temporary:
        (temporary / "index.html").write_text(page, encoding="utf-8")
        (temporary / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")
        for label, row in shown.items():
            (temporary / names[label]).write_bytes(series_png(facts, row))
    return folder / "report" / "index.html"


def render_page(content: Mapping[str, Any]) -> str:
    """Fill the page in.

    Parameters
    ----------
    content
        As from ``collect``; whatever comes from users is escaped.

    Returns
    -------
    str
        HTML with its style, its script and the data of its figures inside.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=tables.number, share=tables.share, count=tables.count, plain=_plain, whole=_whole, data=_data
    )
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    return environment.get_template(PAGE).render(
        {
            **content,
            "style": Markup((HERE / STYLE).read_text(encoding="utf-8")),
            "script": Markup(script),
            "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            "plotly": PLOTLY,
        }
    )


def picture_names(labels: Iterable[str]) -> dict[str, str]:
    """Give each class a file name that every system takes.

    Parameters
    ----------
    labels
        Names of classes.

    Returns
    -------
    dict[str, str]
        A file name for each, all different even where capitals do not count.

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


def _data(figure: Mapping[str, Any]) -> Markup:
    """Give a figure as JSON that cannot end the element that it stands in."""
    text = json.dumps(figure, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _whole(sentence: str) -> str:
    """Keep a number and its percent sign on one line."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def _plain(key: str) -> str:
    """Turn the name of a field into words: ``"train_loss"`` into ``"Train loss"``."""
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]
