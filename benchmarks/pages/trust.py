"""Generate ``docs/background/trust.md`` from ``benchmarks/results/trust.json``; every number on the page comes from it.

python -m benchmarks.pages.trust
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from benchmarks.made_shifts import SHIFTS
from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results
from benchmarks.run.trust import NATURAL_SHIFTS, SETS

PAGE = ROOT / "docs" / "background" / "trust.md"
BIG_DROP = 0.1
CLOSE = 0.04
ROUNDING = 1e-9
MANY = 200
WORSE = 0.01
TARGET, NEAR_TARGET, NEAR_TARGET_OF_CLASS = 0.9, 0.02, 0.05
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
                "training": splits[0]["training"],
                "of_archive": name not in SETS,
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


def share_by_chance(accuracy: float, test: int, labelled: int | None = None) -> float:
    """Return how often the accuracy on ``test`` series is within 4 points of an estimate that is off by chance only.

    The estimate is the accuracy itself, or, if ``labelled`` is given, the one measured on so many other series.
    """
    right = np.arange(test + 1)
    probable = binom.pmf(right, test, accuracy)
    if labelled is None:
        return float(probable[np.abs(right / test - accuracy) <= CLOSE + ROUNDING].sum())
    low, high = ((right / test + side * (CLOSE + ROUNDING)) * labelled for side in (-1, 1))
    reached = binom.cdf(np.floor(high), labelled, accuracy) - binom.cdf(np.ceil(low) - 1, labelled, accuracy)
    return float((probable * reached).sum())


def natural_drops(runs: dict[str, list[Run]]) -> list[Run]:
    """Return the runs whose test series come from others and whose accuracy is at least 10 points below held-out."""
    return [
        {"name": name, **run["unshifted"]}
        for name, seeds in runs.items()
        for run in seeds
        if name in NATURAL_SHIFTS and run["unshifted"]["held_out"] - run["unshifted"]["accuracy"] >= BIG_DROP
    ]


def unshifted_of(runs: dict[str, list[Run]]) -> list[Run]:
    """Return what was announced on unshifted series, for every set and run."""
    return [run["unshifted"] for splits in runs.values() for run in splits]


def closeness(runs: dict[str, list[Run]]) -> dict[str, float]:
    """Return the share of runs whose estimated accuracy is within 4 points, and what chance alone would leave of it.

    ``known``: the estimate is the mean accuracy of the set; ``measured``: it is measured on as many labelled series as
    were trained on.
    """
    by_chance: dict[str, list[float]] = {"known": [], "measured": []}
    for splits in runs.values():
        accuracy = mean_of(run["unshifted"]["accuracy"] for run in splits)
        for run in splits:
            by_chance["known"].append(share_by_chance(accuracy, run["sets"]["n"]))
            by_chance["measured"].append(share_by_chance(accuracy, run["sets"]["n"], run["training"]))
    return {
        "close": summary([], unshifted_of(runs))["close"],
        **{name: mean_of(one) for name, one in by_chance.items()},
    }


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
    unshifted = unshifted_of(usual)
    rows = set_rows(runs)
    resampled = resampled_rows(results.get("resampled", {}))
    splits = results.get("resampled", {})
    exchangeable = unshifted_of(splits)
    many = {name: runs for name, runs in splits.items() if runs[0]["sets"]["n"] >= MANY}
    return (
        environment()
        .get_template("trust.md.jinja")
        .render(
            results=results,
            rows=rows,
            usual=[row for row in rows if not row["groups"]],
            natural=[row for row in rows if row["groups"]],
            natural_drops=natural_drops(runs),
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
            classes_below=sum(one < TARGET - NEAR_TARGET_OF_CLASS for row in resampled for one in row["by_class"]),
            runs_resampled=len(exchangeable),
            alarms_resampled=sum(one["announced"] for one in exchangeable),
            alarms_by_outside_resampled=sum(one["by_outside"] for one in exchangeable),
            bias_resampled=mean_of(row["estimated"] - row["accuracy"] for row in resampled),
            all_splits=closeness(splits),
            large=closeness(many),
        )
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_trust())


if __name__ == "__main__":
    main()
