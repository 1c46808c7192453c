"""Time the implementations of a recurrent layer that limelight uses, and alternatives that were tried and rejected.

    python -m benchmarks.run.recurrence

The layer is that of the article: two directions of 32 units on batches of 32 series of 500 steps and one channel. The
variants take turns after two warm-up rounds. On a shared machine, compare CPU times rather than wall times: other
processes hardly affect them, except while threads wait for each other. Prints a table and writes
``benchmarks/results/recurrence.json``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import torch
from torch import Tensor, nn

from benchmarks.processes import current_load
from benchmarks.result_files import write_results
from limelight.nn import side_by_side as side_by_side_module
from limelight.nn.side_by_side import in_halves, side_by_side

BATCH, STEPS, UNITS = 32, 500, 32
Work = Callable[[], Any]


def lstm(width: int = 1, units: int = UNITS, **changes: Any) -> nn.LSTM:
    return nn.LSTM(width, units, **{"batch_first": True, **changes})


def training_step(layers: list[nn.Module], forward: Callable[[], Tensor]) -> Work:
    """Return a function that runs a forward and a backward pass."""
    weights = [weight for layer in layers for weight in layer.parameters()]

    def work() -> None:
        for weight in weights:
            weight.grad = None
        forward().square().mean().backward()

    return work


def prediction(forward: Callable[[], Tensor]) -> Work:
    """Return a function that runs a forward pass without gradients."""

    def work() -> None:
        with torch.inference_mode():
            forward()

    return work


def with_threads(threads: int, work: Work) -> Work:
    """Return a function that sets the number of threads of torch and then calls ``work``."""

    def inside() -> None:
        torch.set_num_threads(threads)
        work()

    return inside


def run_flushing(flush: bool, work: Work) -> None:
    """Call ``work`` with denormal numbers flushed to zero or not, in this thread and in limelight's helper thread."""
    torch.set_flush_denormal(flush)
    side_by_side_module._helper(os.getpid()).submit(torch.set_flush_denormal, flush).result()
    work()
    torch.set_flush_denormal(False)
    side_by_side_module._helper(os.getpid()).submit(torch.set_flush_denormal, True).result()


def two_directions() -> dict[str, Work]:
    """Return the variants of a layer with two directions, for training and for prediction."""
    ahead, back, values = lstm(), lstm(), torch.randn(BATCH, STEPS, 1)

    def in_turn() -> Tensor:
        return torch.cat([ahead(values)[0], back(values.flip(1))[0].flip(1)], dim=2)

    def together() -> Tensor:
        one, two = side_by_side(ahead, back, values, values.flip(1))
        return torch.cat([one, two.flip(1)], dim=2)

    variants: dict[str, Work] = {}
    for kind, make in (("train", lambda forward: training_step([ahead, back], forward)), ("predict", prediction)):
        variants[f"{kind}: in turn, 1 thread"] = with_threads(1, make(in_turn))
        variants[f"{kind}: in turn, 2 threads"] = with_threads(2, make(in_turn))
        variants[f"{kind}: side by side, 1 thread each"] = with_threads(2, make(together))
    return variants


def one_direction() -> dict[str, Work]:
    """Return the variants of a layer with one direction of 64 units, for training and for prediction."""
    layer, values, single = lstm(units=64), torch.randn(BATCH, STEPS, 1), torch.randn(1, STEPS, 1)

    def whole() -> Tensor:
        output: Tensor = layer(values)[0]
        return output

    variants: dict[str, Work] = {}
    for kind, make in (("train", lambda forward: training_step([layer], forward)), ("predict", prediction)):
        variants[f"{kind} 64 units: 1 thread"] = with_threads(1, make(whole))
        variants[f"{kind} 64 units: 2 threads"] = with_threads(2, make(whole))
        variants[f"{kind} 64 units: halves, 1 thread each"] = with_threads(2, make(lambda: in_halves(layer, values)))
    last = training_step([layer], lambda: in_halves(layer, values)[:, -1])
    variants["train 64 units, only the last step used: halves"] = with_threads(2, partial(run_flushing, False, last))
    variants["train 64 units, only the last step used: halves, denormals flushed"] = with_threads(
        2, partial(run_flushing, True, last)
    )
    variants["predict one series: 2 threads"] = with_threads(2, prediction(lambda: layer(single)[0]))
    variants["predict one series: 1 thread of 2"] = with_threads(2, prediction(lambda: in_halves(layer, single)))
    return variants


