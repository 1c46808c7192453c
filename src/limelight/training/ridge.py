"""Ridge regression on classes in closed form: the linear head of an encoder with fixed features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from limelight.errors import LabelError, ParameterError
from limelight.training.ridge_parts import RidgePart, RidgeSums, sum_part

ALPHAS = tuple(float(alpha) for alpha in np.logspace(-3, 5, 17))
WIDE_ALPHAS = tuple(float(alpha) for alpha in np.logspace(0, 5, 11))
COLUMNS = 2_000
HELD_OUT = 10
LEAST_DEVIATION = 1e-30
"""Features that vary less count as constant: their weights would not be finite in float32."""


Criterion = Callable[[Tensor, Tensor, Tensor], float]


def squared_error(
    scores: Float[Tensor, "n outputs"], targets: Float[Tensor, "n outputs"], weights: Float[Tensor, " n"]
) -> float:
    """Compute the weighted mean squared error.

    Example
    -------
    >>> squared_error(torch.tensor([[0.5], [1.0]]), torch.tensor([[1.0], [1.0]]), torch.tensor([3.0, 1.0]))
    0.1875
    """
    return float(((scores - targets).square().mean(dim=1) * weights).sum() / weights.sum())


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear head: ``features @ weight.T + bias`` is above 0 if a class is more likely than not.

    Parameters
    ----------
    weight
        For unstandardised features, float32, shape (outputs, features).
    bias
        Float32, shape (outputs,).
    alpha
        The selected penalty, shape (outputs,).
    rows
        Rows of the out-of-sample ``scores``, shape (m,).
    scores
        Score of each of these rows by a head fitted without it, float64, shape (m, outputs).
    mean
        Mean of each feature, shape (features,).
    without_groups
        Score of each of these rows by a head fitted without its group, float64, shape (m, outputs); None if no groups
        are known.
    """

    weight: Float[Tensor, "outputs features"]
    bias: Float[Tensor, " outputs"]
    alpha: Float[Tensor, " outputs"]
    rows: Int64[Tensor, " m"]
    scores: Float[Tensor, "m outputs"]
    mean: Float[Tensor, " features"]
    without_groups: Float[Tensor, "m outputs"] | None = None

    def __call__(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n outputs"]:
        """Compute the scores, shape (n, outputs)."""
        return torch.addmm(self.bias, features, self.weight.T)


def fit_ridge(
    features: Float[Tensor, "n features"],
    targets: Float[Tensor, "n outputs"],
    known: Bool[Tensor, "n outputs"] | None = None,
    *,
    alphas: Sequence[float] = ALPHAS,
    emphasis: Float[Tensor, " features"] | None = None,
    criterion: Criterion = squared_error,
    weights: Float[Tensor, "n outputs"] | None = None,
    groups: Int64[Tensor, " n"] | None = None,
) -> Ridge:
    """Fit a head with the penalty of the lowest leave-one-out error.

    Features are standardised. The cost is cubic in the smaller of the numbers of series and features.

    Parameters
    ----------
    features
        Finite, shape (n, features), n at least 2.
    targets
        -1 or 1, shape (n, outputs).
    known
        Which targets are known, shape (n, outputs); None if all are. Outputs with unknown targets are fitted on their
        known rows, each with its own penalty.
    alphas
        Candidate penalties, above 0.
    emphasis
        Factors of the standardised features, at least 0, shape (features,); the penalty is weaker for larger ones, and
        a feature with the factor 0 is not used. None is 1 for all.
    criterion
        The error that the penalty minimises: a function of leave-one-out scores and targets, each shape (n, outputs),
        and the weights of the rows, shape (n,).
    weights
        The weight of each series in the sum of squares for each output, above 0, shape (n, outputs); None is 1. If the
        weights of two outputs differ, each output is fitted by itself, with its own penalty.
    groups
        The group of each series, shape (n,), for scores by heads fitted without it; None for no such scores.

    Returns
    -------
    Ridge
        With the leave-one-out scores of all n rows; a row without a target has its prediction there.

    Raises
    ------
    LabelError
        If an output has fewer than two known targets.
    ParameterError
        If a penalty is not above 0.

    Source
    ------
    Rifkin and Lippert (2007), Notes on regularized least squares; as scikit-learn's RidgeClassifierCV.

    Example
    -------
    >>> features = torch.tensor([[0.0, 1.0], [0.1, 0.0], [1.0, 1.0], [0.9, 0.0]])
    >>> ridge = fit_ridge(features, torch.tensor([[-1.0], [-1.0], [1.0], [1.0]]))
    >>> ridge(features).sign().flatten().tolist()
    [-1.0, -1.0, 1.0, 1.0]
    """
    _require_positive(alphas)
    known = torch.ones_like(targets, dtype=torch.bool) if known is None else known
    weights = torch.ones_like(targets, dtype=torch.float64) if weights is None else weights.double()
    _require_two(known.sum(dim=0))
    if bool(known.all()) and bool((weights == weights[:, :1]).all()):
        return _fit_complete(features, targets.double(), weights[:, 0], alphas, emphasis, criterion, groups)
    heads, scores, without_groups = [], [], []
    for output in range(targets.shape[1]):
        rows, one = known[:, output], slice(output, output + 1)
        known_groups = None if groups is None else groups[rows]
        head = _fit_complete(
            features[rows],
            targets[rows, one].double(),
            weights[rows, output],
            alphas,
            emphasis,
            criterion,
            known_groups,
        )
        predicted, places = head(features).double(), (rows.nonzero()[:, 0],)
        scores.append(predicted.index_put(places, head.scores))
        if head.without_groups is not None:
            without_groups.append(predicted.index_put(places, head.without_groups))
        heads.append(head)
    weight, bias, alpha = (torch.cat([getattr(head, name) for head in heads]) for name in ("weight", "bias", "alpha"))
    mean = features.mean(dim=0)
    grouped = torch.cat(without_groups, dim=1) if without_groups else None
    return Ridge(weight, bias, alpha, torch.arange(len(features)), torch.cat(scores, dim=1), mean, grouped)


def _fit_complete(
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    alphas: Sequence[float],
    emphasis: Tensor | None,
    criterion: Criterion,
    groups: Tensor | None,
) -> Ridge:
    """Fit outputs with complete targets, with one penalty and one weight for each row."""
    weights = weights / weights.mean()
    deviation, mean = _weighted_moments(features, weights)
    scale = torch.where(deviation > LEAST_DEVIATION, deviation, 1.0) / (1.0 if emphasis is None else emphasis.double())
    centre = (weights[:, None] * targets).mean(dim=0)
    solve = _SmallSolver if len(features) <= features.shape[1] else _LargeSolver
    solver = solve(features, mean, scale, targets - centre, weights.sqrt())
    errors = [solver.leave_one_out_errors(alpha) for alpha in alphas]
    best = min(range(len(alphas)), key=lambda place: criterion(targets - errors[place], targets, weights))
    weight = solver.weight(alphas[best]).T / scale
    alpha = torch.full((targets.shape[1],), alphas[best], dtype=torch.float32)
    bias = centre - weight @ mean
    rows = torch.arange(len(features))
    grouped = None
    if groups is not None:
        grouped = targets - solver.leave_group_out_errors(alphas[best], rows_of_groups(groups))
    return Ridge(weight.float(), bias.float(), alpha, rows, targets - errors[best], mean.float(), grouped)


def rows_of_groups(groups: Int64[Tensor, " n"]) -> list[Tensor]:
    """Return the rows of each group.

    Parameters
    ----------
    groups
        The group of each row, any numbers, shape (n,).

    Returns
    -------
    list[Tensor]
        The rows of each group, in increasing order of the groups.

    Raises
    ------
    LabelError
        If all rows are of one group, without which nothing is left to fit.

    Example
    -------
    >>> [rows.tolist() for rows in rows_of_groups(torch.tensor([7, 3, 7]))]
    [[1], [0, 2]]
    """
    order = torch.argsort(groups, stable=True)
    sizes = torch.unique(groups, return_counts=True)[1].tolist()
    if len(sizes) < 2:
        raise LabelError("expected labelled series of at least 2 groups, got 1; give more groups, or do not group")
    return list(torch.split(order, sizes))


def errors_without_groups(
    residuals: Float[Tensor, "n outputs"],
    groups: Sequence[Tensor],
    left: Float[Tensor, "n factors"],
    right: Float[Tensor, "n factors"],
    *,
    diagonal: float = 0.0,
) -> Float[Tensor, "n outputs"]:
    """Compute the errors of a linear smoother H for each group of rows if it is fitted without them.

    Parameters
    ----------
    residuals
        Targets minus fitted scores, y - H y, shape (n, outputs).
    groups
        The rows of each group, at least two groups.
    left, right
        Factors of I - H = diagonal I + left right', each shape (n, factors).
    diagonal
        Any number.

    Returns
    -------
    Tensor
        Targets minus the scores of heads fitted without the group, (I - H)_gg^-1 (y - H y)_g, shape (n, outputs).

    Source
    ------
    Leave-one-out of Rifkin and Lippert (2007), Notes on regularized least squares, for several rows at once.

    Example
    -------
    >>> targets, ones = torch.tensor([[1.0], [3.0], [5.0]]), torch.ones(3, 1)  # H is the mean of the three
    >>> groups = [torch.tensor([0]), torch.tensor([1, 2])]
    >>> errors = errors_without_groups(targets - 3, groups, ones / 3, -ones, diagonal=1.0)
    >>> errors.round(decimals=4).flatten().tolist()
    [-3.0, 2.0, 4.0]
    """
    errors = torch.empty_like(residuals)
    for rows in groups:
        block = left[rows] @ right[rows].T + diagonal * torch.eye(len(rows), dtype=left.dtype)
        errors[rows] = torch.linalg.solve(block, residuals[rows])
    return errors


def _weighted_moments(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and mean of each feature; the weights have the mean 1."""
    if bool((weights == 1).all()):
        return torch.std_mean(features.double(), dim=0, correction=0)
    mean = (weights @ features.double()) / len(features)
    variance = (weights @ features.double().square()) / len(features) - mean.square()
    return torch.where(variance > 1e-12 * mean.square(), variance, 0.0).sqrt(), mean


class _SmallSolver:
    """Solver for fewer series than features, from the eigenvectors of the Gram matrix of the series.

    Rows are multiplied by the square roots of their weights.
    """

    def __init__(self, features: Tensor, mean: Tensor, scale: Tensor, targets: Tensor, roots: Tensor) -> None:
        self.features, self.mean, self.scale, self.roots = features, mean, scale, roots
        products = torch.zeros(len(features), len(features), dtype=torch.float64)
        for start in range(0, features.shape[1], COLUMNS):
            columns = self._standardised(start)
            products.addmm_(columns, columns.T)
        self.values, self.vectors = torch.linalg.eigh(products)
        self.values.clamp_(min=0)
        self.rotated = self.vectors.T @ (targets * roots[:, None])

    def _standardised(self, start: int) -> Tensor:
        some = slice(start, start + COLUMNS)
        return (self.features[:, some].double() - self.mean[some]) / self.scale[some] * self.roots[:, None]

    def leave_one_out_errors(self, alpha: float) -> Tensor:
        """Compute target minus leave-one-out score, shape (n, outputs); the intercept is not penalised."""
        inverse = 1 / (self.values + alpha)
        dual = self.vectors @ (inverse[:, None] * self.rotated)
        diagonal = self.vectors.square() @ inverse - self.roots.square() / (len(dual) * alpha)
        errors: Tensor = dual / (diagonal * self.roots)[:, None]
        return errors

    def leave_group_out_errors(self, alpha: float, groups: Sequence[Tensor]) -> Tensor:
        """Compute target minus score without the group of the row, shape (n, outputs)."""
        shrunk = alpha / (self.values + alpha)
        factors, ones = self.vectors * shrunk.sqrt(), self.roots[:, None] / len(shrunk) ** 0.5
        left, right = torch.cat([factors, -ones], dim=1), torch.cat([factors, ones], dim=1)
        residuals = self.vectors @ (shrunk[:, None] * self.rotated)
        return errors_without_groups(residuals, groups, left, right) / self.roots[:, None]

    def weight(self, alpha: float) -> Tensor:
        """Compute the weights of standardised features, shape (features, outputs)."""
        dual = self.vectors @ (self.rotated / (self.values + alpha)[:, None])
        starts = range(0, self.features.shape[1], COLUMNS)
        return torch.cat([self._standardised(start).T @ dual for start in starts])


class _LargeSolver:
    """Solver for more series than features, from the eigenvectors of the covariance of the features."""

    def __init__(self, features: Tensor, mean: Tensor, scale: Tensor, targets: Tensor, roots: Tensor) -> None:
        standardised = (features.double() - mean) / scale * roots[:, None]
        self.values, self.vectors = torch.linalg.eigh(standardised.T @ standardised)
        self.values.clamp_(min=0)
        self.targets, self.roots = targets * roots[:, None], roots
        self.rotated_features = standardised @ self.vectors
        self.rotated = self.rotated_features.T @ self.targets

    def leave_one_out_errors(self, alpha: float) -> Tensor:
        """Compute target minus leave-one-out score, shape (n, outputs); the intercept is not penalised."""
        inverse = 1 / (self.values + alpha)
        rest = self.targets - self.rotated_features @ (inverse[:, None] * self.rotated)
        leverage = self.rotated_features.square() @ inverse + self.roots.square() / len(rest)
        errors: Tensor = rest / ((1 - leverage) * self.roots)[:, None]
        return errors

    def leave_group_out_errors(self, alpha: float, groups: Sequence[Tensor]) -> Tensor:
        """Compute target minus score without the group of the row, shape (n, outputs)."""
        inverse = 1 / (self.values + alpha)
        rest = self.targets - self.rotated_features @ (inverse[:, None] * self.rotated)
        ones = self.roots[:, None] / len(rest) ** 0.5
        smoother = torch.cat([self.rotated_features * inverse.sqrt(), ones], dim=1)
        return errors_without_groups(rest, groups, -smoother, smoother, diagonal=1.0) / self.roots[:, None]

    def weight(self, alpha: float) -> Tensor:
        """Compute the weights of standardised features, shape (features, outputs)."""
        weight: Tensor = self.vectors @ (self.rotated / (self.values + alpha)[:, None])
        return weight


def fit_ridge_streamed(
    batches: Iterable[tuple[Tensor, ...]],
    *,
    alphas: Sequence[float] = WIDE_ALPHAS,
    every: int = HELD_OUT,
    emphasis: Float[Tensor, " features"] | None = None,
) -> Ridge:
    """Fit a head in one pass over batches: select the penalty on held-out rows, then fit all rows.

    Memory: the square of the number of features, plus the held-out rows. Products within a batch are summed in
    float32, batches in float64.

    Parameters
    ----------
    batches
        Features, shape (n, features), targets of -1 or 1, all known, shape (n, outputs), and optionally the weights of
        the rows, above 0, shape (n,); in random order, as they must not be sorted by class.
    alphas
        Candidate penalties, above 0; the search starts at the middle one and moves on while the error falls.
    every
        Hold out one row in this many, at least 2.
    emphasis
        As for ``fit_ridge``.

    Returns
    -------
    Ridge
        With the scores of the held-out rows by the head fitted without them.

    Raises
    ------
    LabelError
        If there are not more rows than ``every``.
    ParameterError
        If a penalty is not above 0 or ``every`` is below 2.

    Example
    -------
    >>> features = torch.linspace(0, 1, 40)[:, None]
    >>> ridge = fit_ridge_streamed([(features, (features - 0.4).sign())])
    >>> ridge.rows.tolist(), ridge.scores.sign().flatten().tolist()
    ([9, 19, 29, 39], [-1.0, 1.0, 1.0, 1.0])
    """
    if every < 2:
        raise ParameterError(f"expected to hold out one row in 2 or more, got one in {every}; give a larger number")
    part = sum_part(batches, every=every, emphasis=emphasis)
    return fit_ridge_parts([] if part is None else [part], alphas=alphas, every=every)


def fit_ridge_parts(
    parts: Iterable[RidgePart], *, alphas: Sequence[float] = WIDE_ALPHAS, every: int = HELD_OUT
) -> Ridge:
    """Fit a head to sums over parts of the rows, in order: select the penalty on held-out rows, then fit all rows.

    Parameters
    ----------
    parts
        Consecutive parts of the stream of all rows, with the same shift; the sums of the first are changed.
    alphas, every
        As for ``fit_ridge_streamed``, whose errors are raised.

    Returns
    -------
    Ridge
        As ``fit_ridge_streamed`` returns for the same rows.

    Example
    -------
    >>> features = torch.linspace(0, 1, 40)[:, None]
    >>> targets, shift = (features - 0.4).sign(), torch.tensor([0.5])
    >>> halves = [slice(0, 25), slice(25, 40)]
    >>> parts = [sum_part([(features[x], targets[x])], every=10, first=x.start, shift=shift) for x in halves]
    >>> fit_ridge_parts(parts).rows.tolist()
    [9, 19, 29, 39]
    """
    _require_positive(alphas)
    sums, held, seen = None, [], 0
    for part in parts:
        held.append((part.rows, part.features, part.targets, part.weights))
        seen += part.seen
        if sums is None:
            sums = part.sums
        else:
            sums.merge(part.sums)
        del part  # its sums are large
    if sums is None or seen <= every:
        raise LabelError(f"expected more than {every} labelled series, got {seen}; give more, or use fit_ridge")
    rows, features, targets, weights = (torch.cat(parts) for parts in zip(*held, strict=True))
    score = partial(_held_out_scores, sums, features)
    alpha, scores = _choose_downhill(sorted(alphas), score, targets, weights)
    sums.add(features, targets, weights)
    solved = sums.solve(alpha)
    if scores is None or solved is None:
        raise ParameterError(f"expected a penalty large enough to solve with, got at most {alpha}; give a larger one")
    weight, bias = solved
    chosen = torch.full((len(bias),), alpha, dtype=torch.float32)
    return Ridge(weight.float(), bias.float(), chosen, rows, scores, sums.mean().float())


def _held_out_scores(sums: RidgeSums, features: Tensor, alpha: float) -> Tensor | None:
    solved = sums.solve(alpha)
    return None if solved is None else torch.addmm(solved[1], features.double(), solved[0].T)


def _choose_downhill(
    alphas: Sequence[float], score: Callable[[float], Tensor | None], targets: Tensor, weights: Tensor
) -> tuple[float, Tensor | None]:
    """Search ascending penalties from the middle while the error falls, as each try is cubic in the features.

    A penalty too small to solve with has an infinite error.
    """
    tried: dict[int, tuple[float, Tensor | None]] = {}

    def error(place: int) -> float:
        if not 0 <= place < len(alphas):
            return float("inf")
        if place not in tried:
            scores = score(alphas[place])
            missed = float("inf") if scores is None else squared_error(scores, targets, weights)
            tried[place] = missed, scores
        return tried[place][0]

    place = len(alphas) // 2
    while error(place) == float("inf") and place < len(alphas) - 1:
        place += 1
    for step in (1, -1):
        while error(place + step) < error(place):
            place += step
    return alphas[place], tried[place][1]


def _require_positive(alphas: Sequence[float]) -> None:
    if len(alphas) == 0 or min(alphas) <= 0:
        raise ParameterError(f"expected penalties above 0, got {list(alphas)}; use for example [0.1, 1, 10]")


def _require_two(counts: Tensor) -> None:
    if int(counts.min()) < 2:
        raise LabelError(
            f"expected at least 2 series with a known target for every output, got {int(counts.min())} for output "
            f"{int(counts.argmin())}; give more labelled series"
        )
