"""Write the measured section of ``docs/guides/early.md`` from ``early.json``: ``python -m benchmarks.pages.early``."""

from __future__ import annotations

import re
import statistics
from typing import Any

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results

EARLY_PAGE = ROOT / "docs" / "guides" / "early.md"
BEGIN, END = "<!-- python -m benchmarks.pages.early -->\n", "<!-- end -->\n"
COMPARED = "cost 0.2"
"""The rule that is compared with TEASER."""
TITLES = {"differ": "at most {} differ", "cost": "cost of delay {}"}


def rule_row(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means of one rule over seeds."""
    found = [run["rules"][name] for run in runs]
    goal, _, value = name.partition(" ")
    differ = [one["differ"] for one in found if one["differ"] is not None]
    return {
        "title": TITLES[goal].format(value),
        "accuracy": statistics.mean(one["accuracy"] for one in found),
        "whole": statistics.mean(one["accuracy_of_whole"] for one in found),
        "seen": statistics.mean(one["seen"] for one in found),
        "mean": statistics.mean(one["harmonic_mean"] for one in found),
        "differ": statistics.mean(differ) if differ else None,
        "waits": sum(one["waits"] for one in found),
    }


def teaser_row(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the means of TEASER over its complete runs; None if there are none."""
    done = [one for one in runs if one.get("accuracy") is not None]
    if not done:
        return None
    means = {key: statistics.mean(one[key] for one in done) for key in ("accuracy", "seen", "harmonic_mean")}
    return {**means, "mean": means["harmonic_mean"], "seeds": len(done)}


def bound_of(split: str, runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Count the runs with a bound that answer early, and those whose share on the test series is above it."""
    rules = [
        (float(name.removeprefix("differ ")), one)
        for seeds in runs.values()
        for run in seeds
        for name, one in run["rules"].items()
        if name.startswith("differ")
    ]
    early = [(bound, one) for bound, one in rules if one["differ"] is not None]
    excess = [one["differ"] - bound for bound, one in early]
    return {
        "split": split,
        "runs": len(rules),
        "answering": len(early),
        "broken": sum(one > 0 for one in excess),
        "excess": max(excess, default=0.0),
        "beyond": sum(one["interval"][0] > bound for bound, one in early),
    }


def compared(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Compare one rule with TEASER over the sets that both completed; None if there are none."""
    title = TITLES["cost"].format(COMPARED.removeprefix("cost "))
    pairs = [
        (next(one for one in row["rules"] if one["title"] == title), row["teaser"]) for row in rows if row["teaser"]
    ]
    if not pairs:
        return None

    def means(key: str) -> tuple[float, float]:
        return statistics.mean(one[key] for one, _ in pairs), statistics.mean(one[key] for _, one in pairs)

    return {
        "sets": len(pairs),
        "better": sum(one["mean"] > other["mean"] for one, other in pairs),
        **dict(zip(("ours", "theirs"), means("mean"), strict=True)),
        **dict(zip(("accuracy", "their_accuracy"), means("accuracy"), strict=True)),
        **dict(zip(("seen", "their_seen"), means("seen"), strict=True)),
    }


def render_early_page() -> str:
    """Return the page with its section between the two comments written anew."""
    results = read_results("early")
    rows = [
        {
            "name": name,
            "held_out": runs[0]["held_out"],
            "rules": [rule_row(rule, runs) for rule in runs[0]["rules"]],
            "teaser": teaser_row(results["teaser"].get(name, [])),
        }
        for name, runs in sorted(results["runs"].items())
    ]
    section = (
        environment()
        .get_template("early.md.jinja")
        .render(
            results=results,
            rows=rows,
            seeds=min(len(runs) for runs in results["runs"].values()),
            bounds=[bound_of("official", results["runs"]), bound_of("random", results["resampled"])],
            teaser=compared(rows),
        )
    )
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + section + END, EARLY_PAGE.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    EARLY_PAGE.write_text(render_early_page())
