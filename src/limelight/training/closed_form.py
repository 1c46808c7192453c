"""Training in closed form: fixed features with a ridge regression as the head."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from limelight.data.panel import Panel
from limelight.data.splitting.grouped import can_leave_groups_out
from limelight.errors import ParameterError
from limelight.model.evidence_profile import measure_profile
from limelight.model.fitted import FittedModel
from limelight.model.padding import batches_by_length
from limelight.model.targets import targets_of
from limelight.nn.network import Network
from limelight.parts.base import Part
from limelight.parts.contexts import OneHotContext
from limelight.progress import late_bar
from limelight.task import Task
from limelight.training.block_weights import WEIGHTS_AT_START, choose_emphasis, lowest_log_losses
from limelight.training.encoder_choice import MOST_AT_ONCE
from limelight.training.loaders import BatchesOfPanel
from limelight.training.logit_scale import fit_scale, fit_shift
from limelight.training.losses import Loss, signed_targets
from limelight.training.preparation import Prepared
from limelight.training.products import choose_products
from limelight.training.result import SOLVED, FitResult, OutOfSample, fit_info
from limelight.training.ridge import Ridge, fit_ridge, squared_error
from limelight.training.scaling import build_network
from limelight.training.series_weights import weights_of_series
from limelight.training.settings import TrainingSettings
from limelight.training.streamed_head import fit_streamed, pooled

SAMPLE, SAMPLED_VALUES = 512, 1 << 24
"""Maximum number of series, and of values with padding, for fitting the thresholds."""
FILL_STRATEGIES = ("mask", "last")
"""Candidates if nothing is stated. A mask keeps the information that a value is missing, but the mean in its place
makes peaks in a smooth series; the last value does not (ArrowHead with a tenth missing: 0.72 and 0.86,
leave-one-out)."""
PROFILED_SERIES, PROFILED_VALUES = 64, 1 << 17
"""Maximum number of series, and of their values, for the baseline of evidence."""
STEPS_OF_A_PART = 1 << 18
"""Number of steps whose features take about half a second."""
SELECTION_SERIES = 500
"""Series on which the weights of the blocks are chosen."""
METADATA_WITHOUT_WEIGHT = "metadata have the weight 0: leave-one-out shows no gain from them"


def solve_best(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    settings: TrainingSettings,
    *,
    strategies: Sequence[str],
    validation: Panel | None = None,
    group: str | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> FitResult:
    """Fit once per missing-value strategy and keep the fit with the lowest leave-one-out log loss.

    Parameters
    ----------
    strategies
        For ``Architecture.missing``, at least one.
    panel, task, prepared, settings, validation, group, seed, progress
        As for ``solve``, whose errors are raised.

    Returns
    -------
    FitResult
        With the lowest log loss of out-of-sample predictions.
    """
    started = time.perf_counter()
    variants = [
        replace(prepared, architecture=replace(prepared.architecture, missing=strategy)) for strategy in strategies
    ]
    solved = [
        solve(panel, task, one, settings, validation=validation, group=group, seed=seed, progress=progress)
        for one in variants
    ]
    best = min(solved, key=lambda one: one.out_of_sample.loss if one.out_of_sample else float("inf"))
    return replace(best, seconds=time.perf_counter() - started)


def solve(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    settings: TrainingSettings,
    *,
    validation: Panel | None = None,
    group: str | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> FitResult:
    """Fit an encoder with fixed features: its thresholds, then the head, then the scale of the logits.

    Validation series are not used: penalty and scale are chosen by leave-one-out on the training series, whose
    out-of-sample predictions are returned to choose decision thresholds and prediction sets on.

    Parameters
    ----------
    panel
        Training series with labels; if they have weights, these are above 0.
    task
        The classes or labels, per series.
    prepared
        Architecture, statistics and vocabulary.
    settings
        ``imbalance``, of which ``"weights"`` and ``"balanced"`` both weight the series by their class, and ``workers``:
        the processes that compute the features of more than 4,000 series.
    validation
        Only counted.
    group
        A metadata field, each group of which out-of-sample predictions leave out as a whole; None leaves out recordings
        if the series are windows, and else one series at a time. Groups are not used for more than 4,000 series.
    seed
        The same seed gives the same model.
    progress
        Whether to show a progress bar if the features take more than two seconds; None shows one in a terminal.

    Returns
    -------
    FitResult
        With out-of-sample predictions.

    Raises
    ------
    LabelError
        If a label is not a class of the task, or an output has fewer than two known targets.
    ParameterError
        If ``imbalance`` is ``"focal"``.
    """
    if settings.imbalance == "focal":
        raise ParameterError(
            f"expected imbalance='weights' or 'none' for the encoder {prepared.architecture.encoder.name!r}, whose "
            "head is solved in closed form, got 'focal'; choose one of them, or another encoder"
        )
    targets = targets_of(task, panel)
    codes = targets.every()
    started = time.perf_counter()
    series = BatchesOfPanel(panel, targets, prepared.architecture, prepared.vocabulary)
    bar = late_bar("computing features", len(panel), " series", progress)
    network = _with_thresholds(series, prepared, task.outputs, seed)
    wanted, known = signed_targets(task, codes)
    weights = weights_of_series(panel, task, codes, wanted, settings)
    with bar:
        solved = _fit_head(
            network,
            series,
            wanted,
            known,
            seed,
            context=prepared.architecture.context,
            one_of=not task.multilabel,
            weights=weights,
            groups=group_codes(panel, group),
            advance=bar.update,
            workers=settings.workers,
        )
    network, ridge = solved.network, solved.ridge
    own = None if weights is None else weights[ridge.rows]
    logits = set_head(network, ridge, wanted[ridge.rows], known[ridge.rows], own, one_of=not task.multilabel)
    how = {"solver": "ridge", "penalty": ridge.alpha.tolist(), "chosen_by": solved.chosen_by}
    info = fit_info(panel, validation, task, codes, prepared.statistics, training=how, seed=seed)
    model = FittedModel(
        task, network.architecture, network, panel.channels, info, prepared.vocabulary, offset=prepared.offset
    )
    model.profile = measure_profile(model, panel[_profiled(panel, seed)])
    loss = float(Loss(task)(logits, torch.from_numpy(codes)[ridge.rows]))
    out_of_sample = OutOfSample(ridge.rows.numpy(), logits.numpy(), loss)
    seconds = time.perf_counter() - started
    result = FitResult(model, [], 0, SOLVED, seconds, out_of_sample=out_of_sample)
    notes = (METADATA_WITHOUT_WEIGHT,) if _ignores_metadata(network, solved.emphasis) else ()
    return replace(result, notes=notes, emphasis=solved.emphasis, features=solved.features)


def group_codes(panel: Panel, group: str | None) -> Int64[Tensor, " n"] | None:
    """Return the group of each series as a code, shape (n,).

    None if the series are independent, or if a class is in a single group, without which it could not be predicted.

    Parameters
    ----------
    panel, group
        As for ``solve``.

    Example
    -------
    >>> import pyarrow as pa
    >>> table = pa.table({"subject": ["b", "a", "b", "a"]})
    >>> panel = Panel.from_series([[1.0], [2.0], [3.0], [4.0]], labels=["x", "x", "y", "y"], metadata=table)
    >>> group_codes(panel, "subject").tolist(), group_codes(panel, None), group_codes(panel[:3], "subject")
    ([1, 0, 1, 0], None, None)
    """
    groups = panel.groups(group)
    if groups is None or not can_leave_groups_out(panel.require_labels(), groups):
        return None
    return torch.from_numpy(np.unique(groups, return_inverse=True)[1])


def head_inputs(panel: Panel, prepared: Prepared, seed: int) -> tuple[Network, Float[Tensor, "n inputs"]]:
    """Compute what a head in closed form reads of labelled series, without fitting the head.

    Parameters
    ----------
    panel, seed
        As for ``solve``, with at most some hundred series, as all features are in memory.
    prepared
        Of an architecture with fixed features.

    Returns
    -------
    tuple
        A network with fitted thresholds and without products; features and encoded metadata of the n series.
    """
    series = BatchesOfPanel(panel, None, prepared.architecture, prepared.vocabulary)
    network = _with_thresholds(series, prepared, 1, seed)
    return network, _features(network, series, np.arange(len(panel)))


def set_head(
    network: Network,
    ridge: Ridge,
    wanted: Float[Tensor, "m outputs"],
    known: Bool[Tensor, "m outputs"],
    weights: Float[Tensor, "m outputs"] | None,
    *,
    one_of: bool,
) -> Float[Tensor, "m outputs"]:
    """Scale the scores of a ridge regression to logits, and set the head of a network to them.

    Parameters
    ----------
    network
        Its head, and the features that evidence is relative to, are changed.
    ridge
        With the leave-one-out scores of m series, and perhaps their scores without their groups.
    wanted, known
        Targets of -1 and 1 of these series, and which are known.
    weights
        Of these series for each output; None for 1.
    one_of
        Whether the outputs are exclusive classes; else each is a label.

    Returns
    -------
    Tensor
        The out-of-sample logits of the m series, without their groups if there are such scores.
    """
    scale = fit_scale(ridge.scores, wanted, known, one_of=one_of)
    shift = torch.zeros_like(scale)
    if weights is not None:
        shift = fit_shift(ridge.scores * scale, wanted, known, weights, one_of=one_of)
    with torch.no_grad():
        network.head.weight.copy_(ridge.weight * scale[:, None])
        network.head.bias.copy_(ridge.bias * scale + shift)
        _set_typical(network, ridge.mean)
    return (ridge.scores if ridge.without_groups is None else ridge.without_groups) * scale + shift


def _set_typical(network: Network, mean: Tensor) -> None:
    """Set the features and the metadata relative to which evidence counts, those of the products if there are some."""
    width, products = network.encoder.width, network.products
    network.encoder.typical.copy_(mean[:width] if products is None else products.centre)
    if network.context is not None:
        after = width + network.context.width
        typical = mean[width:after]
        if products is not None and len(products.typical) == len(typical):
            typical = products.typical
        network.context.typical.copy_(typical)


def _profiled(panel: Panel, seed: int) -> NDArray[np.int64]:
    """Choose the series whose contributions are averaged: few, and few values."""
    rows = np.random.default_rng(seed).permutation(len(panel))[:PROFILED_SERIES]
    values = np.cumsum(panel.lengths[rows]) * len(panel.channels)
    few: NDArray[np.int64] = rows[: max(1, int((values <= PROFILED_VALUES).sum()))]
    return few


def _with_thresholds(series: BatchesOfPanel, prepared: Prepared, outputs: int, seed: int) -> Network:
    """Build the network without products, and fit the thresholds of its features."""
    network = build_network(prepared, len(series.panel.channels), outputs, series.metadata).eval()
    if network.products is not None:
        network = network.with_components(0).eval()
    _fit_thresholds(network, series, seed)
    return network


def _fit_thresholds(network: Network, series: BatchesOfPanel, seed: int) -> None:
    panel = series.panel
    most = max(1, min(SAMPLE, SAMPLED_VALUES // (int(panel.lengths.max()) * len(panel.channels))))
    rows = np.random.default_rng(seed).permutation(len(panel))[:most]
    network.encoder.fit(*_sample(network, series, rows), torch.Generator().manual_seed(seed))


@torch.no_grad()
def _sample(network: Network, series: BatchesOfPanel, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Compute the inputs of the encoder and the mask of some series, padded, batch by batch to save memory."""
    sample = series.panel[rows]
    mask = torch.from_numpy(np.arange(sample.lengths.max()) < sample.lengths[:, None])
    inputs: Tensor | None = None
    for some in batches_by_length(sample):
        batch = network.inputs(series[rows[some]])
        inputs = batch.new_zeros(*mask.shape, batch.shape[2]) if inputs is None else inputs
        inputs[some, : batch.shape[1]] = batch
    assert inputs is not None
    return inputs, mask


