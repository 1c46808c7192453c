"""The rule for early answers, chosen on held-out series: by a bound on changed answers, or by the cost of delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.errors import ModelFolderError, ParameterError
from limelight.evaluation.early.looks import Looks
from limelight.evaluation.metrics.exact_intervals import exact_upper_limit
from limelight.task import UNKNOWN
from limelight.types import Codes, Doubles

MARGINS_TRIED = 60
"""The most thresholds of the margin that are tried."""
ALWAYS_WAIT = 2.0
"""A margin that no answer has."""
BY_GUESSING = 0.05
"""The most that the whole series may be answered as well by guessing, if the rule is not to wait."""


@dataclass(frozen=True, eq=False)
class EarlyRule:
    """Answer at the first look at which the margin is large enough, else at the end of the series.

    Parameters
    ----------
    margin
        The least margin of an early answer; 2 if the rule always waits.
    goal, value
        ``"differ"`` and the highest share of early answers that differ from those for the whole series, or ``"cost"``
        and the cost of waiting for a whole series, as a share of the cost of a wrong answer.
    confidence
        Of the bound, in (0, 1); None for a cost.
    held_out
        On the held-out series: ``n``, ``early`` (share answered early), ``differ`` (share of these that differ),
        ``upper`` (its limit with the confidence; None for a cost or without early answers) and ``seen`` (mean share of
        the steps).
    notes
        Why the rule waits, one sentence each.

    Example
    -------
    >>> rule = EarlyRule(0.7, "cost", 0.1)
    >>> EarlyRule.from_json(rule.to_json()).margin, rule.waits
    (0.7, False)
    """

    margin: float
    goal: str
    value: float
    confidence: float | None = None
    held_out: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether every answer comes at the end."""
        return self.margin >= ALWAYS_WAIT

    def describe(self) -> list[str]:
        """Describe the rule in lines of plain text."""
        if self.goal == "differ":
            aim = f"at most {100 * self.value:g} % of early answers differ from those for whole series"
            aim += "" if self.confidence is None else f", with a confidence of {self.confidence:g}"
        else:
            aim = f"waiting for a whole series costs {self.value:g} of a wrong answer"
        lines = [f"{'always waits' if self.waits else f'answers early from a margin of {self.margin:.3g}'}; {aim}"]
        if self.held_out is not None and not self.waits:
            found, upper = self.held_out, self.held_out["upper"]
            limit = "" if upper is None else f" (upper limit {100 * upper:.1f} %)"
            lines.append(
                f"of {found['n']:,} held-out series {100 * found['early']:.1f} % are answered early, after "
                f"{100 * found['seen']:.1f} % of the steps on average; {100 * found['differ']:.1f} % of these answers "
                f"differ{limit}"
            )
        return [*lines, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Convert the rule to JSON types."""
        return {**vars(self), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, content: Any) -> EarlyRule:
        """Restore a rule from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            confidence, held_out = content["confidence"], content["held_out"]
            return cls(
                float(content["margin"]),
                str(content["goal"]),
                float(content["value"]),
                None if confidence is None else float(confidence),
                None if held_out is None else dict(held_out),
                tuple(map(str, content["notes"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected a rule for early answers, got {str(content)[:80]!r}; the folder is damaged or from a newer "
                "limelight"
            ) from error


def choose_early_rule(
    looks: Looks,
    codes: Codes,
    *,
    differ: float | None = None,
    cost_of_delay: float | None = None,
    confidence: float = 0.95,
) -> EarlyRule:
    """Choose the least margin at which a series is answered early.

    Parameters
    ----------
    looks
        Of held-out series that the models were not fitted on.
    codes
        Their true codes, -1 if unknown, shape (n,) or (n, labels).
    differ
        The highest share of early answers that may differ from those for the whole series, in (0, 1): the exact
        upper limit of the share on the held-out series is at most that, and as much as possible is answered early.
    cost_of_delay
        Instead, the cost of waiting for a whole series as a share of the cost of a wrong answer, above 0: the mean cost
        on the held-out series is lowest.
    confidence
        Of the limit, in (0, 1).

    Returns
    -------
    EarlyRule
        It always waits, with a note, if the held-out series cannot show the bound, or if the answers for whole series
        are not shown to be better than the most frequent class.

    Raises
    ------
    ParameterError
        If not exactly one of ``differ`` and ``cost_of_delay`` is given, or one is out of range.

    Source
    ------
    The limit of Clopper and Pearson, 1934, at margins that fall from a cautious one until it first exceeds ``differ``:
    fixed sequence testing, Angelopoulos et al., Learn then Test, 2021, which needs no correction for their number.

    Example
    -------
    >>> from limelight.task import Task
    >>> margins = np.stack([np.linspace(0.0, 1.0, 100), np.ones(100)])
    >>> decisions = np.stack([np.arange(100) % 2, np.where(np.arange(100) < 20, 1, np.arange(100) % 2)])
    >>> looks = Looks(Task(("a", "b")), np.array([5]), np.full(100, 10), margins, decisions)
    >>> rule = choose_early_rule(looks, decisions[-1], differ=0.1)
    >>> round(rule.margin, 1), round(rule.held_out["differ"], 3), round(rule.held_out["upper"], 3)
    (0.1, 0.045, 0.1)
    """
    _check_goal(differ, cost_of_delay, confidence)
    labelled = (codes != UNKNOWN).any(axis=1) if codes.ndim == 2 else codes != UNKNOWN
    goal, value = ("cost", float(cost_of_delay)) if cost_of_delay is not None else ("differ", float(differ or 0))
    limit = confidence if goal == "differ" else None
    if why := _no_better_than_guessing(looks.at(labelled), codes[labelled]):
        return EarlyRule(ALWAYS_WAIT, goal, value, limit, None, (why,))
    if goal == "cost":
        margin, note = _cheapest(looks.at(labelled), codes[labelled], value), ""
    else:
        margin, note = _lowest_bounded(looks, value, confidence)
    held_out = None if margin >= ALWAYS_WAIT else _on_held_out(looks, margin, limit)
    return EarlyRule(margin, goal, value, limit, held_out, (note,) if note else ())


def _check_goal(differ: float | None, cost: float | None, confidence: float) -> None:
    if (differ is None) == (cost is None):
        raise ParameterError(
            f"expected either differ or cost_of_delay, got {'both' if differ is not None else 'neither'}; state one, "
            "such as differ=0.05"
        )
    for name, value, most in (
        ("differ", differ, 1.0),
        ("cost_of_delay", cost, np.inf),
        ("confidence", confidence, 1.0),
    ):
        if value is not None and not 0 < value < most:
            ending = "above 0" if most > 1 else "between 0 and 1"
            raise ParameterError(f"expected a number {ending} for {name}, got {value!r}; use for example 0.05")


def _no_better_than_guessing(looks: Looks, codes: Codes) -> str:
    """Return why nothing can be gained if whole series are answered no better than by their most frequent class."""
    if looks.task.multilabel:
        return ""
    from scipy.stats import binomtest  # a slow import

    n, correct = len(codes), int((looks.decisions[-1] == codes).sum())
    usual = int(np.bincount(codes).max()) if n else 0
    if n and usual < n and binomtest(correct, n, usual / n, alternative="greater").pvalue <= BY_GUESSING:
        return ""
    return (
        f"waits, as there is nothing to gain: {correct:,} of {n:,} held-out series are answered correctly at their "
        f"end, which is not shown to be better than always the most frequent class ({usual:,})"
    )


def _levels(looks: Looks) -> Doubles:
    """Return margins to try, falling."""
    margins = looks.margins[:-1][looks.before_end]
    if not len(margins):
        return np.zeros(0)
    return np.unique(np.quantile(margins, np.linspace(0, 1, MARGINS_TRIED), method="lower"))[::-1]


def _lowest_bounded(looks: Looks, differ: float, confidence: float) -> tuple[float, str]:
    """Find the lowest margin before the first at which the limit is exceeded, and why there is none."""
    fewest = int(np.ceil(np.log(1 - confidence) / np.log(1 - differ)))
    if len(looks) < fewest:
        return ALWAYS_WAIT, (
            f"waits: {len(looks):,} held-out series cannot show that at most {100 * differ:g} % of early answers "
            f"differ, at least {fewest:,} are needed"
        )
    cautious = max(fewest, min(len(looks) // 2, 4 * fewest))
    best, first = ALWAYS_WAIT, ""
    for margin in _levels(looks):
        answers = looks.answer(float(margin))
        count = int(answers.early.sum())
        if count < cautious:
            continue
        changed = int(looks.differing(answers)[answers.early].sum())
        upper = exact_upper_limit(changed, count, confidence)
        if upper > differ:
            first = (
                f"waits: at the most cautious margin that is tried, {changed:,} of {count:,} early answers differ on "
                f"held-out series, so that the share may be {100 * upper:.1f} %"
            )
            break
        best = float(margin)
    return best, first if best >= ALWAYS_WAIT else ""


def _cheapest(looks: Looks, codes: Codes, cost: float) -> float:
    """Find the margin with the lowest mean cost; of equal ones the highest."""
    levels = [ALWAYS_WAIT, *_levels(looks).tolist()]
    costs = []
    for margin in levels:
        answers = looks.answer(margin)
        known = codes != UNKNOWN
        wrong = (answers.decisions != codes)[known].mean() if known.any() else 0.0
        costs.append(float(wrong) + cost * float(answers.seen.mean()))
    return float(levels[int(np.argmin(np.round(costs, 12)))])


def _on_held_out(looks: Looks, margin: float, confidence: float | None) -> dict[str, Any]:
    answers = looks.answer(margin)
    count, changed = int(answers.early.sum()), int(looks.differing(answers)[answers.early].sum())
    upper = None if confidence is None or not count else exact_upper_limit(changed, count, confidence)
    return {
        "n": len(looks),
        "early": count / len(looks),
        "differ": changed / max(count, 1),
        "upper": upper,
        "seen": float(answers.seen.mean()),
    }
