"""Agreement: whether hiding what an explanation calls important changes the prediction, measured with random masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.explanation.explanation import Explanation
from limelight.explanation.perturbation import CHUNK_VALUES, replace_masked, step_numbers
from limelight.explanation.quality.ranking import (
    MEASURED_STRETCHES,
    estimate_effects,
    hidden_by_part,
    part_numbers,
    rank_by_effect,
)
from limelight.explanation.target import Target
from limelight.model.fitted import FittedModel
from limelight.types import Doubles, Rows

MASKS = 48
WIDTHS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Widths of a hidden stretch, as shares of the series."""
HIDDEN_SHARES = (0.05, 0.15, 0.3)
"""Shares of a series to hide. Of larger shares, the effects of the stretches no longer add up."""
ALONE = 0.5
"""Probability that a stretch is hidden in one channel only, if there are several."""
LEAST_OF_CLASS = 2


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well an explanation agrees with what random masks do to the prediction.

    Parameters
    ----------
    by_series
        Correlation of each series between the importance that the masks hide and the drop in log odds that they cause,
        in [-1, 1], shape (n,).
    ranking
        NDCG of the importance of the values of each series by their estimated effects, and that of a random order, in
        [0, 1], shape (n, 2).
    supporting, opposing
        The mean correlation if only positive, or only negative, importance counts; None if there is none.
    targets
        The explained class or label of each series, shape (n,).
    """

    by_series: Doubles
    ranking: Doubles
    supporting: float | None
    opposing: float | None
    targets: NDArray[Any]

    @property
    def by_class(self) -> dict[str, float]:
        """The mean correlation of the series of each target that at least two series have; of all series if none."""
        return {name: float(self.by_series[rows].mean()) for name, rows in self._rows_of_classes().items()}

    @property
    def best_class(self) -> str:
        """The target whose explanations agree most; empty if no two series have the same."""
        return max(self.by_class, key=lambda name: self.by_class[name])

    def of_class(self, name: str) -> Doubles:
        """Return the correlations of the series of a target in ``by_class``, shape (series of the target,)."""
        return self.by_series[self._rows_of_classes()[name]]

    def _rows_of_classes(self) -> dict[str, NDArray[np.bool_]]:
        """Return which series have each target that at least two have; all series, under an empty name, if none."""
        targets = self.targets.astype(str)
        names, counts = np.unique(targets, return_counts=True)
        rows = {str(name): targets == name for name in names[counts >= LEAST_OF_CLASS].tolist()}
        return rows or {"": np.ones(len(targets), dtype=bool)}

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, ready for JSON.

        ``score`` and its standard ``error`` are the correlation of the class in which it is highest, ``ndcg`` and
        ``ndcg_by_chance`` those of ``ndcg_class``, in which the NDCG is highest.
        """
        best = self.of_class(self.best_class)
        means = {name: self.ranking[rows].mean(axis=0).tolist() for name, rows in self._rows_of_classes().items()}
        ndcg_class = max(means, key=lambda name: float(means[name][0]))
        ndcg, by_chance = means[ndcg_class]
        return {
            "ndcg": ndcg,
            "ndcg_by_chance": by_chance,
            "ndcg_class": ndcg_class,
            "score": float(best.mean()),
            "error": float(best.std(ddof=1) / np.sqrt(len(best))),
            "class": self.best_class,
            "by_class": self.by_class,
            "supporting": self.supporting,
            "opposing": self.opposing,
        }


