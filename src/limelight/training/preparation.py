"""Resolve an architecture on the training series: vocabulary, parts, and a fingerprint of the data. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limelight.data.metadata import observed_categories
from limelight.data.panel import Panel
from limelight.data.statistics import ChannelStatistics, channel_statistics
from limelight.errors import LabelError, ParameterError, listing
from limelight.model.padding import clock_kind, require_clock, require_finite, require_same_clock
from limelight.model.targets import targets_of
from limelight.model.texts import TextEncoder, read_text_encoder
from limelight.model.vocabulary import Vocabulary, fit_vocabulary
from limelight.parts.architecture import Architecture
from limelight.task import UNKNOWN, Task
from limelight.training.settings import TrainingSettings

FEWEST_KNOWN = 2
"""Series or steps for which a label has to be known for a head that is solved in closed form."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is resolved before a network is fitted.

    Parameters
    ----------
    architecture
        With every size resolved.
    statistics
        Of the channels of the training series.
    vocabulary
        Of their metadata and signals; None for a network that reads neither.
    offset
        That of the training series, which the values in every batch are relative to, shape (channels,).
    """

    architecture: Architecture
    statistics: ChannelStatistics
    vocabulary: Vocabulary | None
    offset: NDArray[np.float64]


def prepare(
    panel: Panel, task: Task, architecture: Architecture, validation: Panel | None, fields: Mapping[str, str] | None
) -> Prepared:
    """Resolve what depends on the training series, and reject series that the network cannot read."""
    statistics = channel_statistics(panel)
    vocabulary = learn_words(architecture, panel, fields)
    has_metadata = vocabulary is not None and vocabulary.has_metadata
    architecture = resolve_parts(
        architecture, panel, statistics, validation, metadata=has_metadata, by_step=task.by_step
    )
    require_usable(architecture, panel, validation, statistics)
    if architecture.encoder.closed_form and task.multilabel:
        _require_known(task, panel)
    return Prepared(architecture, statistics, vocabulary, panel.offset)


def learn_words(architecture: Architecture, panel: Panel, fields: Mapping[str, str] | None) -> Vocabulary | None:
    """Fit the vocabulary to the metadata and signals of the training series, if the network may read them."""
    reads = architecture.needs_metadata or architecture.fusion == "auto"
    if panel.metadata is None and architecture.needs_metadata:
        raise ParameterError(
            f"expected metadata for a network with {architecture.describe()}, got series without; give metadata, or "
            "drop the fusion"
        )
    signals, schema = observed_categories(panel), dict(fields or {})
    metadata = panel.metadata if reads else None
    encoder = _text_encoder(architecture, panel) if reads else None
    if metadata is None:  # fields of metadata that are not read do not apply to signals
        schema = {name: kind for name, kind in schema.items() if name in signals}
        if not signals:
            return None
    vocabulary = fit_vocabulary(metadata, schema=schema, signals=signals, text_encoder=encoder)
    if encoder is not None and not any(one.kind == "text" for one in vocabulary.fields):
        raise ParameterError(
            f"expected text among the metadata for the text encoder in {encoder.folder!r}, got "
            f"{listing([f'{one.name}: {one.kind}' for one in vocabulary.fields])}; state which field is text, or "
            "drop the text encoder"
        )
    if architecture.needs_metadata and not vocabulary.has_metadata:
        ignored = [name for name, kind in schema.items() if kind == "ignore"]
        reasons = [*vocabulary.notes, *([f"{listing(ignored)} ignored"] if ignored else [])]
        raise ParameterError(
            f"expected metadata to learn from, got none that differs between series: {'; '.join(reasons)}"
        )
    return vocabulary if vocabulary.has_metadata or vocabulary.signals else None


def _text_encoder(architecture: Architecture, panel: Panel) -> TextEncoder | None:
    folder = architecture.context.get_params().get("text_encoder")
    if folder is not None and panel.metadata is None:
        raise ParameterError(
            f"expected metadata with text for the text encoder in {folder!r}, got series without metadata; give "
            "metadata, or drop the text encoder"
        )
    return None if folder is None else read_text_encoder(folder)


def resolve_parts(
    architecture: Architecture,
    panel: Panel,
    statistics: ChannelStatistics,
    validation: Panel | None,
    *,
    metadata: bool,
    by_step: bool,
) -> Architecture:
    """Resolve the parts that depend on the training series; missing values in validation series count too."""
    missing = bool(statistics.missing.any())
    if architecture.missing == "auto" and not missing and validation is not None:
        missing = bool(channel_statistics(validation).missing.any())
    return architecture.resolve(
        float(np.median(panel.lengths)),
        missing=missing,
        irregular=statistics.clock is not None and statistics.clock.irregular,
        metadata=metadata,
        by_step=by_step,
        series=len(panel),
        longest=int(panel.lengths.max()),
    )


def require_usable(
    architecture: Architecture, panel: Panel, validation: Panel | None, statistics: ChannelStatistics
) -> None:
    """Check that values are finite or may be missing, and that there is a clock if the network needs one."""
    for one in (panel,) if validation is None else (panel, validation):
        if architecture.needs_clock:
            require_clock(one)
        unsure = one is validation or statistics.infinite.any() or statistics.missing.any()
        if unsure:
            require_finite(one, missing=architecture.takes_missing)
    if validation is not None and architecture.needs_clock:
        require_same_clock(clock_kind(panel), validation)


def _require_known(task: Task, panel: Panel) -> None:
    """Check that each label is known for enough series or steps to solve for it; LabelError names one that is not."""
    known = (targets_of(task, panel).every() != UNKNOWN).sum(axis=0)
    few = [str(name) for name, count in zip(task.classes, known.tolist(), strict=True) if count < FEWEST_KNOWN]
    if few:
        unit = "steps" if task.by_step else "series"
        raise LabelError(
            f"expected every label to be known for at least {FEWEST_KNOWN} training {unit}, got {int(known.min())} for "
            f"{listing(few)}; fill it in, or leave such labels out"
        )


def fingerprint(
    architecture: Architecture,
    settings: TrainingSettings,
    task: Task,
    seed: int,
    panel: Panel,
    validation: Panel | None,
    vocabulary: Vocabulary | None,
) -> str:
    """Fingerprint everything the training depends on, so that another one cannot resume its checkpoint."""
    content = [
        architecture.to_json(),
        replace(settings, workers=0, devices=1, strategy="ddp").to_json(),  # the batches do not depend on these
        task.to_json(),
        seed,
        digest_of(panel),
        digest_of(validation),
        None if vocabulary is None else vocabulary.to_json(),
    ]
    return json.dumps(content, sort_keys=True)


def digest_of(panel: Panel | None) -> str:
    """Compute a hash of series, labels and metadata; that of None is the hash of nothing."""
    digest = hashlib.sha256()
    if panel is None:
        return digest.hexdigest()
    labels = None if panel.labels is None else panel.labels.tolist()
    digest.update(repr((panel.ids.tolist(), panel.lengths.tolist(), labels)).encode())
    if panel.metadata is not None:
        digest.update(repr(panel.metadata.to_pydict()).encode())
    fingerprint = getattr(panel.backing, "fingerprint", None)
    if fingerprint is not None:  # the files of a store have a fingerprint
        digest.update(repr((fingerprint, panel.starts.tolist())).encode())
        return digest.hexdigest()
    for block in panel.blocks():
        digest.update(block.values.tobytes())
        digest.update(block.offset.tobytes() if block.offset.any() else b"")
        codes = (None if one is None else one.codes for one in (block.signals, block.step_labels))
        for array in (block.times, *codes):
            if array is not None:
                digest.update(array.tobytes())
    return digest.hexdigest()
