"""The part of docs/results.md about explanations: which is right about a model, and what each takes."""

from __future__ import annotations

import statistics
from typing import Any

from found import read

NAMED = {"italy_power_demand": "ItalyPowerDemand", "basic_motions": "BasicMotions", "sine": "sine waves"}


def explanations_section() -> str:
    found = read("explanations.json")
    rows = [
        row
        for name, of in found["sets"].items()
        for encoder, measured in of.items()
        for row in rows_of(NAMED[name], encoder, measured)
    ]
    times = [
        f"| {encoder} | {method} | {statistics.median(taken):.2f} |"
        for encoder, of in found["seconds"].items()
        for method, taken in of.items()
    ]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    seeds = max(len(measured) for of in found["sets"].values() for measured in of.values())
    return f"""\
## Explanations

`python benchmarks/explanations.py DATA --seeds {seeds} --pictures`; {found["machine"]["threads"]} threads, {versions}. Up to 50
series of the test part of each set; what is hidden gets the values of training series. Deletion: mean probability of the class while
its most important steps are hidden first (small is good); insertion: while they are shown first (large is good); gain: by how much both
together beat random orders on the same series, with the standard error; inside: share of the explanation in the stretch
that gives the label. Kept: rank correlation with the explanation of the same network with random weights, which should be
near 0. Means of {seeds} seeds, of the sine waves one.

| set | network | explanation | deletion | insertion | gain | inside | kept |
|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Seconds for 100 series of 500 steps, median of 3:

| network | explanation | seconds |
|---|---|---|
{chr(10).join(times)}

![One held wave explained in every way](pictures/explanation.png)
"""


def rows_of(name: str, encoder: str, measured: list[dict[str, Any]]) -> list[str]:
    """Give a row for each method of one network."""
    rows = []
    for method in measured[0]["methods"]:
        of = [one["methods"][method] for one in measured]
        deletion, insertion, gain, error = (
            statistics.mean(one[key] for one in of) for key in ("deletion", "insertion", "gain", "error")
        )
        overlaps = [one["overlap"]["inside"] for one in of if one["overlap"]]
        kept = [one["sanity"][method]["signed"] for one in measured if method in one["sanity"]]
        inside = f"{statistics.mean(overlaps):.2f}" if overlaps else ""
        same = f"{statistics.mean(kept):.2f}" if kept and None not in kept else ""
        gained = "" if method == "random" else f"{gain:.3f} ± {error:.3f}"
        rows.append(
            f"| {name} | {encoder} | {method} | {deletion:.3f} | {insertion:.3f} | {gained} | {inside} | {same} |"
        )
    return rows
