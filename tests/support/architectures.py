"""Every architecture that the registries can build, small networks of them, and batches of random series."""

from dataclasses import fields, replace
from itertools import combinations, product

import pytest
import torch
from torch import Tensor

from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape
from limelight.nn.network import Network
from limelight.parts.architecture import OPTIONS, Architecture
from limelight.parts.encoders import ENCODERS, GRU, LSTM, Blocks, ConvLSTM, Encoder, Inception, Rocket, TrainingSummary
from limelight.parts.fusions import FUSIONS
from limelight.parts.heads import HEADS
from limelight.parts.poolings import POOLINGS
from support.seeds import seed_torch

CHANNELS, OUTPUTS = 2, 3


def small(kind: type[Encoder]) -> Encoder:
    """Return the default variant of an encoder, with sizes for short series and few units."""
    summary = TrainingSummary(typical_length=40, longest=40, series=100)
    units = kind.search_space().get("units")
    return kind(**{units: 5} if isinstance(units, str) else {}).resolve(summary)


def goes_with(encoder: Encoder, pooling: str, head: str) -> bool:
    """Whether an encoder can have a pooling and a head."""
    if encoder.pools:
        return {"pooling": pooling, "head": head}.items() <= {"head": head, **encoder.fixed_parts}.items()
    return not POOLINGS[pooling].by_encoder and (encoder.answers_steps or not POOLINGS[pooling].answers_steps)


def attending(pooling: str) -> str:
    """Return the pooling itself if it attends, else plain attention."""
    return pooling if POOLINGS[pooling].attends else "attention"


OWN_VARIANTS = {
    "conv_lstm": ConvLSTM(filters=6, stride=3, hidden_size=5),
    "conv_lstm bidirectional": ConvLSTM(filters=6, depth=1, stride=1, hidden_size=5, bidirectional=True),
    "lstm": LSTM(hidden_size=5),
    "lstm bidirectional, stacked": LSTM(hidden_size=[5, 4], bidirectional=True, dropout=0.2),
    "lstm relu": LSTM(hidden_size=5, activation="relu", bidirectional=True),
    "gru": GRU(hidden_size=5, num_layers=2, bidirectional=True),
    "gru relu": GRU(hidden_size=5, activation="relu"),
    "gru, reset before": GRU(hidden_size=[5, 4], reset_after=False, bidirectional=[True, False], mask_value=0.0),
    "inception": Inception(filters=7, depth=2, kernel_sizes=[3, 4], block_kernel_size=3, stride=1),
    "inception strided": Inception(filters=6, depth=1, kernel_sizes=[1, 3], stride=3),
    "rocket": Rocket(features=84 * 3, dilations=3, length=40),
    "blocks": Blocks(features=84, groups=2, shapelets=2, depth=2, length=40),
}
VARIANTS = {name: small(kind) for name, kind in ENCODERS.items() if not kind.automatic} | OWN_VARIANTS
"""A small variant of every registered encoder, and more where an encoder has switches."""
ARCHITECTURES = {
    f"{encoder}, {pooling}, {head}": Architecture.of(VARIANTS[encoder], pooling, head)
    for encoder, pooling, head in product(VARIANTS, POOLINGS, HEADS)
    if goes_with(VARIANTS[encoder], pooling, head)
}
FUSION_SETS = [
    fusions for count in (1, 2, len(FUSIONS) + 1) for fusions in combinations((*FUSIONS, "attention"), count)
]
"""Every fusion, every pair of them, and all."""
CONTEXT = {"name": "embedding", "number_size": 3, "text_size": 4}
WITH_FUSION = {
    f"{encoder}, {pooling}, {' + '.join(fusions)}": Architecture.of(
        VARIANTS[encoder],
        attending(pooling) if "attention" in fusions else pooling,
        "linear",
        fusion=fusions,
        context=CONTEXT,
    )
    for (encoder, pooling), fusions in product(
        [
            ("conv_lstm", "attention"),
            ("lstm bidirectional, stacked", "last"),
            ("gru relu", "mean"),
            ("conv_lstm", "none"),
            ("inception strided", "conjunctive"),
            ("inception", "mean"),
            ("inception", "none"),
        ],
        FUSION_SETS,
    )
    if not (pooling == "none" and "attention" in fusions)
}
WITH_FUSION["rocket, late"] = Architecture.of(VARIANTS["rocket"], "ppv", "linear", fusion="late", context="one_hot")
WITH_FUSION["rocket, late, products"] = Architecture.of(
    VARIANTS["rocket"], "ppv", "linear", fusion="late", context={"name": "one_hot", "products": 2}
)
WITH_MISSING_VALUES = {
    f"{encoder}, {missing}, {clock}": Architecture.of(
        VARIANTS[encoder], VARIANTS[encoder].fixed_parts.get("pooling", "attention"), "linear", missing, clock
    )
    for encoder, missing, clock in product(VARIANTS, OPTIONS["missing"], OPTIONS["clock"])
    if missing != "auto" and clock != "auto"
}
every_architecture = pytest.mark.parametrize(
    "architecture", [*ARCHITECTURES.values(), *WITH_FUSION.values()], ids=[*ARCHITECTURES.keys(), *WITH_FUSION.keys()]
)
every_architecture_with_fusion = pytest.mark.parametrize("architecture", WITH_FUSION.values(), ids=WITH_FUSION.keys())
every_architecture_with_missing_values = pytest.mark.parametrize(
    "architecture", WITH_MISSING_VALUES.values(), ids=WITH_MISSING_VALUES.keys()
)


