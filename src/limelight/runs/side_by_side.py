"""``limelight runs A B``: two or more runs compared: scores, differences on the same test series, and what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from limelight.errors import OutputError, listing
from limelight.evaluation.metrics.paired_series import PairedDifference, paired_difference
from limelight.report.runs_page import write_runs_page
from limelight.runs.folder import EXPERIMENT_FILE, METRICS_FILE, require_new_file
from limelight.runs.listing import LISTED, finished_runs
from limelight.text import aligned
from limelight.types import Doubles

PROBABILITY = "probability_"
UNCHANGED = ("output",)
LONGEST_VALUE = 60


@dataclass(frozen=True)
class Pair:
    """A run against the first one, on the test series that both have.

    Parameters
    ----------
    name
        The run.
    difference
        Its scores minus those of the first run; None if there is nothing to compare.
    reason
        Why there is nothing to compare; empty otherwise.
    confusion
        True class, predicted class, and how many more series the run has there than the first; without zeros.
    """

    name: str
    difference: PairedDifference | None
    reason: str = ""
    confusion: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class RunComparison:
    """Two or more runs side by side.

    Parameters
    ----------
    names
        The runs; the others are compared with the first.
    scores
        Title of each score, and for each run the score and the ends of its 95 % interval, None if unknown.
    pairs
        Each run but the first against the first.
    changes
        Each key of the experiment file that differs, with its value in each run.
    """

    names: tuple[str, ...]
    scores: dict[str, list[tuple[float, float | None, float | None] | None]]
    pairs: tuple[Pair, ...]
    changes: dict[str, tuple[str, ...]]

    def lines(self) -> list[str]:
        """Return the comparison as tables for a terminal."""
        rows = [["", *self.names]]
        for title, cells in self.scores.items():
            rows.append([title, *(_cell(cell) for cell in cells)])
        lines = aligned(rows)
        for pair in self.pairs:
            lines += ["", f"{pair.name} minus {self.names[0]}: {pair.reason or ''}".rstrip(": ")]
            if pair.difference is not None:
                lines += pair_lines(pair.difference)
                lines += [f"  {more:+d} {true} predicted as {predicted}" for true, predicted, more in pair.confusion]
        changed = [["changed", *self.names], *([key, *values] for key, values in self.changes.items())]
        return [
            *lines,
            "",
            *(aligned(changed, left=range(len(self.names) + 1)) if self.changes else ["same experiment"]),
        ]


def compare_runs(folders: Sequence[Path]) -> RunComparison:
    """Compare runs on their test sets.

    Parameters
    ----------
    folders
        Run folders, or folders of run folders; the first run is the one that others are compared with.

    Returns
    -------
    RunComparison
        Nothing is written, and no data are read but the predictions in the folders.

    Raises
    ------
    OutputError
        If there are fewer than two finished runs.
    """
    runs = list(dict.fromkeys(run for folder in folders for run in finished_runs(folder)))
    if len(runs) < 2:
        raise OutputError(
            f"expected two or more finished runs to compare, got {listing([str(run) for run in runs]) or 'none'}; name "
            "their folders"
        )
    names = _names(runs)
    metrics = [_content(run / METRICS_FILE) for run in runs]
    tests = [one.get("test", {}) for one in metrics]
    shown = [name for name in LISTED if any(test.get(name) is not None for test in tests)]
    tables = [_predictions(run) for run in runs]
    pairs = [_pair(name, table, tables[0]) for name, table in zip(names[1:], tables[1:], strict=True)]
    experiments = [_flat(_content(run / EXPERIMENT_FILE)) for run in runs]
    keys = dict.fromkeys(key for one in experiments for key in one)
    values = {key: tuple(one.get(key, "") for one in experiments) for key in keys if key not in UNCHANGED}
    return RunComparison(
        names,
        {LISTED[name]: [_score_of(test, name) for test in tests] for name in shown},
        tuple(pairs),
        {key: found for key, found in values.items() if len(set(found)) > 1},
    )


def write_comparison(found: RunComparison, file: Path, *, overwrite: bool = False) -> None:
    """Write a comparison as one self-contained HTML file; OutputError if it exists already or cannot be written."""
    require_new_file(file, overwrite=overwrite)
    write_runs_page(file, found)


def pair_lines(difference: PairedDifference) -> list[str]:
    """Return the differences of two runs as aligned lines, with McNemar's test."""
    rows = [
        [f"  {LISTED[name]}", f"{mean:+.3f}", f"{low:+.3f} to {high:+.3f}"]
        for name, (mean, low, high) in difference.differences.items()
        if mean == mean
    ]
    return [
        *aligned(rows),
        f"  {difference.n:,} series; only it is right on {difference.only_first:,}, only the first on "
        f"{difference.only_other:,} (McNemar p = {difference.p:.2g})",
    ]


