"""Rendering: templates become pages that hold their own style and script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from limelight.report import tables
from limelight.web.assets import read_assets, script_digest

TEMPLATES = Path(__file__).parent / "templates"
PLOTLY = "plotly.min.js"
STYLES, SCRIPTS = ("base.css", "report.css"), ("theme.js", "csv.js", "report.js", "finder.js")


def render_template(name: str, content: Mapping[str, Any]) -> str:
    """Render a page of the report.

    Parameters
    ----------
    name
        Name of the template.
    content
        Its variables; text is escaped.

    Returns
    -------
    str
        HTML that includes its style, its script and the data of its figures.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=tables.number, share=tables.share, count=tables.count, plain=_plain, whole=_whole, data=embed_figure
    )
    script = read_assets(*SCRIPTS)
    return environment.get_template(name).render(
        {
            **content,
            "style": Markup(read_assets(*STYLES)),
            "script": Markup(script),
            "script_hash": script_digest(script),
            "plotly": PLOTLY,
        }
    )


def with_plotly(page: str, plotly: str) -> str:
    """Include Plotly in a page that loads it from the file next to it, for places that show single files.

    Parameters
    ----------
    page
        HTML of a report.
    plotly
        The content of ``plotly.min.js``.

    Returns
    -------
    str
        HTML that draws its figures without another file.

    Example
    -------
    >>> with_plotly('<script defer src="plotly.min.js"></script>', "draw()")
    '<script>draw()</script>'
    """
    loaded = f'<script defer src="{PLOTLY}"></script>'
    return page.replace("script-src 'self' file:", f"script-src 'sha256-{script_digest(plotly)}'", 1).replace(
        loaded, f"<script>{plotly}</script>", 1
    )


def embed_figure(figure: Mapping[str, Any]) -> Markup:
    """Encode a figure as JSON that cannot close the HTML element that contains it."""
    text = json.dumps(figure, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _whole(sentence: str) -> str:
    """Replace the space before a percent sign by a no-break space."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def _plain(key: str) -> str:
    """Convert a key to a heading: ``"train_loss"`` to ``"Train loss"``."""
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]
