"""Mean ranks of classifiers over data sets, Nemenyi's critical difference, and the critical-difference diagram.

Source: Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006.
"""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.stats import rankdata, studentized_range

mpl.use("agg")  # before pyplot is imported
import matplotlib.pyplot as plt

Scores = dict[str, list[float]]
"""The scores of each classifier, one per data set, in the same order of data sets."""


def mean_ranks(scores: Scores) -> dict[str, float]:
    """Return the mean rank of each classifier: 1 is best, and ties share the mean of their ranks."""
    ranks = rankdata(-np.array(list(scores.values())), axis=0)
    return dict(zip(scores, ranks.mean(axis=1).tolist(), strict=True))


def critical_difference(scores: Scores, level: float = 0.05) -> float:
    """Return the smallest difference of two mean ranks that Nemenyi's test calls significant at ``level``."""
    k, sets = len(scores), len(next(iter(scores.values())))
    q = studentized_range.ppf(1 - level, k, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(k * (k + 1) / (6 * sets)))


def cliques(ranks: list[float], difference: float) -> list[tuple[int, int]]:
    """Return the first and last index of each maximal group of sorted ranks without a significant difference."""
    groups: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(index for index, other in enumerate(ranks) if other - rank <= difference)
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups


def draw_diagram(scores: Scores, file: Path) -> None:
    """Draw mean ranks on a line, with a bar over each group of classifiers without a significant difference."""
    pairs = sorted(mean_ranks(scores).items(), key=lambda pair: pair[1])
    difference, k, sets = critical_difference(scores), len(scores), len(next(iter(scores.values())))
    groups = cliques([rank for _, rank in pairs], difference)
    rows = math.ceil(k / 2)
    top = 0.6 + 0.25 * len(groups)
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.3 * (rows + len(groups))))
    axes.set_xlim(0.2 - 0.3 * k, k + 0.8 + 0.3 * k)
    axes.set_ylim(top + 0.5 * rows + 0.2, -1.6)
    axes.axis("off")
    axes.hlines(0, 1, k, color="black", linewidth=1)
    for rank in range(1, k + 1):
        axes.vlines(rank, -0.15, 0, color="black", linewidth=1)
        axes.text(rank, -0.25, str(rank), ha="center", va="bottom")
    axes.plot([1, 1 + difference], [-1.1, -1.1], color="black", linewidth=2)
    axes.text(1 + difference / 2, -1.2, f"critical difference {difference:.2f}, {sets} sets", ha="center", va="bottom")
    for index, (name, rank) in enumerate(pairs):
        left = index < rows
        height = top + 0.5 * (index if left else k - 1 - index)
        end = 0.7 if left else k + 0.3
        axes.plot([rank, rank, end], [0, height, height], color="tab:blue" if "limelight" in name else "gray")
        label = f"{name.replace(':', ' ')} {rank:.2f}"
        axes.text(end + (-0.1 if left else 0.1), height, label, ha="right" if left else "left", va="center")
    for row, (first, last) in enumerate(groups):
        axes.hlines(0.25 + 0.25 * row, pairs[first][1] - 0.04, pairs[last][1] + 0.04, color="black", linewidth=3)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130, bbox_inches="tight")
    plt.close(figure)
