"""``limelight runs``: the runs in a folder with their scores. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limelight.errors import OutputError, nearest
from limelight.text import aligned

LISTED = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
}
"""The scores in the table; those that no run has are omitted."""


def run_lines(folder: Path) -> list[str]:
    """List the runs in a folder as a table.

    Parameters
    ----------
    folder
        A folder of run folders, or a run folder.

    Returns
    -------
    list[str]
        A header, and a line for each run: its folder, the encoder, the number of test series, scores on them, and the
        seconds of training; the lowest log loss first, unfinished runs last.

    Raises
    ------
    OutputError
        If there is no such folder, or no run in it.
    """
    runs = [(run, _read(run / "metrics.json")) for run in _runs_in(folder)]
    runs.sort(key=lambda run: (_loss(run[1]), "test" not in run[1], str(run[0])))
    shown = [name for name in LISTED if any(run[1].get("test", {}).get(name) is not None for run in runs)]
    rows = [["run", "encoder", "test", *(LISTED[name] for name in shown), "seconds"]]
    for path, metrics in runs:
        test = metrics.get("test")
        if test is None:
            rows.append([str(path), _encoder(path), "unfinished", *["" for _ in shown], ""])
            continue
        seconds = metrics.get("seconds", {})
        time = f"{seconds.get('choose', 0) + seconds.get('train', 0):.1f}"
        scores = [_score(test.get(name)) for name in shown]
        rows.append([str(path), _encoder(path), f"{test['n']:,}", *scores, time])
    return aligned(rows, left=(0, 1))


def finished_runs(folder: Path) -> list[Path]:
    """Return the run folders in a folder, or itself, whose runs are complete; OutputError if there is no run."""
    return [run for run in _runs_in(folder) if "test" in _read(run / "metrics.json")]


def _runs_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        siblings = sorted(one.name for one in folder.parent.glob("[!.]*/")) if folder.parent.is_dir() else []
        raise OutputError(f"there is no folder {str(folder)!r}{nearest(folder.name, siblings)}")
    found = sorted({*folder.glob("environment.json"), *folder.glob("*/environment.json")})
    if not found:
        raise OutputError(f"expected runs in {str(folder)!r}, got none; limelight train writes one")
    return [file.parent for file in found]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _loss(metrics: Mapping[str, Any]) -> float:
    loss = metrics.get("test", {}).get("log_loss")
    return float("inf") if loss is None else float(loss)


def _encoder(run: Path) -> str:
    """Return the name of the encoder of a fitted model; empty without one."""
    sentence = _read(run / "model" / "model.json").get("sentence")
    encoder = sentence.get("encoder") if isinstance(sentence, dict) else None
    return str(encoder.get("name", "")) if isinstance(encoder, dict) else ""


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
