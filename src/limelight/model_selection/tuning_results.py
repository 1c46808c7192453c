"""Result of a tuning: its trials, the best of them, and the importance of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from limelight.explanation.drawing.axes import INK, QUIET, TRUTH
from limelight.model_selection.search_space import label_for
from limelight.model_selection.trials import FOLD_SCORES
from limelight.parts.architecture import METADATA_OPTIONS, OPTIONS, PART_KINDS, Architecture
from limelight.text import aligned
from limelight.training.settings import TrainingSettings

DONE, PRUNED, FAILED = "done", "pruned", "failed"
MOST_SHOWN = 5


@dataclass(frozen=True)
class Trial:
    """One point of the search space, fitted once or once for each fold.

    Parameters
    ----------
    number
        From 0.
    state
        ``"done"``; ``"pruned"`` if half of the other trials had a lower loss at the same point; or ``"failed"``.
    log_loss, score
        On the held-out series; None if the trial is not complete.
    seconds
        Duration.
    parameters
        The point of the search space, by name.
    architecture, settings
        The same in full.
    as_it_is
        Whether this is the unchanged experiment, which is the first trial.
    why
        What went wrong, if the trial failed.
    """

    number: int
    state: str
    log_loss: float | None
    score: float | None
    seconds: float
    parameters: dict[str, Any]
    architecture: Architecture
    settings: TrainingSettings
    as_it_is: bool = False
    why: str = ""


@dataclass(frozen=True)
class Tuning:
    """Result of ``tune``; ``print`` shows the best trials.

    Parameters
    ----------
    trials
        In the order in which they started; the first is the unchanged experiment.
    score
        The score reported next to the log loss.
    rule
        Which series the trials were scored on, in words.
    importance
        Share of the variance between trials that each parameter explains, summing to 1, largest first; empty if there
        are too few trials.
    notes
        Remarks for the user.
    interrupted
        Whether Ctrl-C ended the tuning.
    """

    trials: tuple[Trial, ...]
    score: str
    rule: str
    importance: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def first(self) -> Trial:
        """The trial of the unchanged experiment."""
        return next(trial for trial in self.trials if trial.as_it_is and trial.state == DONE)

    @property
    def best(self) -> Trial:
        """The trial with the lowest log loss; the first of equal ones."""
        return self.ranked()[0]

    def ranked(self) -> list[Trial]:
        """Return the complete trials, the best first."""
        done = [trial for trial in self.trials if trial.state == DONE and trial.log_loss is not None]
        return sorted(done, key=lambda trial: (trial.log_loss, trial.number))

    @property
    def parameters(self) -> dict[str, Any]:
        """The best trial as parameters of a ``TimeSeriesClassifier``."""
        architecture, settings = self.best.architecture, self.best.settings
        return {
            **{word: getattr(architecture, word) for word in (*PART_KINDS, *OPTIONS, *METADATA_OPTIONS)},
            "training": settings,
        }

    def figure(self) -> Figure:
        """Draw the importance of each parameter."""
        return draw_importance(self.importance, len(self.ranked()))

    def __str__(self) -> str:
        best, first, title = self.best, self.first, FOLD_SCORES[self.score]
        names = list(best.parameters)
        shown = self.ranked()[:MOST_SHOWN]
        rows = [
            [_name(one), f"{one.log_loss:.4f}", _number(one.score), *(str(one.parameters[name]) for name in names)]
            for one in (shown if first in shown else [*shown, first])
        ]
        lines = [self.rule, "", *aligned([["trial", "log loss", title, *(map(label_for, names))], *rows]), ""]
        lines += [f"parameter importance: {describe_importance(self.importance)}"] if self.importance else []
        lines += [f"note: {note}" for note in self.notes]
        if best.as_it_is:
            return "\n".join([*lines, "no trial was better than the unchanged experiment"])
        return "\n".join(
            [*lines, f"best: trial {best.number}, log loss {best.log_loss:.4f} instead of {first.log_loss:.4f}"]
        )


def describe_importance(importance: Mapping[str, float]) -> str:
    """Describe the importance of each parameter in one line.

    Example
    -------
    >>> describe_importance({"learning_rate": 0.7, "units": 0.3})
    'learning rate 70 %, units 30 %'
    """
    return ", ".join(f"{label_for(name)} {100 * share:.0f} %" for name, share in importance.items())


def draw_importance(importance: Mapping[str, float], trials: int) -> Figure:
    """Draw the importance of each parameter, the largest on top.

    Parameters
    ----------
    importance
        By name, largest first, summing to 1.
    trials
        The number of trials that it was computed from.

    Example
    -------
    >>> [float(bar.get_width()) for bar in draw_importance({"units": 0.75, "dropout": 0.25}, 20).axes[0].patches]
    [0.25, 0.75]
    """
    figure = Figure(figsize=(8.0, 1.2 + 0.35 * len(importance)), dpi=150, layout="constrained")
    ax = figure.subplots()
    names, shares = [label_for(name) for name in importance][::-1], list(importance.values())[::-1]
    bars = ax.barh(names, shares, color=TRUTH, height=0.6)
    ax.bar_label(bars, [f"{100 * share:.0f} %" for share in shares], padding=4, color=INK, fontsize=9)
    ax.set_title(
        f"Parameter importance: share of the variance in log loss between {trials} trials",
        loc="left",
        fontsize=10,
        color=INK,
    )
    ax.set_xlim(0, max([*shares, 0.1]) * 1.12)
    ax.xaxis.set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(QUIET)
    return figure


def _name(trial: Trial) -> str:
    return f"{trial.number} (unchanged)" if trial.as_it_is else str(trial.number)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
