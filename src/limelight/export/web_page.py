"""A fitted model as one HTML page that classifies tables in a browser, without a server or a network."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from limelight.data.reading.booleans import BOOLEAN_WORDS
from limelight.data.reading.clock_columns import TIMES_OF_DAY, UNITS_OF_DATES
from limelight.data.reading.csv_files import NULL_WORDS
from limelight.data.reading.missing import EMPTY_WORDS, MISSING_WORDS
from limelight.data.reading.names import LIKELY
from limelight.data.reading.row_meaning import CHANNEL_WORDS, CLOCK_NAMES
from limelight.errors import OutputError, ParameterError
from limelight.export.onnx_file import graph_content
from limelight.export.web_runtime import write_runtime
from limelight.files import whole_file
from limelight.model.fitted import FittedModel
from limelight.web.assets import read_assets, read_page

SCRIPTS_OF_EXPORT = (
    "theme.js", "csv.js", "chart.js", "answers.js", "form.js", "lists.js", "archive.js", "table.js", "files.js",
    "clock.js", "layout.js", "joined.js", "guesses.js", "ids.js", "fields.js", "metadata.js", "windows.js", "series.js",
    "classify.js", "occlusion.js", "exported.js",
)  # fmt: skip
STYLES_OF_EXPORT = ("base.css", "answers.css")
STEPS_OF_PASS, STEPS_OF_CLOSED_FORM = 8_192, 2_048
"""Maximum number of time steps, with padding, that a page predicts before it shows its progress."""


def export_page(
    model: FittedModel,
    file: Path | str,
    reading: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    runtime: Path | str | None = None,
    evidence: bool = False,
) -> Path:
    """Write a fitted model as an HTML page, with the script of ONNX Runtime Web beside it.

    Parameters
    ----------
    model
        The fitted model.
    file
        A path ending in ``.html``; an existing file is replaced.
    reading
        How the training series were read, which the page repeats; None is the default of ``read_table``.
    name
        The title of the page; None is the name of the file.
    runtime
        The npm package onnxruntime-web, see ``write_runtime``; None takes that of the installation.
    evidence
        As for ``export_model``; the page then shows it instead of occlusion.

    Returns
    -------
    Path
        The page. It reads CSV files and computes the answers of ``model.predict``.

    Raises
    ------
    ParameterError
        If the model needs what a page does not have, a part of the network cannot be exported, the packages of the
        extra ``onnx`` are not installed, or ONNX Runtime Web cannot be had.
    OutputError
        If the path has another ending or cannot be written.
    """
    file = Path(file)
    require_html_name(file)
    reading = dict(reading or {})
    _require_one_table(model, reading)
    graph = graph_content(model, reading, evidence=evidence)
    script = write_runtime(file.parent, None if runtime is None else Path(runtime))
    description = describe_for_page(model, reading, script.name)
    content = fill_exported_page(name or file.stem, description, graph)
    with whole_file(file) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return file


def describe_for_page(model: FittedModel, reading: Mapping[str, Any], runtime: str) -> dict[str, Any]:
    """Return what a page needs beside the graph, as JSON types.

    Parameters
    ----------
    model, reading
        As for ``export_page``.
    runtime
        The name of the script of ONNX Runtime Web.

    Returns
    -------
    dict[str, Any]
        Task, channels, vocabulary, rules, and the words by which columns and cells are recognised.
    """
    encoder, vocabulary = model.architecture.encoder, model.vocabulary
    offset = np.zeros(len(model.channels)) if model.offset is None else model.offset
    return {
        "classes": [str(name) for name in model.task.classes],
        "task": model.task.kind,
        "level": model.task.level,
        "channels": list(model.channels),
        "fields": [] if vocabulary is None else [one.name for one in vocabulary.fields if one.kind != "ignore"],
        "offset": offset.tolist(),
        "reads_clock": model.reads_clock,
        "clock": model.fitted_on.get("clock"),
        "accepts_missing": model.accepts_missing,
        "steps_per_batch": STEPS_OF_CLOSED_FORM if encoder.closed_form else STEPS_OF_PASS,
        "resolution": encoder.resolution,
        "vocabulary": None if vocabulary is None else vocabulary.to_json(),
        "abstain": model.decision.provenance.get("abstain"),
        "reading": dict(reading),
        "runtime": runtime,
        "words": {
            "missing": sorted(MISSING_WORDS),
            "empty": list(EMPTY_WORDS),
            "nulls": list(NULL_WORDS),
            "booleans": BOOLEAN_WORDS,
            "likely": {role: list(names) for role, names in LIKELY.items()},
            "clocks": sorted(CLOCK_NAMES),
            "channels": list(CHANNEL_WORDS),
            "times_of_day": list(TIMES_OF_DAY),
            "units_of_dates": [list(names) for names in UNITS_OF_DATES],
        },
    }


def fill_exported_page(name: str, description: Mapping[str, Any], graph: bytes) -> str:
    """Return the page with a model in it.

    Parameters
    ----------
    name
        Title of the page.
    description
        As ``describe_for_page`` returns it.
    graph
        The ONNX model.

    Returns
    -------
    str
        The document.

    Example
    -------
    >>> page = fill_exported_page("pumps", {"runtime": "runtime.js", "classes": ["</script>"]}, b"graph")
    >>> "<title>pumps</title>" in page, page.count("</script>")
    (True, 4)
    """
    parts = {
        "<!-- style -->": read_assets(*STYLES_OF_EXPORT),
        "<!-- description -->": json.dumps(description, ensure_ascii=False)
        .replace("</", "<\\/")
        .replace("<!", "<\\u0021"),
        "<!-- graph -->": base64.b64encode(gzip.compress(graph, 9, mtime=0)).decode(),
        "<!-- runtime -->": escape(str(description["runtime"])),
        "<!-- script -->": read_assets(*SCRIPTS_OF_EXPORT),
        "<!-- name -->": escape(name),
    }
    marks = re.compile("|".join(map(re.escape, parts)))
    return marks.sub(lambda mark: parts[mark.group()], read_page("exported.html"))


def _require_one_table(model: FittedModel, reading: Mapping[str, Any]) -> None:
    """Raise ParameterError if a model needs a side signal with a clock of its own or a sentence encoder."""
    vocabulary = model.vocabulary
    needs = {
        "a side signal in a table of its own": bool(reading.get("signals")),
        "a sentence encoder": vocabulary is not None and vocabulary.text_encoder is not None,
    }
    for need, present in needs.items():
        if present:
            raise ParameterError(
                f"expected a model whose series a page can read, got one trained with {need}; use limelight serve"
            )


def require_html_name(file: Path) -> None:
    """Raise OutputError if a file does not end in ``.html``."""
    if file.suffix != ".html":
        raise OutputError(f"expected an output file ending in .html, got {str(file)!r}; rename it")