class _Solved(NamedTuple):
    """A network with the used blocks, the ridge regression on them, how it was chosen, and its inputs."""

    network: Network
    ridge: Ridge
    chosen_by: str
    emphasis: Tensor | None
    features: Tensor | None


def _fit_head(
    network: Network,
    series: BatchesOfPanel,
    wanted: Tensor,
    known: Tensor,
    seed: int,
    *,
    context: Part,
    one_of: bool,
    weights: Tensor | None,
    groups: Tensor | None,
    advance: Callable[[int], object],
    workers: int,
) -> _Solved:
    """Choose the weights of the blocks and products, remove the unused ones, and fit the head on the others."""
    n, random = len(series.panel), np.random.default_rng(seed)
    differ = weights is not None and not bool((weights == weights[:, :1]).all())
    whole = n <= MOST_AT_ONCE or differ or not bool(known.all())
    rows = np.arange(n) if n <= SELECTION_SERIES else np.sort(random.permutation(n)[:SELECTION_SERIES])
    features = emphasis = None
    if n <= SELECTION_SERIES or len(input_spans(network)) > 1:
        features = _features(network, series, rows, advance if n <= SELECTION_SERIES else int)
        network, features, emphasis = _choose_features(network, features, wanted[rows], known[rows], context, one_of)
    if whole:
        if features is None or n > SELECTION_SERIES:
            features = _features(network, series, np.arange(n), advance)
        criterion = squared_error if emphasis is None else partial(_log_loss, one_of=one_of)
        ridge = fit_ridge(
            features, wanted, known, emphasis=emphasis, criterion=criterion, weights=weights, groups=groups
        )
        pooled_width = features.shape[1] - (0 if network.products is None else network.products.width)
        kept = features[:, :pooled_width] if n <= SELECTION_SERIES else None
        return _Solved(network, ridge, "leave-one-out", emphasis, kept)
    ridge, order = fit_streamed(network, series, wanted, random, emphasis, weights, advance=advance, workers=workers)
    return _Solved(network, replace(ridge, rows=order[ridge.rows]), "held-out series", emphasis, None)


