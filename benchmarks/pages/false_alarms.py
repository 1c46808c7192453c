"""Write the measured section of ``docs/guides/events.md``: ``python -m benchmarks.pages.false_alarms``."""

from __future__ import annotations

import re
import statistics
from typing import Any

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results

EVENTS_PAGE = ROOT / "docs" / "guides" / "events.md"
BEGIN, END = "<!-- python -m benchmarks.pages.false_alarms -->\n", "<!-- end -->\n"
SPLITS = {"months": "months at random", "cities": "unseen cities"}


def goal_row(split: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means of one limit over labels and seeds."""
    goal = found[0]["goal"]
    title = goal if isinstance(goal, str) else f"{goal['rate']}, confidence {goal['confidence']:g}"
    return {
        "split": SPLITS[split],
        "goal": title.replace("/day", ""),
        "n": len(found),
        "over": sum(one["rate"] > one["most"] for one in found),
        "held_out": statistics.mean(one["held_out_rate"] for one in found),
        "rate": statistics.mean(one["rate"] for one in found),
        "held_out_detected": statistics.mean(one["held_out_detected"] for one in found),
        "detected": statistics.mean(one["detected"] for one in found),
    }


def render_events_page() -> str:
    """Return the page with its section between the two comments written anew."""
    results = read_results("false_alarms")
    rows = []
    for split, runs in results["runs"].items():
        every = [row for run in runs for row in run["rows"]]
        goals = list(dict.fromkeys(str(row["goal"]) for row in every))
        rows += [goal_row(split, [row for row in every if str(row["goal"]) == goal]) for goal in goals]
    seeds = {split: len(runs) for split, runs in results["runs"].items()}
    section = environment().get_template("false_alarms.md.jinja").render(results=results, rows=rows, seeds=seeds)
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + section + END, EVENTS_PAGE.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    EVENTS_PAGE.write_text(render_events_page())