def mask_agreement(
    model: FittedModel,
    target: Target,
    explanations: Mapping[str, Explanation],
    panel: Panel,
    source: Panel,
    *,
    masks: int = MASKS,
    seed: int = 0,
) -> dict[str, Agreement]:
    """Compare explanations with what hiding random stretches does to the prediction.

    Every mask hides stretches of one width, in all channels or in one. The drop in log odds is the mean of two
    predictions: with values of another series at the same relative positions, and with a straight line over each
    stretch. All explanations are measured with the same masks, which none of them has chosen.

    The correlation is that between the importance that each mask hides and the drop that it causes. What a mask hides
    of a constant importance is subtracted, so that the size of the masks does not count. The NDCG compares the order
    of the values by importance with their effects, which ridge regression estimates from the same drops.

    Parameters
    ----------
    model
        Any fitted model.
    target
        The class or label of each of the n series whose log odds are predicted.
    explanations
        Explanations of the panel by the name of their method.
    panel
        n series, at least 2.
    source
        Series to sample replacement values from.
    masks
        Number of masks for each series, at least 3.
    seed
        The same seed draws the same masks.

    Returns
    -------
    dict[str, Agreement]
        For each method.

    Source
    ------
    The correlation is that of Bhatt, Weller and Moura, Evaluating and Aggregating Feature-based Model Explanations,
    2020. By class and by sign, and the NDCG by estimated effects: this project.

    Example
    -------
    >>> from limelight.explanation.methods.registry import explain
    >>> from limelight.explanation.target import resolve_target
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> panel = Panel.from_series(np.ones((4, 20)))
    >>> found = mask_agreement(model, resolve_target(model.predict(panel)), {"x": explain(model, panel)}, panel, panel)
    >>> found["x"].by_series.tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    panel = panel.compact()
    parts = {name: _centred_parts(one) for name, one in explanations.items()}
    rows = np.repeat(np.arange(len(panel)), masks)
    hidden = {name: np.zeros((len(numbers), len(rows))) for name, numbers in parts.items()}
    shares, drops = np.zeros(len(rows)), np.zeros(len(rows))
    by_part = np.zeros((len(rows), MEASURED_STRETCHES, len(panel.channels)))
    original = target.log_odds(model.predict(panel))
    random = np.random.default_rng(seed)
    size = max(1, CHUNK_VALUES // max(1, int(panel.lengths.max()) * len(panel.channels)))
    for start in range(0, len(rows), size):
        chunk = slice(start, start + size)
        copies = panel[rows[chunk]].compact()
        mask = random_masks(copies, random)
        shares[chunk] = np.add.reduceat(mask.mean(axis=1), copies.starts) / copies.lengths
        by_part[chunk] = hidden_by_part(copies, mask)
        place = panel.starts[rows[chunk]]
        steps = np.repeat(place, copies.lengths) + step_numbers(copies)
        for name, numbers in parts.items():
            sums = (numbers[:, steps] * mask).sum(axis=2)
            hidden[name][:, chunk] = np.add.reduceat(sums, copies.starts, axis=1)
        background_rows = random.integers(len(source), size=len(copies))
        for changed in (replace_masked(copies, source, background_rows, mask), bridge_masked(copies, mask)):
            after = target.at(rows[chunk]).log_odds(model.predict(changed))
            drops[chunk] += (original[rows[chunk]] - after) / 2
    by_series = (len(panel), masks)
    drops, shares = drops.reshape(by_series), shares.reshape(by_series)
    rankings = _rank(panel, {name: numbers[0] for name, numbers in parts.items()}, by_part, drops)
    return {
        name: _agreement(one.reshape(-1, *by_series), drops, shares, rankings[name], target.names)
        for name, one in hidden.items()
    }


def _rank(panel: Panel, importance: Mapping[str, Doubles], by_part: Doubles, drops: Doubles) -> dict[str, Doubles]:
    """Return NDCG and chance of each series by method: importance (steps, channels), drops (n, masks)."""
    numbers = part_numbers(panel)
    found = {name: np.zeros((len(panel), 2)) for name in importance}
    for row, (start, length) in enumerate(zip(panel.starts.tolist(), panel.lengths.tolist(), strict=True)):
        steps = slice(start, start + length)
        hidden = by_part[row * drops.shape[1] : (row + 1) * drops.shape[1]]
        effects = estimate_effects(hidden, drops[row])[numbers[steps]]
        for name, values in importance.items():
            found[name][row] = rank_by_effect(values[steps], effects)
    return found


def random_masks(panel: Panel, random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which values of each series of a compact panel to hide, shape (steps, channels)."""
    channels = len(panel.channels)
    mask = np.zeros((len(panel.values), channels), dtype=bool)
    for start, length in zip(panel.starts.tolist(), panel.lengths.tolist(), strict=True):
        width = max(1, round(length * random.choice(WIDTHS)))
        for _ in range(max(1, round(length * random.choice(HIDDEN_SHARES) / width))):
            first = random.integers(1 - width, length)
            alone = channels > 1 and random.random() < ALONE
            which = int(random.integers(channels)) if alone else slice(None)
            mask[start + max(0, first) : start + min(first + width, length), which] = True
    return mask


