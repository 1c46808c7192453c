"""Training in closed form: an encoder with nothing to train, and a ridge regression as its head."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.model.batching import batches_by_length
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.task import Task
from limelight.training.loaders import BatchesOfPanel
from limelight.training.logit_scale import fit_scale
from limelight.training.losses import Loss, signed_targets
from limelight.training.preparation import Prepared
from limelight.training.result import SOLVED, FitResult, OutOfSample, fit_info
from limelight.training.ridge import Ridge, fit_ridge, fit_ridge_streamed
from limelight.training.settings import TrainingSettings

MOST_AT_ONCE = 4_000
"""Series whose features are all kept in memory; the head of more is fitted in one pass."""
SAMPLE, SAMPLED_STEPS = 512, 1 << 24
"""Series, and steps with padding, that thresholds are taken from at most."""
FILL_STRATEGIES = ("mask", "last")
"""Where nothing is stated. Marks tell where values are missing, if that means something; else the mean that stands
there makes peaks in a smooth series, and the last value does not (ArrowHead with a tenth missing: 0.72 against 0.86,
leave-one-out)."""
EMPHASES = (1.0, 10.0, 30.0, 100.0)
"""How many times more than a feature of the series each fact may count for the penalty."""
JUDGES = 1_000
"""Series that choose among them."""


def solve_best(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    settings: TrainingSettings,
    *,
    ways: Sequence[str],
    validation: Panel | None = None,
    seed: int = 0,
) -> FitResult:
    """Solve with each of some ways to treat missing values, and keep the one that answers series left out better.

    Parameters
    ----------
    ways
        For ``Architecture.missing``, at least one.
    panel, task, prepared, settings, validation, seed
        As for ``solve``, whose errors are raised.

    Returns
    -------
    Training
        Of the lowest log loss of answers about series left out.
    """
    started = time.perf_counter()
    tried = [replace(prepared, architecture=replace(prepared.architecture, missing=way)) for way in ways]
    solved = [solve(panel, task, one, settings, validation=validation, seed=seed) for one in tried]
    best = min(solved, key=lambda one: one.out_of_sample.loss if one.out_of_sample else float("inf"))
    return replace(best, seconds=time.perf_counter() - started)


def solve(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    settings: TrainingSettings,
    *,
    validation: Panel | None = None,
    seed: int = 0,
) -> FitResult:
    """Fit a network whose encoder pools by itself: thresholds, then the head, then the scale of its logits.

    Validation series are left alone: the head needs none, as its penalty and its scale are chosen by training series
    left out. What these get from heads fitted without them comes back, for thresholds and sets to be chosen on.

    Parameters
    ----------
    panel
        Training series with labels.
    task
        What is asked, about series.
    prepared
        Sentence, statistics and vocabulary.
    settings
        Of which only ``imbalance`` matters.
    validation
        Counted among the facts of the training; no number depends on them.
    seed
        The same seed gives the same model.

    Returns
    -------
    Training
        With answers about series left out.

    Raises
    ------
    LabelError
        If a label is not a class of the task, or an output has fewer than two known targets.
    ParameterError
        If rare classes are to count more.
    """
    if settings.imbalance != "none":
        raise ParameterError(
            f"expected imbalance='none' for the encoder {prepared.architecture.encoder.name!r}, whose head is solved "
            f"in closed form, got {settings.imbalance!r}; leave it out, or take another encoder"
        )
    targets = targets_of(task, panel)
    codes = targets.every()
    started = time.perf_counter()
    series = BatchesOfPanel(panel, targets, prepared.architecture, prepared.vocabulary)
    network = prepared.network(len(panel.channels), task.outputs, series.facts).eval()
    _fit_thresholds(network, series, seed)
    wanted, known = signed_targets(task, codes)
    ridge, chosen_by = _fit_head(network, series, wanted, known, seed)
    scores, wanted, known = ridge.scores, wanted[ridge.rows], known[ridge.rows]
    scale = fit_scale(scores, wanted, known, one_of=not task.multilabel)
    with torch.no_grad():
        network.head.weight.copy_(ridge.weight * scale[:, None])
        network.head.bias.copy_(ridge.bias * scale)
        network.encoder.typical.copy_(ridge.mean[: network.encoder.width])
    how = {"solver": "ridge", "penalty": ridge.alpha.tolist(), "chosen_by": chosen_by}
    facts = fit_info(panel, validation, task, codes, prepared.statistics, training=how, seed=seed)
    model = FittedModel(task, prepared.architecture, network, panel.channels, facts, prepared.vocabulary)
    logits = scores * scale
    loss = float(Loss(task)(logits, torch.from_numpy(codes)[ridge.rows]))
    out_of_sample = OutOfSample(ridge.rows.numpy(), logits.numpy(), loss)
    return FitResult(model, [], 0, SOLVED, time.perf_counter() - started, out_of_sample=out_of_sample)


def _fit_thresholds(network: Network, series: BatchesOfPanel, seed: int) -> None:
    panel = series.panel
    most = max(1, min(SAMPLE, SAMPLED_STEPS // int(panel.lengths.max())))
    rows = np.random.default_rng(seed).permutation(len(panel))[:most]
    batch = series[rows]
    with torch.no_grad():
        network.encoder.fit(network.inputs(batch), batch.mask, torch.Generator().manual_seed(seed))


def _fit_head(network: Network, series: BatchesOfPanel, wanted: Tensor, known: Tensor, seed: int) -> tuple[Ridge, str]:
    """Fit the head and say how its penalty was chosen."""
    n, random = len(series.panel), np.random.default_rng(seed)
    if n <= MOST_AT_ONCE or not bool(known.all()):
        features = _features(network, series, np.arange(n))
        emphasis = _emphasis(network, features, wanted, known, random)
        return fit_ridge(features, wanted, known, emphasis=emphasis), "leave-one-out"
    some = np.sort(random.permutation(n)[:JUDGES])
    emphasis = None
    if network.context is not None:
        emphasis = _emphasis(network, _features(network, series, some), wanted[some], known[some], random)
    order: list[NDArray[np.int64]] = []

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in _in_any_order(series.panel, random):
            order.append(rows)
            yield _pooled(network, series[rows]), wanted[rows]

    ridge = fit_ridge_streamed(batches(), emphasis=emphasis)
    rows = torch.from_numpy(np.concatenate(order))[ridge.rows]
    return replace(ridge, rows=rows), "series held out"


def _emphasis(
    network: Network, features: Tensor, wanted: Tensor, known: Tensor, random: np.random.Generator
) -> Tensor | None:
    """Choose by series left out how much more facts count than features of the series, which are thousands."""
    if network.context is None:
        return None
    some = torch.from_numpy(np.sort(random.permutation(len(features))[:JUDGES]))
    features, wanted, known = features[some], wanted[some], known[some]
    facts = torch.arange(features.shape[1]) >= network.encoder.width

    def missed(emphasis: Tensor) -> float:
        scores = fit_ridge(features, wanted, known, emphasis=emphasis).scores
        return float((scores - wanted)[known].square().mean())

    tried: list[Tensor] = [torch.where(facts, factor, 1.0) for factor in EMPHASES]
    return min(tried, key=missed)


def _features(network: Network, series: BatchesOfPanel, rows: NDArray[np.int64]) -> Float[Tensor, "n width"]:
    """Give what the head reads of some series, shape (n, width)."""
    features = torch.empty(len(rows), network.head.in_features)
    for some in batches_by_length(series.panel[rows]):
        features[some] = _pooled(network, series[rows[some]])
    return features


@torch.no_grad()
def _pooled(network: Network, batch: Batch) -> Tensor:
    return network.pooled(batch)


def _in_any_order(panel: Panel, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Cut all rows into batches of similar lengths, in an order that has nothing to do with classes or lengths."""
    batches = list(batches_by_length(panel))
    return [random.permutation(batches[place]) for place in random.permutation(len(batches))]