SHAPE = ContextShape(categories=(4, 3), numbers=(True, False), texts=1, buckets=16, signals=(5,))
PART_KINDS = 6


def network_of(architecture: Architecture, outputs: int = OUTPUTS) -> Network:
    """Return a network as after training: FiLM, which starts at zero, has moved, and rocket has its thresholds."""
    seed_torch(0)
    network = Network(architecture, CHANNELS, outputs, SHAPE if architecture.needs_metadata else ContextShape()).eval()
    if network.film is not None:
        torch.nn.init.normal_(network.film.project.weight, std=0.3)
    if architecture.encoder.closed_form:
        seen = random_batch([40, 40, 40], seed=2)
        elapsed = torch.ones_like(seen.mask, dtype=torch.float32) if architecture.needs_clock else None
        with torch.no_grad():
            inputs = network.inputs(replace(seen, elapsed=elapsed))
            network.encoder.fit(inputs, seen.mask, torch.Generator().manual_seed(0))
    return network


_SHARED: dict[int, tuple[Architecture, Network]] = {}


def shared_network_of(architecture: Architecture) -> Network:
    """Return the network of an architecture, built once for all tests that do not change it."""
    if id(architecture) not in _SHARED:
        _SHARED[id(architecture)] = (architecture, network_of(architecture))
    return _SHARED[id(architecture)][1]


def random_batch(lengths: list[int], padding: int = 0, seed: int = 0) -> Batch:
    """Draw padded series with metadata; values do not depend on the padding."""
    random = torch.Generator().manual_seed(seed)
    count, time = len(lengths), max(lengths) + padding
    values = torch.randn(count, 512, CHANNELS, generator=random, dtype=torch.float32)
    mask = torch.arange(time) < torch.tensor(lengths)[:, None]
    numbers = torch.randn(count, len(SHAPE.numbers), generator=random, dtype=torch.float32)
    signals = torch.randint(SHAPE.signals[0], (count, 512, 1), generator=random)
    return Batch(
        values[:, :time] * mask[:, :, None],
        mask,
        categories=torch.cat([torch.randint(codes, (count, 1), generator=random) for codes in SHAPE.categories], dim=1),
        numbers=numbers.masked_fill(numbers > 1, torch.nan),
        tokens=torch.randint(SHAPE.buckets + 1, (count, SHAPE.texts, PART_KINDS), generator=random),
        signals=signals[:, :time] * mask[:, :, None],
    )


def rows_of(batch: Batch, rows: list[int], time: int | None = None) -> Batch:
    """Return some series of a batch, cut after ``time`` steps."""
    given = {field.name: getattr(batch, field.name) for field in fields(batch)}
    chosen = {name: one[rows] for name, one in given.items() if one is not None}
    over_time = ("values", "mask", "elapsed", "signals")
    return Batch(**{name: one[:, :time] if name in over_time else one for name, one in chosen.items()})


def real(logits: Tensor, batch: Batch) -> Tensor:
    """Return the logits of series, or those of the real steps alone."""
    return logits[batch.mask] if logits.ndim == 3 else logits


def batch_with_missing_values(
    architecture: Architecture, lengths: list[int], padding: int = 0, fill: float = 0.0
) -> Batch:
    """Draw a batch with missing values and a clock if the network supports them; ``fill`` is the padding."""
    batch = random_batch(lengths, padding)
    holes = torch.rand(len(lengths), 512, CHANNELS, generator=torch.Generator().manual_seed(1)) < 0.4
    elapsed = torch.rand(len(lengths), 512, generator=torch.Generator().manual_seed(2)) * 3
    elapsed[:, 0] = 0
    time = batch.values.shape[1]
    if architecture.takes_missing:
        batch.values = batch.values.masked_fill(holes[:, :time] & batch.mask[:, :, None], torch.nan)
    batch.values = batch.values.masked_fill(~batch.mask[:, :, None], fill)
    return replace(batch, elapsed=elapsed[:, :time] * batch.mask if architecture.needs_clock else None)
