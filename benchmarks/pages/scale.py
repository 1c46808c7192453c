"""Write the measured section of ``docs/guides/large.md`` from ``scale.json``: ``python -m benchmarks.pages.scale``."""

from __future__ import annotations

import math
import re
from typing import Any

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results
from benchmarks.run.scale import COMMANDS, SCORED, STEPS

LARGE_PAGE = ROOT / "docs" / "guides" / "large.md"
BEGIN, END = "<!-- python -m benchmarks.pages.scale -->\n", "<!-- end -->\n"
MILLIONS = (10, 1000)
HOURS_OF_A_DAY = 24


def slope(sizes: list[dict[str, Any]], command: str, place: int) -> float:
    """Return by how much seconds (place 0) or megabytes (place 1) grow for each series from the first to the last."""
    first, last = sizes[0], sizes[-1]
    grown: float = (last[command][place] - first[command][place]) / (last["series"] - first["series"])
    return grown


def growth_row(sizes: list[dict[str, Any]], command: str) -> dict[str, Any]:
    """Return what a command costs for each series, and what that makes for more of them on one such machine."""
    seconds, megabytes = (max(0.0, slope(sizes, command, place)) for place in (0, 1))
    last = sizes[-1]
    more = []
    for millions in MILLIONS:
        further = millions * 1e6 - last["series"]
        more.append(
            {
                "hours": (last[command][0] + further * seconds) / 3600,
                "gigabytes": (last[command][1] + further * megabytes) / 1024,
            }
        )
    return {"command": command, "microseconds": 1e6 * seconds, "bytes": megabytes * 2**20, "more": more}


def widest_spread(throughput: dict[str, Any] | None) -> float:
    """Return by how much the longest turn of a side differs from its shortest, as a factor, at most over the sides."""
    if throughput is None:
        return 1.0
    return max(max(turns) / min(turns) for side in throughput["seconds"].values() for turns in side.values())


def gain_of_a_worker(throughput: dict[str, Any] | None) -> dict[str, dict[str, float]]:
    """Return how many times as fast two workers are as one, by task and engine."""
    if throughput is None:
        return {}
    pairs = {"joblib": ("1 process", "2 processes of joblib"), "Ray": ("Ray, 1 processor", "Ray, 2 processors")}
    median = throughput["median"]
    return {
        task: {name: median[one][task] / median[two][task] for name, (one, two) in pairs.items()}
        for task in ("predict", "fit")
    }


def render_large_page() -> str:
    """Return the page with its section between the two comments written anew."""
    results = read_results("scale")
    rows = [growth_row(results["sizes"], command) for command in COMMANDS]
    predicting = next(row for row in rows if row["command"] == "predict")
    section = (
        environment()
        .get_template("scale.md.jinja")
        .render(
            results=results,
            throughput=results.get("throughput"),
            gain=gain_of_a_worker(results.get("throughput")),
            spread=widest_spread(results.get("throughput")),
            commands=COMMANDS,
            steps=STEPS,
            scored=SCORED,
            rows=rows,
            millions=MILLIONS,
            load=max(size["load"] for size in results["sizes"]),
            machines=math.ceil(predicting["more"][-1]["hours"] / HOURS_OF_A_DAY),
            most=[max(row["more"][place]["gigabytes"] for row in rows) for place in range(len(MILLIONS))],
        )
    )
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + section + END, LARGE_PAGE.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    LARGE_PAGE.write_text(render_large_page())