def _choose_features(
    network: Network, features: Tensor, wanted: Tensor, known: Tensor, part: Part, one_of: bool
) -> tuple[Network, Tensor, Tensor | None]:
    """Choose the blocks of features, their weights, and products with metadata, on the features of some series.

    Returns the network with what is used, its inputs of the head for these series, and the emphasis of each input.
    """
    emphasis = _emphasis(network, features, wanted, known, one_of)
    width = network.encoder.width
    if network.context is None or not isinstance(part, OneHotContext):
        network, kept = _without_unused(network, emphasis)
        return network, features[:, kept], None if emphasis is None else emphasis[kept]
    assert emphasis is not None
    chosen, components = None, part.components(network.context.multiplied)
    if components:
        chosen = choose_products(
            features[:, :width],
            features[:, width:],
            emphasis,
            network.encoder.spans,
            wanted,
            known,
            components=components,
            multiplied=network.context.for_products(features[:, width:]),
            one_of=one_of,
            optional=part.products == "auto",
        )
    needed = emphasis.clone()
    if chosen is not None:
        needed[:width] += chosen.directions.abs().sum(dim=1)
    network, kept = _without_unused(network, needed)
    network = network.with_components(0 if chosen is None else components).eval()
    features, emphasis = features[:, kept], emphasis[kept]
    if chosen is None:
        return network, features, emphasis
    used = kept[:width]
    assert network.products is not None
    network.products.set(chosen.directions[used], chosen.centre[used], chosen.typical)
    return network, network.with_products(features), torch.cat([emphasis, chosen.emphasis])


