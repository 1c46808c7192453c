"""Generate ``docs/background/trust.md`` from ``benchmarks/results/trust.json``; every number on the page comes from it.

python -m benchmarks.pages.trust
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.made_shifts import SHIFTS
from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results
from benchmarks.run.trust import NATURAL_SHIFTS

PAGE = ROOT / "docs" / "background" / "trust.md"
BIG_DROP = 0.1
CLOSE = 0.04
WORSE = 0.01
TARGET, NEAR_TARGET = 0.9, 0.02
Run = dict[str, Any]


def mean_of(values: Iterable[float]) -> float:
    """Return the mean of some numbers, NaN without any."""
    numbers = list(values)
    return statistics.mean(numbers) if numbers else float("nan")


def set_rows(runs: dict[str, list[Run]]) -> list[dict[str, Any]]:
    """Collect a row for each data set: means over seeds."""
    rows = []
    for name, seeds in runs.items():
        classes = [one for run in seeds for one in run["by_class"] or []]
        answered = [run["abstain"] for run in seeds if run["abstain"] and run["abstain"]["error"] is not None]
        rows.append(
            {
                "name": name,
                "groups": NATURAL_SHIFTS.get(name, ""),
                **{
                    f"{key}_{when}": mean_of(run["calibration"][when][key] for run in seeds)
                    for key in ("log_loss", "expected_calibration_error")
                    for when in ("before", "after")
                },
                "highest": max(run["highest_probability"] for run in seeds),
                "coverage": mean_of(run["sets"]["coverage"] for run in seeds),
                "lowest_coverage": min(run["sets"]["coverage"] for run in seeds),
                "size": mean_of(run["sets"]["mean_size"] for run in seeds),
                "noted": sum(bool(run["sets"]["notes"]) for run in seeds),
                "seeds": len(seeds),
                "classes": len({one["class"] for one in classes}),
                "by_class": [
                    mean_of(one["coverage"] for one in classes if one["class"] == label)
                    for label in sorted({one["class"] for one in classes})
                ],
                "answered": mean_of(one["coverage"] for one in answered),
                "error": mean_of(one["error"] for one in answered),
                "error_of_all": mean_of(one["error_of_all"] for one in answered),
                "abstains": bool(answered),
                "accuracy": mean_of(run["unshifted"]["accuracy"] for run in seeds),
                "estimated": mean_of(run["unshifted"]["estimated"] for run in seeds),
                "held_out": mean_of(run["unshifted"]["held_out"] for run in seeds),
                "alarms": sum(run["unshifted"]["announced"] for run in seeds),
                "check": mean_of(run["seconds"]["check"] / run["seconds"]["predict"] for run in seeds),
                "novelty": mean_of(run["seconds"]["novelty"] / run["seconds"]["predict"] for run in seeds),
            }
        )
    for row in rows:
        row["lower_loss"] = row["log_loss_after"] < row["log_loss_before"]
        error = row["expected_calibration_error_after"] - row["expected_calibration_error_before"]
        row["lower_error"], row["worse"] = error < 0, error > WORSE
        row["covered"] = abs(row["coverage"] - TARGET) <= NEAR_TARGET
        row["covered_at_least"] = row["coverage"] >= TARGET - NEAR_TARGET
    return rows


def resampled_rows(runs: dict[str, list[Run]]) -> list[dict[str, Any]]:
    """Collect a row for each data set that was split at random: means over splits."""
    rows = []
    for name, splits in runs.items():
        classes = [one for run in splits for one in run["by_class"]]
        coverage = mean_of(run["sets"]["coverage"] for run in splits)
        rows.append(
            {
                "name": name,
                "splits": len(splits),
                "n": splits[0]["sets"]["n"],
                "coverage": coverage,
                "lowest": min(run["sets"]["coverage"] for run in splits),
                "covered": abs(coverage - TARGET) <= NEAR_TARGET,
                "covered_at_least": coverage >= TARGET - NEAR_TARGET,
                "by_class": [
                    mean_of(one["coverage"] for one in classes if one["class"] == label)
                    for label in sorted({one["class"] for one in classes})
                ],
                "accuracy": mean_of(run["unshifted"]["accuracy"] for run in splits),
                "estimated": mean_of(run["unshifted"]["estimated"] for run in splits),
                "alarms": sum(run["unshifted"]["announced"] for run in splits),
            }
        )
    return rows


def shift_rows(runs: dict[str, list[Run]]) -> list[dict[str, Any]]:
    """Collect a row for each made shift, over data sets and seeds."""
    rows = []
    for name in SHIFTS:
        every = [run["shifts"][name] for seeds in runs.values() for run in seeds if run["shifts"]]
        big = [one for one in every if one["drop"] >= BIG_DROP]
        rows.append({"name": name, "drop": mean_of(one["drop"] for one in every), **summary(big, every)})
    return rows


def summary(big: Sequence[Run], every: Sequence[Run]) -> dict[str, Any]:
    """Summarise drops of at least 10 points that were announced, and the error of the estimated accuracy."""
    return {
        "big": len(big),
        "announced": sum(one["announced"] for one in big),
        "by_estimate": sum(one["by_estimate"] for one in big),
        "by_outside": sum(one["by_outside"] for one in big),
        "error": mean_of(abs(one["estimated"] - one["accuracy"]) for one in every),
        "error_of_confidence": mean_of(abs(one["confidence"] - one["accuracy"]) for one in every),
        "close": mean_of(abs(one["estimated"] - one["accuracy"]) <= CLOSE for one in every),
    }


def render_trust() -> str:
    """Render the page as Markdown."""
    results = read_results("trust")
    runs = results["runs"]
    shifted = [one for seeds in runs.values() for run in seeds for one in run["shifts"].values()]
    usual = {name: seeds for name, seeds in runs.items() if name not in NATURAL_SHIFTS}
    unshifted = [run["unshifted"] for seeds in usual.values() for run in seeds]
    rows = set_rows(runs)
    resampled = resampled_rows(results.get("resampled", {}))
    exchangeable = [run["unshifted"] for splits in results.get("resampled", {}).values() for run in splits]
    return (
        environment()
        .get_template("trust.md.jinja")
        .render(
            results=results,
            rows=rows,
            usual=[row for row in rows if not row["groups"]],
            natural=[row for row in rows if row["groups"]],
            shifts=shift_rows(runs),
            all_shifts=summary([one for one in shifted if one["drop"] >= BIG_DROP], shifted),
            unshifted=summary([], unshifted),
            alarms=sum(one["announced"] for one in unshifted),
            alarms_by_estimate=sum(one["by_estimate"] for one in unshifted),
            alarms_by_outside=sum(one["by_outside"] for one in unshifted),
            tests=len(unshifted),
            alarm_sets=[row for row in rows if row["alarms"] and not row["groups"]],
            seeds=max(row["seeds"] for row in rows),
            resampled=resampled,
            classes_resampled=[abs(one - TARGET) for row in resampled for one in row["by_class"]],
            runs_resampled=len(exchangeable),
            alarms_resampled=sum(one["announced"] for one in exchangeable),
            close_resampled=mean_of(abs(one["estimated"] - one["accuracy"]) <= CLOSE for one in exchangeable),
        )
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_trust())


if __name__ == "__main__":
    main()
