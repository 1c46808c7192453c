"""Whether metadata help, shown by leave-one-out with fixed features, before a network is trained with them.

A network learns metadata by heart: on 66 series, four random words and a random number cost ``conv_lstm`` up to 40
points of accuracy. A ridge head on fixed features answers in a second whether they say anything about the label.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from limelight.data.panel import Panel
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import OneHotContext
from limelight.task import Task, is_known
from limelight.training.block_weights import WEIGHTS, is_clear, leave_one_out_losses, weigh_block
from limelight.training.closed_form import head_inputs, text_spans
from limelight.training.losses import signed_targets
from limelight.training.preparation import prepare
from limelight.training.products import LEAST_ROWS, choose_products, products_of_rows

GATE_SERIES, GATE_FEATURES, GATE_VALUES = 500, 84 * 20, 1 << 23
"""Most series and values, and features of ``rocket``, with which metadata are tried."""
ERRORS_OF_USE = 3.0
"""The mean gain in leave-one-out log loss that a network needs to read metadata, in standard errors."""
METADATA_NOT_USED = (
    "metadata are not used: leave-one-out with fixed features shows no gain from them; a stated fusion, such as late, "
    "uses them"
)


def with_useful_metadata(
    architecture: Architecture, panel: Panel, task: Task, fields: Mapping[str, str] | None, seed: int
) -> tuple[Architecture, tuple[str, ...]]:
    """Leave the metadata out of a network with ``fusion="auto"`` if leave-one-out does not show that they help.

    Parameters
    ----------
    architecture
        Of a network that is trained step by step.
    panel
        Labelled training series.
    task
        The classes or labels.
    fields
        Kinds of metadata fields, as for ``fit``.
    seed
        The same seed gives the same answer.

    Returns
    -------
    tuple
        The architecture, without fusion if metadata do not help, and the note that says so. It is unchanged if a fusion
        or a text encoder is stated, labels are per step, or fewer than 12 series have known labels.
    """
    stated = architecture.fusion != "auto" or architecture.needs_metadata
    stated |= architecture.context.get_params().get("text_encoder") is not None
    if stated or panel.metadata is None or panel.labels is None or task.by_step:
        return architecture, ()
    helps = metadata_help(panel, task, fields, seed)
    if helps is None or helps:
        return architecture, ()
    return replace(architecture, fusion=()), (METADATA_NOT_USED,)


def metadata_help(panel: Panel, task: Task, fields: Mapping[str, str] | None, seed: int) -> bool | None:
    """Whether metadata lower the leave-one-out log loss of a ridge head on features of ``rocket``.

    The metadata are tried beside the features with several weights, and in products with their principal components. A
    gain counts if it is above three standard errors.

    Parameters
    ----------
    panel, task, fields, seed
        As for ``with_useful_metadata``; at most 500 series are used.

    Returns
    -------
    bool or None
        None if no field differs between series, or fewer than 12 series have known labels.

    Example
    -------
    >>> import pyarrow as pa
    >>> from limelight.model.targets import task_of
    >>> random = np.random.default_rng(0)
    >>> labels, series = ["ok", "worn"] * 20, [random.normal(size=(30, 1)) for _ in range(40)]
    >>> for mode in ([label == "ok" for label in labels], random.random(40) < 0.5):
    ...     panel = Panel.from_series(series, labels=labels, metadata=pa.table({"mode": mode}))
    ...     print(metadata_help(panel, task_of(panel), None, seed=0))
    True
    False
    """
    assert panel.labels is not None
    assert panel.metadata is not None
    own_fields = {name: kind for name, kind in (fields or {}).items() if name in panel.metadata.column_names}
    rows = np.flatnonzero(is_known(panel.labels).reshape(len(panel), -1).all(axis=1))
    rows = np.random.default_rng(seed).permutation(rows)[:GATE_SERIES]
    values = np.cumsum(panel.lengths[rows]) * len(panel.channels)
    rows = np.sort(rows[: max(LEAST_ROWS, int((values <= GATE_VALUES).sum()))])
    if len(rows) < LEAST_ROWS:
        return None
    some, context_part = panel[rows].compact().replace(signals=None), OneHotContext()
    encoder = {"name": "rocket", "features": GATE_FEATURES}
    prepared = prepare(some, task, Architecture.of(encoder, fusion="auto", context=context_part), None, own_fields)
    if not prepared.architecture.needs_metadata:
        return None
    network, inputs = head_inputs(some, prepared, seed)
    signed, known = signed_targets(task, targets_of(task, some).every())
    wanted, width, one_of = signed.double(), network.encoder.width, not task.multilabel
    features, every, texts = inputs[:, :width], torch.ones(len(inputs), dtype=torch.bool), text_spans(network)
    others = inputs[:, width : texts[0].start if texts else None]
    own, *added = (
        products_of_rows(one, torch.ones(one.shape[1])) / one.shape[1] for one in (features, others) if one.shape[1]
    )
    added += [weigh_block(inputs[:, span], every, as_given=True).products for span in texts]
    lowest = leave_one_out_losses(own, wanted, one_of=one_of)
    for one, weight in itertools.product(added, WEIGHTS[1:]):
        losses = leave_one_out_losses((own + weight * one) / (1 + weight), wanted, one_of=one_of)
        if is_clear(lowest - losses, ERRORS_OF_USE):
            return True
    assert network.context is not None
    context = network.context.for_products(inputs[:, width:])
    chosen = choose_products(
        features,
        context,
        None,
        network.encoder.spans,
        wanted,
        known,
        components=context_part.components(context.shape[1]),
        one_of=one_of,
        errors=ERRORS_OF_USE,
    )
    return chosen is not None
