"""Novelty: how far a series is from the training series, in the features that the head of the network reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from limelight.data.panel import Panel
from limelight.types import Doubles

DIMENSIONS = 32
"""Random directions onto which features are projected: distances keep their size within about 12 %."""
NEAREST_SERIES = 5
"""The distance of a series is the mean distance to this many nearest training series."""
MOST_REFERENCE_SERIES = 500
USUAL = 0.95
"""The share of series like those in training whose novelty is at most 1."""
LEAST_SPREAD = 0.1
"""Features that hardly vary in training count as if they had this share of the mean standard deviation."""


@dataclass(frozen=True, eq=False)
class NoveltyScore:
    """Distances to training series, in units of the distance that 95 % of series like them do not exceed.

    Parameters
    ----------
    scale
        Factor of each feature, shape (width,).
    reference
        Projected features of training series, shape (m, 32), m at least 2.
    unit
        The distance that 95 % of the calibration series do not exceed, above 0.
    furthest
        The novelty of the calibration series that is furthest from the training series, at least 1.

    Source
    ------
    Distances to nearest neighbours in the features of a network: Sun et al., Out-of-Distribution Detection with Deep
    Nearest Neighbors, 2022. Projections of random signs: Achlioptas, Database-friendly random projections, 2003.
    """

    scale: Doubles
    reference: Doubles
    unit: float
    furthest: float

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_projection"}  # computed again when used

    @cached_property
    def _projection(self) -> Tensor:
        return projection_of(self.scale)

    def of_features(self, features: Tensor) -> Doubles:
        """Return the novelty of series from the inputs of their head, shape (n, width) to (n,)."""
        projected = (features.float().cpu() @ self._projection).double()
        return _mean_distance(projected, torch.from_numpy(self.reference), leave_out=False) / self.unit

    def to_tensors(self) -> dict[str, Tensor]:
        """Convert the score to tensors, which are saved with the weights."""
        numbers = {"scale": self.scale, "reference": self.reference, "unit": np.array([self.unit, self.furthest])}
        return {f"novelty_{name}": torch.from_numpy(array.astype(np.float32)) for name, array in numbers.items()}

    @classmethod
    def from_tensors(cls, weights: dict[str, Tensor]) -> NoveltyScore | None:
        """Remove the tensors of ``to_tensors`` from weights and restore the score.

        Returns
        -------
        NoveltyScore | None
            None for a model that was saved without one.

        Raises
        ------
        ValueError
            If the tensors do not fit each other.
        """
        found = [weights.pop(f"novelty_{name}", None) for name in ("scale", "reference", "unit")]
        if all(one is None for one in found):
            return None
        if any(one is None or not bool(torch.isfinite(one).all()) for one in found):
            raise ValueError("expected finite numbers in the novelty score")
        scale, reference, unit = (one.double().numpy() for one in found if one is not None)
        if scale.ndim != 1 or reference.ndim != 2 or reference.shape[1] != DIMENSIONS or unit.shape != (2,):
            raise ValueError(f"expected a novelty score, got shapes {scale.shape}, {reference.shape}, {unit.shape}")
        if len(reference) < 2 or not unit[0] > 0:
            raise ValueError("expected at least 2 reference series and a unit above 0 in the novelty score")
        return cls(scale, reference, float(unit[0]), float(unit[1]))


def fit_novelty(
    model: Any, panel: Panel, validation: Panel | None = None, *, features: Tensor | None = None, seed: int = 0
) -> NoveltyScore | None:
    """Fit the novelty score of a model.

    Parameters
    ----------
    model
        A ``FittedModel``.
    panel
        The training series.
    validation
        Series that the network was not fitted on, which calibrate the distances; None uses the training series, each
        compared with the others (leave-one-out), which suits features that were not learned.
    features
        The inputs of the head for every training series, if they are known, shape (n, width).
    seed
        Of the choice of at most 500 reference series.

    Returns
    -------
    NoveltyScore | None
        None for fewer than 3 series, or if they do not differ.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(panel))[:MOST_REFERENCE_SERIES])
    if len(rows) < 3:
        return None
    features = _features_of(model, panel[rows]) if features is None else features[rows]
    spread = features.double().std(dim=0)
    floor = LEAST_SPREAD * float(spread.mean())
    if not floor > 0:
        return None
    scale = (1 / (spread.clamp(min=floor) * spread.numel() ** 0.5)).numpy()
    projection = projection_of(scale)
    reference = (features.float() @ projection).double()
    if validation is None or len(validation) < 2:
        distances = _mean_distance(reference, reference, leave_out=True)
    else:
        some = validation[np.arange(min(len(validation), MOST_REFERENCE_SERIES))]
        distances = _mean_distance(
            (_features_of(model, some).float() @ projection).double(), reference, leave_out=False
        )
    unit = float(np.quantile(distances, USUAL, method="higher"))
    return None if unit <= 0 else NoveltyScore(scale, reference.numpy(), unit, float(distances.max()) / unit)


def projection_of(scale: Doubles) -> Tensor:
    """Build the projection of scaled features onto random signs, the same on every machine, shape (width, 32).

    Example
    -------
    >>> projection_of(np.array([2.0, 1.0])).abs().mean(dim=1).tolist()
    [0.353..., 0.176...]
    """
    words = np.random.PCG64(0).random_raw(len(scale)).astype("<u8").view(np.uint8).reshape(len(scale), 8)
    bits = np.unpackbits(words[:, : DIMENSIONS // 8], axis=1)
    signs = 2.0 * bits.astype(np.float64) - 1.0
    return torch.from_numpy(signs * scale[:, None] / DIMENSIONS**0.5).float()


def _features_of(model: Any, panel: Panel) -> Tensor:
    """Compute the inputs of the head for every series, shape (n, width)."""
    panel = model.with_channels(panel)
    device = next(model.network.parameters()).device
    found: list[Tensor] = [torch.empty(0)] * len(panel)
    model.network.eval()
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            for row, features in zip(rows, model.network(batch.to(device)).features.cpu(), strict=True):
                found[row] = features
    return torch.stack(found)


def _mean_distance(projected: Tensor, reference: Tensor, *, leave_out: bool) -> Doubles:
    """Compute the mean distance to the nearest reference series, shape (n,); optionally without each series itself."""
    distances = torch.cdist(projected, reference)
    if leave_out:
        distances.fill_diagonal_(float("inf"))
    nearest = min(NEAREST_SERIES, len(reference) - int(leave_out))
    means: Doubles = distances.topk(nearest, dim=1, largest=False).values.mean(dim=1).numpy()
    return means