def _names(runs: Sequence[Path]) -> tuple[str, ...]:
    """Return the names of folders, with as much of the path as tells them apart."""
    short = [run.resolve().name for run in runs]
    return tuple(short if len(set(short)) == len(runs) else [str(run) for run in runs])


def _content(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"expected a complete run with {file.name!r}, got {str(file.parent)!r}; train again"
        ) from error


def _flat(content: Any, key: str = "") -> dict[str, str]:
    if isinstance(content, Mapping) and content:
        found: dict[str, str] = {}
        for name, value in content.items():
            found |= _flat(value, f"{key}.{name}" if key else str(name))
        return found
    text = json.dumps(content, ensure_ascii=False)
    return {key: text if len(text) <= LONGEST_VALUE else f"{text[:28]}...{text[-28:]}"}


def _score_of(test: Mapping[str, Any], name: str) -> tuple[float, float | None, float | None] | None:
    if test.get(name) is None:
        return None
    low, high = test.get("intervals", {}).get(name) or (None, None)
    return float(test[name]), low, high


def _cell(score: tuple[float, float | None, float | None] | None) -> str:
    if score is None:
        return "-"
    value, low, high = score
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _predictions(run: Path) -> pa.Table | str:
    """Read the predictions of the test series of a run; why there are none to compare as text."""
    file = run / "predictions.parquet"
    if not file.is_file():
        return "has no predictions of its test series"
    table = parquet.read_table(file)
    if not {"label", "prediction"} <= set(table.column_names) or "time" in table.column_names:
        return "predicts steps or several labels, which are compared by their scores alone"
    return table


def _pair(name: str, table: pa.Table | str, first: pa.Table | str) -> Pair:
    for one in (table, first):
        if isinstance(one, str):
            return Pair(name, None, f"one of the two {one}")
    assert isinstance(table, pa.Table)
    assert isinstance(first, pa.Table)
    ids = [one["series_id"].to_pylist() for one in (table, first)]
    rows = {key: row for row, key in enumerate(ids[1])}
    both = [(row, rows[key]) for row, key in enumerate(ids[0]) if key in rows]
    if not both:
        return Pair(name, None, "the two have no test series in common")
    mine, its = (one.take(list(places)) for one, places in zip((table, first), zip(*both, strict=True), strict=True))
    labels = [one["label"].to_pylist() for one in (mine, its)]
    if labels[0] != labels[1]:
        return Pair(name, None, "the two have other labels for the same test series")
    if None in labels[0]:
        return Pair(name, None, "the labels of some test series are not known")
    classes = _classes(mine, its)
    code = {word: number for number, word in enumerate(classes)}
    codes = np.array([code[word] for word in labels[0]])
    predicted = [np.array([code.get(word, -1) for word in one["prediction"].to_pylist()]) for one in (mine, its)]
    probabilities = [_probabilities(one, classes) for one in (mine, its)]
    found = paired_difference(codes, probabilities[0], probabilities[1], (predicted[0], predicted[1]))
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for sign, codes_predicted in zip((1, -1), predicted, strict=True):
        answered = codes_predicted >= 0
        np.add.at(counts, (codes[answered], codes_predicted[answered]), sign)
    moved = [
        (classes[true], classes[guess], int(counts[true, guess]))
        for true, guess in product(range(len(classes)), repeat=2)
        if counts[true, guess]
    ]
    left_out = max(map(len, ids)) - len(both)
    reason = f"on the {len(both):,} test series that both have, {left_out:,} left out" if left_out else ""
    return Pair(name, found, reason, tuple(moved))


def _classes(*tables: pa.Table) -> list[str]:
    """Return every class that two tables of predictions name."""
    named = [
        name.removeprefix(PROBABILITY) for one in tables for name in one.column_names if name.startswith(PROBABILITY)
    ]
    cells = [
        str(word) for one in tables for column in ("label", "prediction") for word in one[column].to_pylist() if word
    ]
    return sorted({*named, *cells})


def _probabilities(table: pa.Table, classes: Sequence[str]) -> Doubles:
    """Return the probability of each class, 0 for a class that a model does not know, shape (n, classes)."""
    zero = np.zeros(table.num_rows)
    columns = [f"{PROBABILITY}{name}" for name in classes]
    return np.stack([table[name].to_numpy() if name in table.column_names else zero for name in columns], axis=1)
