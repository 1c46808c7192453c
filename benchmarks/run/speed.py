"""Compare the speed of training steps, predictions and imports in limelight, torch, Keras and sktime.

    python -m benchmarks.run.speed --peers PEERS/bin/python

``--peers`` is the Python of an environment with the packages of ``benchmarks/requirements.txt``; Keras runs on
TensorFlow and on JAX. Every library has a process that keeps running, all with the same number of threads. The
libraries take turns, after one round that warms up and compiles. Batches have 32 series of 500 steps and one channel.
On a shared machine, compare the ratios rather than the times: both times of a ratio come from the same round. Prints a
table and writes ``benchmarks/results/speed.json``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.processes import Worker, current_load, describe_environments, environment
from benchmarks.result_files import write_results

NETWORKS = {
    "lstm": ("limelight", "torch", "keras_tensorflow", "keras_jax", "sktime"),
    "attention_bilstm": ("limelight", "torch", "keras_tensorflow", "keras_jax"),
}
MEASURES = {"train": 1e3, "predict": 1e6, "latency": 1e3}
"""Measures, with factors for milliseconds per step, microseconds per series and milliseconds for one series."""
IMPORTS = {
    "limelight": "import limelight",
    "limelight's estimator": "from limelight import TimeSeriesClassifier",
    "torch": "import torch",
    "keras_tensorflow": "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; import keras",
    "keras_jax": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
    "sktime's GRU": "from sktime.classification.deep_learning.gru import GRUClassifier; import torch",
    "aeon's MiniRocket": "from aeon.classification.convolution_based import MiniRocketClassifier",
}


def python_for(name: str, peers: str) -> str:
    """Return the Python that has a library; torch is that of limelight's environment."""
    return sys.executable if name.startswith(("limelight", "torch")) else peers


def time_networks(peers: str, threads: int, steps: int, rounds: int) -> dict[str, Any]:
    """Time every library in every round; the order reverses from round to round."""
    networks: dict[str, Any] = {}
    for network, names in NETWORKS.items():
        workers = [Worker(python_for(name, peers), "speed_side.py", name, threads) for name in names]
        times: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        loads = []
        for round_ in range(rounds + 1):
            for worker in workers[:: 1 if round_ % 2 else -1]:
                measured = worker.call(network=network, steps=steps)
                if round_:
                    times[worker.name].append(measured)
            loads.append(current_load())
            print(f"  {network}: round {round_} of {rounds}, load {loads[-1]}", flush=True)
        for worker in workers:
            worker.close()
        networks[network] = {"load": loads[1:], "answers": times}
    return networks


def time_imports(peers: str, threads: int, rounds: int) -> dict[str, list[float]]:
    """Time fresh Python processes that only import a library, and one that imports nothing."""
    seconds: dict[str, list[float]] = {"nothing": [], **{name: [] for name in IMPORTS}}
    for round_ in range(rounds + 1):
        for name in seconds:
            started = time.perf_counter()
            command = [python_for(name, peers), "-c", IMPORTS.get(name, "pass")]
            subprocess.run(command, env=environment(threads), check=True, capture_output=True)
            if round_:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(times: dict[str, list[dict[str, float]]], name: str, measure: str) -> float:
    """Return the time of a library relative to limelight's in the same round, as the median over rounds."""
    pairs = zip(times[name], times["limelight"], strict=True)
    return statistics.median(one[measure] / ours[measure] for one, ours in pairs)


def show(results: dict[str, Any]) -> None:
    """Print the results as a table."""
    print(f"{'network':18}{'library':18}{'ms a step':>11}{'x':>6}{'µs a series':>13}{'x':>6}{'ms for one':>12}{'x':>6}")
    for network, one in results["networks"].items():
        for name, rounds in one["answers"].items():
            line = f"{network:18}{name:18}"
            for (measure, factor), width in zip(MEASURES.items(), (11, 13, 12), strict=True):
                median = factor * statistics.median(one[measure] for one in rounds)
                line += f"{median:{width}.2f}{ratio(one['answers'], name, measure):6.2f}"
            print(line)
    for name, seconds in results["imports"].items():
        print(f"import {name:28}{statistics.median(seconds):8.2f} s")
    processor = {
        network: {name: round(ratio(one["answers"], name, "train_processor"), 2) for name in one["answers"]}
        for network, one in results["networks"].items()
    }
    print(f"CPU time of a training step, relative to limelight: {processor}")
    print("x is the time relative to limelight in the same round; above 1 means slower than limelight")


def main() -> None:
    """Time the networks and the imports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--threads", type=int, default=2, help="for every library")
    parser.add_argument("--steps", type=int, default=30, help="training steps per round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.steps < 30:
        parser.error(f"expected at least 30 steps, the shortest epoch of limelight, got {options.steps}")
    results = {
        **describe_environments(options.peers, options.threads),
        "steps": options.steps,
        "networks": time_networks(options.peers, options.threads, options.steps, options.rounds),
        "imports": time_imports(options.peers, options.threads, min(options.rounds, 5)),
    }
    show(results)
    write_results("speed", results)


if __name__ == "__main__":
    main()