def _emphasis(network: Network, features: Tensor, wanted: Tensor, known: Tensor, one_of: bool) -> Tensor | None:
    """Choose by leave-one-out how much each block of features and the metadata count; None for a single block."""
    start = [WEIGHTS_AT_START.get(name, 0.0) for name in network.encoder.spans]
    start[0] = start[0] or 1.0
    spans, texts = input_spans(network), text_spans(network)
    metadata = len(spans) - len(start)
    start += [0.0] * metadata
    return choose_emphasis(
        features, spans, wanted, known, one_of=one_of, start=start, metadata=metadata, texts=len(texts)
    )


def _ignores_metadata(network: Network, emphasis: Tensor | None) -> bool:
    """Whether a network reads metadata that have the weight 0 in its head, and are in no products."""
    if network.context is None or network.products is not None or emphasis is None:
        return False
    return not bool(emphasis[network.encoder.width :].any())


def _without_unused(network: Network, emphasis: Tensor | None) -> tuple[Network, Tensor]:
    """Remove the blocks of features without emphasis; return the network and the columns that are kept."""
    kept = torch.ones(network.head.in_features, dtype=torch.bool)
    spans = network.encoder.spans
    if emphasis is None:
        return network, kept
    used = [name for name, span in spans.items() if bool(emphasis[span].any())] or list(spans)[:1]
    if len(used) == len(spans):
        return network, kept
    for name, span in spans.items():
        kept[span] = name in used
    return network.with_blocks(used).eval(), kept


def _log_loss(scores: Tensor, wanted: Tensor, weights: Tensor, *, one_of: bool) -> float:
    return float((lowest_log_losses(scores, wanted, one_of=one_of) * weights).sum() / weights.sum())


def input_spans(network: Network) -> list[slice]:
    """Return the columns of each block of features, of the metadata and of each text, among the inputs of the head."""
    spans, texts = [*network.encoder.spans.values()], text_spans(network)
    if network.context is not None:
        own = slice(network.encoder.width, texts[0].start if texts else network.encoder.width + network.context.width)
        spans += [own] * (own.stop > own.start) + texts
    return spans


def text_spans(network: Network) -> list[slice]:
    """Return the columns of each text, which count by their variance, among the inputs of the head."""
    context = network.context
    if context is None or network.architecture.context.get_params().get("text_weighting") != "root":
        return []
    start, size = network.encoder.width + context.first_text, context.columns_of_text
    return [slice(start + place * size, start + (place + 1) * size) for place in range(context.shape.texts)]


def _features(
    network: Network, series: BatchesOfPanel, rows: NDArray[np.int64], advance: Callable[[int], object] = int
) -> Float[Tensor, "n width"]:
    """Compute the inputs of the head for some series, shape (n, width)."""
    features = torch.empty(len(rows), network.head.in_features, dtype=torch.float32)
    for batch in batches_by_length(series.panel[rows]):
        for some in _parts(network, series.panel, rows, batch):
            features[some] = pooled(network, series[rows[some]])
            advance(len(some))
    return features


def _parts(
    network: Network, panel: Panel, rows: NDArray[np.int64], batch: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Split a batch of long series, to show progress, if the features of a series do not depend on its batch."""
    if network.context is not None or network.signals is not None:
        return [batch]
    size = max(1, STEPS_OF_A_PART // int(panel.lengths[rows[batch]].max()))
    return [batch[start : start + size] for start in range(0, len(batch), size)]
