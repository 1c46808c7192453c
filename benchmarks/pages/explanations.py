"""Prepare the sections of ``docs/background/results.md`` about the faithfulness and the cost of explanations."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

TITLES = {"italy_power_demand": "ItalyPowerDemand", "basic_motions": "BasicMotions", "sine": "sine waves"}
SCORES = {
    "ndcg": "estimated NDCG",
    "agreement": "agreement (correlation)",
    "gain": "deletion and insertion",
}
PARTS_OF_TASKS = {"all": "all tasks", "unseen": "tasks not used for the design"}


def explanations(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each data set, network and method."""
    rows = [
        {"name": TITLES[name], "encoder": encoder, "method": method, **_means(models, method)}
        for name, encoders in results["sets"].items()
        for encoder, models in encoders.items()
        for method in models[0]["methods"]
    ]
    measured = [models for encoders in results["sets"].values() for models in encoders.values()]
    return {
        "rows": rows,
        "seeds": max(map(len, measured)),
        "series": max(model["series"] for models in measured for model in models),
        "repeats": max(len(seconds) for methods in results["seconds"].values() for seconds in methods.values()),
    }


def _means(models: list[dict[str, Any]], method: str) -> dict[str, float | None]:
    """Compute the means over seeds of the scores of one method; a score that does not apply is None."""
    measured = [model["methods"][method] for model in models]
    overlaps = [one["overlap"]["inside"] for one in measured if one["overlap"]]
    correlations = [model["sanity"][method]["signed"] for model in models if method in model["sanity"]]
    return {
        **{key: statistics.mean(one[key] for one in measured) for key in ("deletion", "insertion", "gain", "error")},
        "inside": statistics.mean(overlaps) if overlaps else None,
        "correlation": statistics.mean(correlations) if correlations and None not in correlations else None,
    }


def planted(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each score, on all planted tasks and on those that the design did not use."""
    cells = results["cells"]
    return {
        "rows": [
            {
                "tasks": words,
                "score": title,
                **results["summary"][part][score],
                "seeds": [one[score]["spearman"]["ndcg"] for one in results["summary"][part]["by_seed"].values()],
            }
            for part, words in PARTS_OF_TASKS.items()
            for score, title in SCORES.items()
        ],
        "parts": [{"tasks": words, **results["summary"][part]} for part, words in PARTS_OF_TASKS.items()],
        "models": list(dict.fromkeys(cell["model"] for cell in cells)),
        "seeds": sorted({cell["seed"] for cell in cells}),
        "unlearned": _count(cell for cell in cells if not cell["learned"]),
        "unmarked": _count(cell for cell in cells if cell["learned"] and cell["at_chance"]),
    }


def _count(cells: Iterable[dict[str, Any]]) -> list[str]:
    """List the tasks and models of some cells, with the number of seeds of each."""
    counts = Counter(f"{cell['task']} ({cell['model']})" for cell in cells)
    return [f"{name} with {count} seed{'s' if count > 1 else ''}" for name, count in sorted(counts.items())]
