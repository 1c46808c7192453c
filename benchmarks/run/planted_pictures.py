"""Draw an explanation that is right and one that is wrong, beside the truth, for the page on reading explanations.

    python -m benchmarks.run.planted_pictures

Writes ``docs/pictures/explanation_right.png`` and ``docs/pictures/explanation_wrong.png``.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.result_files import PICTURES
from benchmarks.run.planted import MODELS, POINTS, TEST, TRAIN
from limelight.data.synthetic.planted import generate_planted
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.registry import explain, methods_of

SEED = 7
SHOWN = {"explanation_right": "distractor", "explanation_wrong": "exclusive_or"}


def draw(task: str) -> Figure:
    """Draw every explanation of one test series of a task, with the truth as lines below the axis."""
    planted = generate_planted(task, TRAIN + TEST, POINTS, seed=SEED)
    train = planted[np.arange(TRAIN)]
    model = TimeSeriesClassifier(random_state=SEED, progress=False, **MODELS["rocket"]).fit(train.panel).model_
    one = planted[np.array([TRAIN])]
    names = methods_of(model)
    figure = Figure(figsize=(8.0, 2.4 * len(names)), layout="constrained")
    for ax, name in zip(figure.subplots(len(names), 1), names, strict=True):
        settings: dict[str, Any] = {"background": train.panel} if name == "occlusion" else {}
        explain(model, one.panel, name, **settings).plot(ax=ax)
        steps = np.flatnonzero(one.truth[0].any(axis=1))
        bottom = ax.get_ylim()[0]
        for part in np.split(steps, np.flatnonzero(np.diff(steps) > 1) + 1):
            ax.plot([part[0] - 0.5, part[-1] + 0.5], [bottom, bottom], color="#1a7f37", linewidth=6)
        ax.set_title(f"{name}. {ax.get_title(loc='left')}", loc="left", fontsize="medium", pad=20)
    return figure


def main() -> None:
    """Draw both pictures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for name, task in SHOWN.items():
        draw(task).savefig(PICTURES / f"{name}.png", dpi=100)


if __name__ == "__main__":
    main()
