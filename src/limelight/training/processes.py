"""Train one network in several processes, each with a share of every batch; Lightning averages their gradients."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from tqdm import tqdm

from limelight.errors import LostWorkerError
from limelight.parallel import ignore_interrupts
from limelight.training.callbacks import StopOnInterrupt
from limelight.training.gradient_descent import train_by_gradient
from limelight.training.ranks import Rank
from limelight.training.result import FitResult
from limelight.training.runtime import own_randomness
from limelight.training.settings import TrainingSettings


class _WriteOnInterrupt(StopOnInterrupt):
    """Write the file that the processes look for on the first Ctrl-C; raise on the second."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def _interrupt(self, *arguments: Any) -> None:
        super()._interrupt(*arguments)
        self.file.touch()


def train_in_processes(*arguments: Any, settings: TrainingSettings, **named: Any) -> FitResult:
    """Fit a network by gradient descent in ``settings.devices`` processes.

    All processes see the same batches, each a share of them, and the loss is that of the whole batch. So the weights
    are those of one process, to rounding, unless a network draws random numbers (dropout, augmentation) or normalises
    by batch (``inception``), which each process does for its share.

    Parameters
    ----------
    *arguments, **named
        As for ``train_by_gradient``.
    settings
        How long and how fast to train, and in how many processes.

    Returns
    -------
    FitResult
        As from ``train_by_gradient``.

    Raises
    ------
    ParameterError
        As ``train_by_gradient``.
    LostWorkerError
        If a process was killed; the last checkpoint stays.
    """
    from joblib.externals.loky import ProcessPoolExecutor, as_completed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    world, threads = settings.devices, max(1, torch.get_num_threads() // settings.devices)
    with tempfile.TemporaryDirectory() as folder:
        stop = Path(folder) / "stop"
        executor = ProcessPoolExecutor(world, initializer=ignore_interrupts)
        try:
            port = _free_port()
            futures = [
                executor.submit(
                    _train_rank, Rank(number, world, stop, os.getpid()), port, threads, settings, arguments, named
                )
                for number in range(world)
            ]
            with _WriteOnInterrupt(stop):
                for future in as_completed(futures):
                    future.result()
            result: FitResult = futures[0].result()
            executor.shutdown()
            return result
        except BrokenProcessPool as error:
            if stop.exists():  # an interrupt ends a process that has just started
                raise KeyboardInterrupt from error
            raise LostWorkerError(
                f"expected {world} processes that train, got one that was killed, perhaps for want of memory; resume "
                "the training, or use fewer devices"
            ) from error
        finally:
            executor.shutdown(kill_workers=True)


def _train_rank(
    rank: Rank, port: int, threads: int, settings: TrainingSettings, arguments: tuple[Any, ...], named: dict[str, Any]
) -> FitResult | None:
    """Train in one of the processes; return the result of the first."""
    torch.set_num_threads(threads)
    tqdm.set_lock(threading.RLock())  # the default one leaks a semaphore if the process is killed
    with _environment_of(rank, port), own_randomness(named["seed"]):
        result = train_by_gradient(*arguments, settings=settings, rank=rank, **named)
    return result if rank.number == 0 else None


@contextmanager
def _environment_of(rank: Rank, port: int) -> Iterator[None]:
    """Set the variables by which Lightning finds the other processes, and leave the group at the end."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "NODE_RANK": "0",
        "LOCAL_RANK": str(rank.number),
        "WORLD_SIZE": str(rank.world),
    }
    try:
        yield
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