def bridge_masked(panel: Panel, mask: NDArray[np.bool_]) -> Panel:
    """Replace the masked values of a compact panel by straight lines between the known values beside them.

    A channel without a known value in a series keeps its values.

    Example
    -------
    >>> panel = Panel.from_series([[0.0, 9.0, 9.0, 3.0, 9.0]])
    >>> bridge_masked(panel, np.array([[False], [True], [True], [False], [True]])).values[:, 0].tolist()
    [0.0, 1.0, 2.0, 3.0, 3.0]
    """
    values = panel.values.copy()
    for start, length in zip(panel.starts.tolist(), panel.lengths.tolist(), strict=True):
        own, hidden = values[start : start + length], mask[start : start + length]
        for channel in np.flatnonzero(hidden.any(axis=0)).tolist():
            known = ~hidden[:, channel] & np.isfinite(own[:, channel])
            if known.any():
                places = np.flatnonzero(hidden[:, channel])
                own[places, channel] = np.interp(places, np.flatnonzero(known), own[known, channel])
    return panel.replace(values=values, backing=None)


def _centred_parts(explanation: Explanation) -> Doubles:
    """Return importance by value, its positive and its negative part, each minus its mean over the series.

    Shape (3, steps, channels).
    """
    channels = len(explanation.panel.channels)
    if explanation.channels is None:
        by_value = np.concatenate(explanation.importance).astype(np.float64)[:, None]
        by_value = np.repeat(by_value / channels, channels, axis=1)
    else:
        by_value = np.concatenate(explanation.channels).astype(np.float64)
    parts = np.stack([by_value, by_value.clip(min=0), by_value.clip(max=0)])
    lengths = explanation.panel.lengths
    starts: Rows = np.cumsum(lengths) - lengths
    means = np.add.reduceat(parts.mean(axis=2), starts, axis=1) / lengths
    centred: Doubles = parts - np.repeat(means, lengths, axis=1)[:, :, None]
    return centred


def _agreement(hidden: Doubles, drops: Doubles, shares: Doubles, ranking: Doubles, targets: NDArray[Any]) -> Agreement:
    """Correlate what the masks hide of all, of positive and of negative importance, shape (3, n, masks)."""
    drops = _without_share(drops, shares)
    correlations = [_correlate(_without_share(one, shares), drops) for one in hidden]
    any_sign = [bool(np.abs(one).max(initial=0.0) > 0) for one in hidden[1:]]
    supporting, opposing = (
        float(one.mean()) if has else None for one, has in zip(correlations[1:], any_sign, strict=True)
    )
    return Agreement(correlations[0], ranking, supporting, opposing, targets)


def _without_share(numbers: Doubles, shares: Doubles) -> Doubles:
    """Subtract from the numbers of each series what is linear in the hidden share, shape (n, masks)."""
    numbers, shares = (one - one.mean(axis=1, keepdims=True) for one in (numbers, shares))
    spread = (shares * shares).sum(axis=1, keepdims=True)
    slope = (numbers * shares).sum(axis=1, keepdims=True) / np.where(spread > 0, spread, 1.0)
    rest: Doubles = numbers - slope * shares
    return rest


def _correlate(numbers: Doubles, drops: Doubles) -> Doubles:
    """Compute the correlation of each series, 0 if one side is constant, shape (n,)."""
    sizes = np.sqrt((numbers * numbers).sum(axis=1) * (drops * drops).sum(axis=1))
    varies = sizes > 1e-9 * max(1.0, float(sizes.max(initial=0.0)))
    correlations: Doubles = np.where(varies, (numbers * drops).sum(axis=1) / np.where(varies, sizes, 1.0), 0.0)
    return correlations
