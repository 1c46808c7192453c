"""Where a training step of a recurrent layer goes, with ways that were tried and left.

    python benchmarks/recurrence.py

The article's layer: two directions of 32 units over 500 steps of one channel, batches of 32. All ways in turn in one run,
after rounds that are not counted. On a machine that others use too, the clock says little; the seconds of the processor do
not depend on them, but for threads that wait for each other. Prints a table and writes ``benchmarks/results/recurrence.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import torch
from torch import Tensor, nn

from limelight.nn import side_by_side as side_by_side_module
from limelight.nn.side_by_side import in_halves, side_by_side

BATCH, STEPS, UNITS = 32, 500, 32
Work = Callable[[], Any]


def lstm(width: int = 1, units: int = UNITS, **changes: Any) -> nn.LSTM:
    return nn.LSTM(width, units, **{"batch_first": True, **changes})


def trained(layers: list[nn.Module], read: Callable[[], Tensor]) -> Work:
    """Forward and back."""
    weights = [weight for layer in layers for weight in layer.parameters()]

    def work() -> None:
        for weight in weights:
            weight.grad = None
        read().square().mean().backward()

    return work


def answered(read: Callable[[], Tensor]) -> Work:
    """Forward alone."""

    def work() -> None:
        with torch.inference_mode():
            read()

    return work


def with_threads(threads: int, work: Work) -> Work:
    def inside() -> None:
        torch.set_num_threads(threads)
        work()

    return inside


def flushing(flush: bool, work: Work) -> None:
    """Work with or without denormals, in this thread and in the helper."""
    torch.set_flush_denormal(flush)
    side_by_side_module._helper(os.getpid()).submit(torch.set_flush_denormal, flush).result()
    work()
    torch.set_flush_denormal(False)
    side_by_side_module._helper(os.getpid()).submit(torch.set_flush_denormal, True).result()


def two_directions() -> dict[str, Work]:
    """Give the ways to train and to answer with both directions."""
    ahead, back, values = lstm(), lstm(), torch.randn(BATCH, STEPS, 1)

    def in_turn() -> Tensor:
        return torch.cat([ahead(values)[0], back(values.flip(1))[0].flip(1)], dim=2)

    def together() -> Tensor:
        one, two = side_by_side(ahead, back, values, values.flip(1))
        return torch.cat([one, two.flip(1)], dim=2)

    ways: dict[str, Work] = {}
    for kind, make in (("train", lambda read: trained([ahead, back], read)), ("answer", answered)):
        ways[f"{kind}: in turn, 1 thread"] = with_threads(1, make(in_turn))
        ways[f"{kind}: in turn, 2 threads"] = with_threads(2, make(in_turn))
        ways[f"{kind}: side by side, 1 thread each"] = with_threads(2, make(together))
    return ways


def one_direction() -> dict[str, Work]:
    """Give the ways to train and to answer with 64 units of one direction."""
    layer, values, single = lstm(units=64), torch.randn(BATCH, STEPS, 1), torch.randn(1, STEPS, 1)

    def whole() -> Tensor:
        output: Tensor = layer(values)[0]
        return output

    ways: dict[str, Work] = {}
    for kind, make in (("train", lambda read: trained([layer], read)), ("answer", answered)):
        ways[f"{kind} 64 units: 1 thread"] = with_threads(1, make(whole))
        ways[f"{kind} 64 units: 2 threads"] = with_threads(2, make(whole))
        ways[f"{kind} 64 units: halves, 1 thread each"] = with_threads(2, make(lambda: in_halves(layer, values)))
    last = trained([layer], lambda: in_halves(layer, values)[:, -1])
    ways["train 64 units, the last step answers: halves"] = with_threads(2, partial(flushing, False, last))
    ways["train 64 units, the last step answers: halves, denormals flushed"] = with_threads(
        2, partial(flushing, True, last)
    )
    ways["answer one series: 2 threads"] = with_threads(2, answered(lambda: layer(single)[0]))
    ways["answer one series: 1 thread of 2"] = with_threads(2, answered(lambda: in_halves(layer, single)))
    return ways


def of_one_thread() -> dict[str, Work]:
    """Give the ways that were tried and left, in one direction where nothing else is said."""
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

    one = trained([plain], lambda: plain(values)[0])
    ways = {
        "one direction": one,
        "one direction, forward alone": answered(lambda: plain(values)[0]),
        "one direction, the time first": trained([major], lambda: major(turned)[0]),
        "one direction, packed": trained([plain], packed),
        "one direction, denormals flushed": denormals_flushed,
        "one direction, without oneDNN": without_onednn,
        "one direction of a GRU": trained([gru], lambda: gru(values)[0]),
        "torch's two directions": trained([both], lambda: both(values)[0]),
        "two directions as one layer with blocks of zeros": trained([block], lambda: block(wide)[0]),
    }
    for batch in (64, 128, 256):
        more, layer = torch.randn(batch, STEPS, 1), lstm()
        ways[f"one direction, batches of {batch}"] = trained([layer], lambda more=more, layer=layer: layer(more)[0])
        ways[f"forward alone, batches of {batch}"] = answered(lambda more=more, layer=layer: layer(more)[0])
    return {name: with_threads(1, work) for name, work in ways.items()}


def time_all(ways: dict[str, Work], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Give milliseconds of every round, by the clock and of the processor."""
    found: dict[str, dict[str, list[float]]] = {name: {"clock": [], "processor": []} for name in ways}
    for turn in range(rounds + 2):
        for name, work in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            work()
            if turn > 1:
                found[name]["clock"].append(1e3 * (time.perf_counter() - clock))
                found[name]["processor"].append(1e3 * (time.process_time() - processor))
    return found


def main() -> None:
    """Time all ways in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    torch.manual_seed(0)
    found: dict[str, Any] = {}
    print(f"{'milliseconds':52}{'clock':>9}{'least':>9}{'processor':>11}{'least':>9}")
    for part, ways in (("directions", two_directions() | one_direction()), ("ways", of_one_thread())):
        found[part] = time_all(ways, options.rounds)
        for name, of in found[part].items():
            said = "".join(f"{number:9.1f}" for number in (statistics.median(of["clock"]), min(of["clock"])))
            processor = f"{statistics.median(of['processor']):11.1f}{min(of['processor']):9.1f}"
            print(f"{name:52}{said}{processor}", flush=True)
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    versions = {package: version(package) for package in ("limelight", "torch", "numpy")}
    file = Path(__file__).parent / "results" / "recurrence.json"
    file.write_text(json.dumps({"machine": machine, "versions": versions, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