def single_thread() -> dict[str, Work]:
    """Return variants on one thread: the parts of the cost of one direction, and rejected alternatives."""
    values, plain = torch.randn(BATCH, STEPS, 1), lstm()
    both, block, major = lstm(bidirectional=True), lstm(2, 2 * UNITS), lstm(batch_first=False)
    gru = nn.GRU(1, UNITS, batch_first=True)
    wide, turned = values.expand(-1, -1, 2).contiguous(), values.transpose(0, 1).contiguous()
    lengths = torch.full((BATCH,), STEPS)

    def without_onednn() -> None:
        with torch.backends.mkldnn.flags(enabled=False):
            one()

    def denormals_flushed() -> None:
        torch.set_flush_denormal(True)
        one()
        torch.set_flush_denormal(False)

    def packed() -> Tensor:
        inside = nn.utils.rnn.pack_padded_sequence(values, lengths, batch_first=True)
        output: Tensor = plain(inside)[0].data
        return output

    one = training_step([plain], lambda: plain(values)[0])
    variants = {
        "one direction": one,
        "one direction, forward only": prediction(lambda: plain(values)[0]),
        "one direction, time first": training_step([major], lambda: major(turned)[0]),
        "one direction, packed": training_step([plain], packed),
        "one direction, denormals flushed": denormals_flushed,
        "one direction, without oneDNN": without_onednn,
        "one direction of a GRU": training_step([gru], lambda: gru(values)[0]),
        "torch's two directions": training_step([both], lambda: both(values)[0]),
        "two directions as one layer with zero blocks": training_step([block], lambda: block(wide)[0]),
    }
    for batch in (64, 128, 256):
        more, layer = torch.randn(batch, STEPS, 1), lstm()
        variants[f"one direction, batches of {batch}"] = training_step(
            [layer], lambda more=more, layer=layer: layer(more)[0]
        )
        variants[f"forward only, batches of {batch}"] = prediction(lambda more=more, layer=layer: layer(more)[0])
    return {name: with_threads(1, work) for name, work in variants.items()}


def time_all(variants: dict[str, Work], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return wall time and CPU time of every variant in every round, in milliseconds."""
    times: dict[str, dict[str, list[float]]] = {name: {"clock": [], "processor": []} for name in variants}
    for round_ in range(rounds + 2):
        for name, work in variants.items():
            clock, processor = time.perf_counter(), time.process_time()
            work()
            if round_ > 1:
                times[name]["clock"].append(1e3 * (time.perf_counter() - clock))
                times[name]["processor"].append(1e3 * (time.process_time() - processor))
    return times


def main() -> None:
    """Time all variants; they take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    torch.manual_seed(0)
    results: dict[str, Any] = {}
    print(f"{'milliseconds':58}{'wall':>9}{'lowest':>9}{'CPU':>11}{'lowest':>9}")
    for part, variants in (("directions", two_directions() | one_direction()), ("ways", single_thread())):
        results[part] = time_all(variants, options.rounds)
        for name, times in results[part].items():
            clock = f"{statistics.median(times['clock']):9.1f}{min(times['clock']):9.1f}"
            processor = f"{statistics.median(times['processor']):11.1f}{min(times['processor']):9.1f}"
            print(f"{name:58}{clock}{processor}", flush=True)
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "load": current_load()}
    versions = {package: version(package) for package in ("limelight", "torch", "numpy")}
    write_results("recurrence", {"machine": machine, "versions": versions, **results})


if __name__ == "__main__":
    main()
