"""The page of a run: facts in, one HTML file out that needs no network and no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from limelight.evaluation.table import localisation_sentence
from limelight.files import whole_folder
from limelight.report.facts import Choice, ReportFacts, choose_series, confusion_rows, headline, verdict
from limelight.report.pictures import learning_curves, series_png, series_svg

HERE = Path(__file__).parent
NO_VALUE = "\N{EN DASH}"
PAGE, STYLE = "page.html.jinja", "page.css"


def write_report(folder: Path, facts: ReportFacts) -> Path:
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
        ``folder/report/index.html``, with ``attention_<class>.png`` beside it.

    Raises
    ------
    OutputError
        If the place cannot be written; an old report is then still as it was.
    """
    choice = choose_series(facts)
    shown = {label: answer for label, answer in choice.confident.items() if answer is not None}
    names = picture_names(shown)
    with whole_folder(folder / "report") as temporary:
        (temporary / "index.html").write_text(render_page(facts, choice), encoding="utf-8")
        for label, answer in shown.items():
            (temporary / names[label]).write_bytes(series_png(facts, answer.row))
    return folder / "report" / "index.html"


def render_page(facts: ReportFacts, choice: Choice | None = None) -> str:
    """Fill the page in.

    Parameters
    ----------
    facts
        What to say; whatever comes from users is escaped.
    choice
        Which series to show; None chooses.

    Returns
    -------
    str
        HTML with its style and pictures inside.
    """
    choice = choice or choose_series(facts)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, percent=_percent, plain=_plain, whole=_whole)
    return environment.get_template(PAGE).render(_content(facts, choice))


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


def _content(facts: ReportFacts, choice: Choice) -> dict[str, Any]:
    task, metrics = facts.prediction.task, facts.metrics
    positive = str(task.classes[task.positive_index]) if task.kind == "binary" else None
    pictured = [answer.row for answer in choice.confident.values() if answer is not None]
    pictured += [answer.row for answer in choice.wrong]
    best_epoch = (metrics.get("training") or {}).get("best_epoch")
    test = metrics["test"]
    return {
        "style": Markup((HERE / STYLE).read_text(encoding="utf-8")),
        "facts": facts,
        "test": test,
        "choice": choice,
        "verdict": verdict(metrics),
        "headline": headline(metrics, positive),
        "best_epoch": best_epoch,
        "solved": (metrics.get("training") or {}).get("stopped") == "solved",
        "curves": learning_curves(facts.history, best_epoch),
        "confusion": [] if task.multilabel else confusion_rows(test["confusion"]),
        "confusion_of_labels": dict(zip(*test["confusion"].values(), strict=True)) if task.multilabel else {},
        "unit": "steps" if task.by_step else "series",
        "localisation": metrics.get("localisation"),
        "localisation_sentence": localisation_sentence(metrics.get("localisation")),
        "has_attention": facts.has_attention,
        "classes_left_out": len(task.classes) - len(choice.confident),
        "wrong_total": int((facts.prediction.labels != facts.labels).sum()) if choice.confident else 0,
        "pictures": {row: series_svg(facts, row) for row in dict.fromkeys(pictured)},
        "has_truth": facts.panel.intervals is not None and bool((facts.panel.intervals[:, 0] >= 0).any()),
    }


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return NO_VALUE if value is None else _whole(f"{100 * value:.0f} %")


def _whole(sentence: str) -> str:
    """Keep a number and its percent sign on one line."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def _plain(key: str) -> str:
    """Turn the name of a field into words: ``"train_loss"`` into ``"Train loss"``."""
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]
