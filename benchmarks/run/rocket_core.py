"""Time the core of the rocket encoder, alternatives that were tried and rejected, and the fit of its head.

    python -m benchmarks.run.rocket_core

All variants do the same work in one run: convolve noise with all kernels, and compare the outputs with five thresholds
each, which is the default of 10,000 features at this length. The lowest time of several repeats counts. Prints a table
and writes ``benchmarks/results/rocket_core.json``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import numpy as np
import torch

from benchmarks.result_files import describe_environment, write_results
from limelight.nn.rocket import RocketEncoder, _count_above
from limelight.training.ridge import fit_ridge, fit_ridge_streamed

SERIES, STEPS, DILATIONS, THRESHOLDS = 32, 464, 23, 5


def lowest_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Return the lowest time of several calls, in seconds."""
    lowest = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        lowest = min(lowest, time.perf_counter() - started)
    return lowest


def convolution_variants() -> dict[str, Callable[[], Any]]:
    """Return the variants that convolve with all 84 kernels at one dilation."""
    values, taps = torch.randn(SERIES, 1, STEPS), torch.randn(84, 1, 9)
    shifted = torch.randn(11, SERIES * STEPS)
    weights = torch.randn(84, 11)
    padded = torch.nn.functional.pad(values[:, 0], (16, 16))
    triples = torch.combinations(torch.arange(9), 3)

    def nine_sums() -> None:
        seen = torch.stack([padded[:, 4 * tap : 4 * tap + STEPS] for tap in range(9)])
        total, threefold = -seen.sum(dim=0), 3 * seen
        for one, two, three in triples.tolist():
            total + threefold[one] + threefold[two] + threefold[three]

    def product() -> None:
        for tap in range(9):
            shifted[tap].view(SERIES, STEPS).copy_(padded[:, 4 * tap : 4 * tap + STEPS])
        weights @ shifted

    return {
        "conv1d with a dilation": lambda: torch.nn.functional.conv1d(values, taps, padding=16, dilation=4),
        "nine shifted sums, three added for each kernel": nine_sums,
        "one matrix product of shifted copies (used)": product,
    }


def count_variants() -> dict[str, Callable[[], Any]]:
    """Return the variants that count the steps above each threshold, at one dilation."""
    outputs, thresholds = torch.randn(84, SERIES, STEPS), torch.randn(84, THRESHOLDS).sort(dim=1).values
    numbers, flags = (torch.empty(84, THRESHOLDS, SERIES, STEPS, dtype=kind) for kind in (torch.float32, torch.bool))
    short, short_flags = (outputs * 1000).short(), torch.empty(84, THRESHOLDS, SERIES, STEPS, dtype=torch.short)
    short_thresholds = (thresholds * 1000).short()[:, :, None, None]
    room, column = np.empty(flags.numel(), dtype=bool), thresholds[:, :, None, None]
    ones = torch.ones(STEPS)

    def words() -> None:
        torch.gt(outputs[:, None], column, out=flags)
        flags.view(torch.int64).sum(dim=-1)

    def sixteen_bits() -> None:
        torch.gt(short[:, None], short_thresholds, out=short_flags)
        short_flags.view(torch.int64).sum(dim=-1)

    def binned() -> None:
        places = torch.searchsorted(thresholds, outputs.flatten(1), out_int32=True).view(84, SERIES, STEPS)
        bags = (torch.arange(84 * SERIES).view(84, SERIES, 1) * (THRESHOLDS + 1) + places).flatten()
        torch.bincount(bags, minlength=84 * SERIES * (THRESHOLDS + 1))

    return {
        "booleans of torch, their sum": lambda: (outputs[:, None] > column).sum(dim=-1),
        "booleans of torch, words of eight summed": words,
        "floats of torch, their sum": lambda: torch.gt(outputs[:, None], column, out=numbers).sum(dim=-1),
        "floats of torch, times ones": lambda: torch.gt(outputs[:, None], column, out=numbers) @ ones,
        "16 bits of torch, words of four summed": sixteen_bits,
        "searchsorted and bincount": binned,
        "sorted, then searched": lambda: torch.searchsorted(
            outputs.sort(dim=2).values, thresholds[:, None].expand(-1, SERIES, -1).contiguous()
        ),
        "booleans of NumPy, words of eight summed (used)": lambda: _count_above(outputs, thresholds, room),
    }


def time_encoder_and_head() -> dict[str, float]:
    """Return the time of the whole encoder in milliseconds per series, and of fitting a head in seconds."""
    times = {}
    for series, steps, channels in ((100, 460, 1), (100, 460, 6), (500, 96, 1), (20, 2_000, 1)):
        values, mask = torch.randn(series, steps, channels), torch.ones(series, steps, dtype=torch.bool)
        for features, dilations in ((10_000, 32), (3_000, 16)):
            encoder = RocketEncoder(channels, steps, features, dilations=dilations)
            encoder.fit(values, mask, torch.Generator().manual_seed(0))
            name = f"{steps} steps, {channels} channels, {features} features, {len(encoder.plan)} dilations"
            milliseconds = 1e3 * lowest_seconds(lambda e=encoder, v=values, m=mask: e(v, m), 3)
            times[f"{name}: ms a series"] = milliseconds / series
    for rows, width in ((100, 9_996), (1_000, 9_996), (10_000, 3_000)):
        features = torch.rand(rows, width)
        targets = 2 * torch.nn.functional.one_hot(torch.arange(rows) % 5).double() - 1
        fit = (
            (lambda f=features, t=targets: fit_ridge(f, t))
            if rows <= 1_000
            else (lambda f=features, t=targets: fit_ridge_streamed(zip(f.split(2_000), t.split(2_000), strict=True)))
        )
        times[f"head of {rows} series, {width} features: seconds"] = lowest_seconds(fit, 1)
    return times


def main() -> None:
    """Time the variants, the whole encoder and the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="calls of each variant")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {"convolve": {}, "count": {}}
    for part, variants in (("convolve", convolution_variants()), ("count", count_variants())):
        print(f"{part}: ms per series")
        for name, work in variants.items():
            results[part][name] = 1e3 * DILATIONS * lowest_seconds(work, options.repeats) / SERIES
            print(f"  {name:60}{results[part][name]:8.2f}", flush=True)
    results["whole"] = time_encoder_and_head()
    for name, value in results["whole"].items():
        print(f"{name:70}{value:8.2f}", flush=True)
    environment = describe_environment("limelight", "torch", "numpy", threads=torch.get_num_threads())
    write_results("rocket_core", {**environment, **results})


if __name__ == "__main__":
    main()
