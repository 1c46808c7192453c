"""Run-time settings of a training: threads, denormal numbers, random numbers, out-of-memory errors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

OutOfMemory: type[RuntimeError] = torch.OutOfMemoryError
"""Raised by torch if a network is too large for the GPU."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside the block.

    The number of threads changes the order of sums, and trainings drift apart: three epochs on sine waves ended at a
    loss of 0.2365 with one thread and 0.2342 with two. On one thread each, parallel trainings give the same numbers as
    sequential ones.

    Example
    -------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Flush denormal numbers (below 1e-38) to zero in this thread; they are a hundred times slower.

    If only the last of 500 steps is used, the gradient of an LSTM decays to such numbers, and a training step takes six
    times as long; the weights are the same to the last digit.

    Example
    -------
    >>> with denormals_flushed():
    ...     (torch.tensor(1e-30) * 1e-10).item()
    0.0
    """
    before = (torch.tensor(1e-30, dtype=torch.float32) * 1e-10).item() == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Seed torch inside the block and restore the random states of torch, NumPy and Python afterwards.

    Example
    -------
    >>> with own_randomness(3):
    ...     first = torch.rand(1)
    >>> with own_randomness(3):
    ...     bool(torch.rand(1) == first)
    True
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
