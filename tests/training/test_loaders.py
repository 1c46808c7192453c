from itertools import islice

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.model.targets import Targets
from limelight.nn.batch import Batch
from limelight.parts.architecture import Architecture
from limelight.training.loaders import BatchesOfPanel, ShuffledBatches, training_loader


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=300),
    batch_size=st.integers(1, 40),
    least=st.integers(1, 20),
)
def test_every_series_comes_equally_often_in_an_epoch(lengths: list[int], batch_size: int, least: int) -> None:
    sampler = ShuffledBatches(np.array(lengths), batch_size, seed=0, least_batches=least)
    batches = list(sampler)
    counts = np.bincount(np.concatenate(batches), minlength=len(lengths))
    assert (counts == sampler.passes).all()
    assert len(batches) == len(sampler) >= least
    assert max(map(len, batches)) <= batch_size


def test_epochs_differ_and_repeat_by_seed() -> None:
    def epoch(number: int, seed: int = 0) -> list[int]:
        sampler = ShuffledBatches(np.full(50, 10), 8, seed, least_batches=1)
        sampler.epoch = number
        return np.concatenate(list(sampler)).tolist()

    assert epoch(0) == epoch(0)
    assert epoch(0) != epoch(1)
    assert epoch(0) != epoch(0, seed=1)
    assert epoch(0) != list(range(50))


def test_series_of_similar_length_come_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, size=640)
    batches = list(ShuffledBatches(lengths, 16, seed=0, least_batches=1))
    padded = sum(len(rows) * lengths[rows].max() for rows in batches)
    assert padded < 1.1 * lengths.sum()


def test_ragged_batches_come_in_no_order_of_length() -> None:
    lengths = np.arange(1, 641)
    longest = [lengths[rows].max() for rows in ShuffledBatches(lengths, 16, seed=0, least_batches=1)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def batches_of_gappy_series() -> BatchesOfPanel:
    random = np.random.default_rng(0)
    series = [random.normal(size=(n, 2)) for n in random.integers(3, 30, size=40)]
    series[3][1, 0] = np.nan
    panel = Panel.from_series(series, times=[np.arange(len(one)) for one in series])
    return BatchesOfPanel(
        panel, Targets(panel, series=np.arange(40) % 2), Architecture.of("gru", missing="mask", clock="elapsed")
    )


def equal_batches(mine: Batch, theirs: Batch) -> bool:
    return all(
        torch.equal(torch.nan_to_num(getattr(mine, name)), torch.nan_to_num(getattr(theirs, name)))
        for name in ("values", "mask", "targets", "elapsed")
    )


def test_workers_yield_the_batches_of_one_process() -> None:
    independent, helped = (training_loader(batches_of_gappy_series(), 8, 0, 1, workers=workers) for workers in (0, 2))
    for epoch in range(2):
        independent.sampler.epoch = helped.sampler.epoch = epoch
        assert all(equal_batches(mine, theirs) for mine, theirs in zip(independent, helped, strict=True))


def test_workers_load_nothing_before_the_first_batch() -> None:
    independent, helped = (training_loader(batches_of_gappy_series(), 8, 0, 1, workers=workers) for workers in (0, 2))
    batches = iter(helped)  # as Lightning does with a resumed epoch, before it sets the number
    independent.sampler.epoch = helped.sampler.epoch = 5
    assert all(equal_batches(mine, theirs) for mine, theirs in zip(islice(independent, 3), batches, strict=False))
