"""A training step, predictions, one series, and the import: limelight, torch, Keras on TensorFlow and JAX, and sktime.

    python benchmarks/speed.py --peers PEERS/bin/python

``--peers`` is the Python of an environment with ``benchmarks/requirements.txt``. The sides are processes that stay, with the
same number of threads, and are asked in turn; a first round warms up and compiles and is not counted. Batches of 32 series
of 500 steps and one channel. On a machine that others use too the milliseconds mean little and the ratios, each of two
numbers of the same round, mean more. Prints a table and writes ``benchmarks/results/speed.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import sides

NETWORKS = {
    "lstm": ("limelight", "torch", "keras_tensorflow", "keras_jax", "sktime"),
    "attention_bilstm": ("limelight", "torch", "keras_tensorflow", "keras_jax"),
}
MEASURES = {"train": 1e3, "predict": 1e6, "latency": 1e3}
"""What is measured, and what makes it milliseconds a step, microseconds a series, milliseconds for one series."""
IMPORTS = {
    "limelight": "import limelight",
    "limelight's estimator": "from limelight import TimeSeriesClassifier",
    "torch": "import torch",
    "keras_tensorflow": "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; import keras",
    "keras_jax": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
    "sktime's GRU": "from sktime.classification.deep_learning.gru import GRUClassifier; import torch",
    "aeon's MiniRocket": "from aeon.classification.convolution_based import MiniRocketClassifier",
}


def python_of(name: str, peers: str) -> str:
    """Say which Python has a library; torch comes from our own environment."""
    return sys.executable if name.startswith(("limelight", "torch")) else peers


def time_networks(peers: str, threads: int, steps: int, rounds: int) -> dict[str, Any]:
    """Ask every side in turn, turning the order around every other round."""
    found: dict[str, Any] = {}
    for network, names in NETWORKS.items():
        running = [sides.Side(python_of(name, peers), "speed_side.py", name, threads) for name in names]
        answers: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        loads = []
        for turn in range(rounds + 1):
            for side in running[:: 1 if turn % 2 else -1]:
                answer = side.resolve_target(network=network, steps=steps)
                if turn:
                    answers[side.name].append(answer)
            loads.append(sides.machine(threads)["load"])
            print(f"  {network}: round {turn} of {rounds}, load {loads[-1]}", flush=True)
        for side in running:
            side.close()
        found[network] = {"load": loads[1:], "answers": answers}
    return found


def time_imports(peers: str, threads: int, rounds: int) -> dict[str, list[float]]:
    """Time a fresh Python that imports and ends, less nothing."""
    taken: dict[str, list[float]] = {"nothing": [], **{name: [] for name in IMPORTS}}
    for turn in range(rounds + 1):
        for name in taken:
            started = time.perf_counter()
            command = [python_of(name, peers), "-c", IMPORTS.get(name, "pass")]
            subprocess.run(command, env=sides.environment(threads), check=True, capture_output=True)
            if turn:
                taken[name].append(time.perf_counter() - started)
    return taken


def ratio(answers: dict[str, list[dict[str, float]]], name: str, measure: str) -> float:
    """Give how many times limelight's time a side takes: the median over rounds."""
    pairs = zip(answers[name], answers["limelight"], strict=True)
    return statistics.median(one[measure] / ours[measure] for one, ours in pairs)


def show(found: dict[str, Any]) -> None:
    """Print what was found."""
    print(f"{'network':18}{'side':18}{'ms a step':>11}{'x':>6}{'µs a series':>13}{'x':>6}{'ms for one':>12}{'x':>6}")
    for network, one in found["networks"].items():
        for name, rounds in one["answers"].items():
            line = f"{network:18}{name:18}"
            for (measure, factor), width in zip(MEASURES.items(), (11, 13, 12), strict=True):
                middle = factor * statistics.median(answer[measure] for answer in rounds)
                line += f"{middle:{width}.2f}{ratio(one['answers'], name, measure):6.2f}"
            print(line)
    for name, taken in found["imports"].items():
        print(f"import {name:28}{statistics.median(taken):8.2f} s")
    processor = {
        network: {name: round(ratio(one["answers"], name, "train_processor"), 2) for name in one["answers"]}
        for network, one in found["networks"].items()
    }
    print(f"a step in seconds of the processor, times limelight's: {processor}")
    print("x is the time in times that of limelight in the same round; above 1 is slower than limelight")


def main() -> None:
    """Time networks and imports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--steps", type=int, default=30, help="training steps in one round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.steps < 30:
        parser.error("an epoch of limelight is at least 30 steps")
    found = {
        "steps": options.steps,
        "versions": sides.versions(sys.executable, sides.OURS),
        "peers": sides.versions(options.peers, sides.PEERS),
        "networks": time_networks(options.peers, options.threads, options.steps, options.rounds),
        "imports": time_imports(options.peers, options.threads, min(options.rounds, 5)),
        "machine": sides.machine(options.threads),
    }
    show(found)
    (sides.HERE / "results" / "speed.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
