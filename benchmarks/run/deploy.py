"""Measure the server under load and its memory, and streams step by step.

    python -m benchmarks.run.deploy

Models are fitted to 64 series of noise and waves. The server runs in a process of its own with one thread; each request
has one series of 150 steps. Prints the numbers and writes ``benchmarks/results/deploy.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import current_load, environment
from benchmarks.result_files import ROOT, describe_environment, write_results
from benchmarks.sides.export_side import draw
from benchmarks.sides.load import load, memory_mb, request_of

STEPS = 150
SERVED = {"conv_lstm": {"encoder": "conv_lstm"}, "rocket": {"encoder": "rocket"}}
STREAMED: dict[str, dict[str, Any]] = {
    "lstm, attention": {"encoder": "lstm"},
    "gru, last": {"encoder": "gru", "pooling": "last"},
    "conv_lstm": {"encoder": "conv_lstm"},
}


def fitted(words: dict[str, Any]) -> Any:
    """Fit a small classifier."""
    from limelight import TimeSeriesClassifier

    values, labels = draw(STEPS)
    return TimeSeriesClassifier(**words, max_epochs=1, random_state=0, progress=False).fit(values, labels)


def measure_server(source: Path, requests: int, many: int) -> dict[str, Any]:
    """Start a server, and measure it with 1 and 16 clients, and its memory after many requests."""
    command = [sys.executable, "-m", "limelight", "serve", str(source), "--port", "0"]
    given = {**environment(1), "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=given) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            request = request_of(source.stem, STEPS)
            found: dict[str, Any] = {"loads": []}
            for clients in (1, 16):
                count = requests // clients
                found["loads"].append(asyncio.run(load(port, process.pid, request, clients, count)))
            found["mb"] = memory_mb(process.pid)
            found["many"] = asyncio.run(load(port, process.pid, request, 16, many // 16))
            found["mb_after"] = memory_mb(process.pid)
            return found
        finally:
            process.terminate()


def measure_stream(words: dict[str, Any], steps: int) -> dict[str, Any]:
    """Feed a long series step by step; compare the last answer with predict, and time the steps."""
    model = fitted(words)
    values = np.random.default_rng(1).normal(size=(steps, 1))
    stream, times = model.stream(), []
    for row in values:
        started = time.perf_counter()
        answer = stream.step(row)
        times.append(1e6 * (time.perf_counter() - started))
    expected = model.predict_proba([values])[0]
    return {
        "p50_us": float(np.percentile(times, 50)),
        "p99_us": float(np.percentile(times, 99)),
        "difference": float(np.abs(answer.probabilities - expected).max()),
    }


def main() -> None:
    """Measure servers and streams."""
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=800, help="for each number of clients")
    parser.add_argument("--many", type=int, default=8_000, help="for the growth of memory")
    parser.add_argument("--steps", type=int, default=2_000, help="of a streamed series")
    options = parser.parse_args()
    packages = ("limelight", "torch", "onnxruntime", "fastapi", "uvicorn", "numpy")
    results: dict[str, Any] = {**describe_environment(*packages, threads=1), "load": current_load()}
    results |= {"many": options.many, "steps": options.steps}
    results["streams"] = {kind: measure_stream(words, options.steps) for kind, words in STREAMED.items()}
    results["servers"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, words in SERVED.items():
            classifier = fitted(words)
            sources = {"folder": classifier.save(Path(folder) / kind), "file": Path(folder) / f"{kind}.onnx"}
            classifier.export(sources["file"])
            for form, source in sources.items():
                results["servers"][f"{kind}, {form}"] = measure_server(source, options.requests, options.many)
    write_results("deploy", results)
    print(results["streams"])
    for name, found in results["servers"].items():
        print(name, found)


if __name__ == "__main__":
    main()
