"""Measure the server under load and its memory, and streams step by step.

    python -m benchmarks.run.deploy --litserve LITSERVE/bin/python --schemathesis FUZZ/bin/schemathesis

LitServe serves the same exported model in an environment that also has what limelight needs, one request at a time and
up to 64 together; without the option only limelight is measured.

Models are fitted to 64 series of noise and waves. The server runs in a process of its own with one thread; each request
has one series of 150 steps. Prints the numbers and writes ``benchmarks/results/deploy.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import SIDES, current_load, environment, package_versions
from benchmarks.result_files import ROOT, describe_environment, read_results, write_results
from benchmarks.sides.export_side import draw
from benchmarks.sides.load import family, load, memory_mb, request_of

STEPS = 150
SERVED = {"conv_lstm": {"encoder": "conv_lstm"}, "rocket": {"encoder": "rocket"}}
STREAMED: dict[str, dict[str, Any]] = {
    "lstm, attention": {"encoder": "lstm"},
    "gru, last": {"encoder": "gru", "pooling": "last"},
    "conv_lstm": {"encoder": "conv_lstm"},
}
WINDOWED = {"rocket": {"encoder": "rocket"}, "blocks": {"encoder": "blocks"}}
"""Models that predict the last steps again after each step."""
FUZZ_EXAMPLES = 200
"""Requests drawn for each address and phase."""


def fitted(words: dict[str, Any]) -> Any:
    """Fit a small classifier."""
    from limelight import TimeSeriesClassifier

    values, labels = draw(STEPS)
    return TimeSeriesClassifier(**words, max_epochs=1, random_state=0, progress=False).fit(values, labels)


def measure_load(port: int, process: int, request: bytes, requests: int, many: int) -> dict[str, Any]:
    """Measure a server with 1 and 16 clients, and its memory after each tenth of many requests."""
    found: dict[str, Any] = {"loads": []}
    for clients in (1, 16):
        found["loads"].append(asyncio.run(load(port, process, request, clients, requests // clients)))
    found["mb"] = memory_mb(process)
    found["many"], found["mb_after"] = many, []
    for _ in range(10):
        asyncio.run(load(port, process, request, 16, many // 160))
        found["mb_after"].append(memory_mb(process))
    return found


def measure_server(source: Path, requests: int, many: int, schemathesis: str | None) -> dict[str, Any]:
    """Serve a model by limelight and measure it; draw requests from its description if schemathesis is there."""
    command = [sys.executable, "-m", "limelight", "serve", str(source), "--port", "0"]
    given = {**environment(1), "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=given) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            request = request_of(f"/v1/models/{source.stem}/predict", STEPS)
            found = measure_load(port, process.pid, request, requests, many)
            return found if schemathesis is None else {**found, "fuzz": measure_fuzz(port, schemathesis)}
        finally:
            process.terminate()


def measure_litserve(python: str, file: Path, batch: int, requests: int, many: int) -> dict[str, Any]:
    """Serve an exported model by LitServe, and measure it in the same way."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, str(SIDES / "litserve_side.py"), str(file), str(port), str(batch)]
    given = {**environment(1), "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=given) as process:
        try:
            deadline = time.monotonic() + 60
            while not is_healthy(port) and time.monotonic() < deadline:
                time.sleep(0.5)
            return measure_load(port, process.pid, request_of("/predict", STEPS), requests, many)
        finally:
            for one in reversed(family(process.pid)):
                os.kill(one, signal.SIGTERM)


def is_healthy(port: int) -> bool:
    """Whether LitServe answers that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def measure_fuzz(port: int, schemathesis: str) -> dict[str, Any]:
    """Draw requests from the OpenAPI description of a server; return how many, and the statuses that it counted."""
    address = f"http://127.0.0.1:{port}"
    options = ["--max-examples", str(FUZZ_EXAMPLES), "--phases", "examples,coverage,fuzzing"]
    options += ["--exclude-checks", "positive_data_acceptance", "--no-color"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [schemathesis, "run", f"{address}/openapi.json", *options], cwd=folder, capture_output=True, text=True
        )
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        counts = re.findall(r'limelight_requests_total\{.*status="(\d+)"\} (\d+)', answer.read().decode())
    statuses: dict[str, int] = {}
    for status, count in counts:
        statuses[status] = statuses.get(status, 0) + int(count)
    cases = re.search(r"(\d+) generated", done.stdout)
    return {"cases": int(cases[1]) if cases else 0, "passed": done.returncode == 0, "statuses": statuses}


def measure_stream(words: dict[str, Any], steps: int, window: int | None = None) -> dict[str, Any]:
    """Feed a long series step by step; compare the last answer with predict, and take the processor time of each."""
    model = fitted(words)
    values = np.random.default_rng(1).normal(size=(steps, 1))
    stream, times = model.stream(window=window), []
    for row in values:
        started = time.process_time()
        answer = stream.step(row)
        times.append(1e6 * (time.process_time() - started))
    expected = model.predict_proba([values if window is None else values[-window:]])[0]
    return {
        "p50_us": float(np.percentile(times, 50)),
        "p99_us": float(np.percentile(times, 99)),
        "difference": float(np.abs(answer.probabilities - expected).max()),
    }


def measure_kind(
    kind: str, classifier: Any, folder: Path, options: argparse.Namespace, results: dict[str, Any]
) -> None:
    """Serve a model as a folder and as an exported file, and the file by LitServe too."""
    sources = {"folder": classifier.save(folder / kind), "file": classifier.export(folder / f"{kind}.onnx")}
    for form, source in sources.items():
        longest = kind == "conv_lstm" and form == "file"
        many, fuzzed = (options.most, options.schemathesis) if longest else (options.many, None)
        results["servers"][f"{kind}, {form}"] = measure_server(source, options.requests, many, fuzzed)
    if options.litserve:
        results["peers"] = package_versions(options.litserve, ("litserve",))
        for batch in (1, 64):
            name = f"LitServe: {kind}, file" + (f", up to {batch} together" if batch > 1 else "")
            own = (options.litserve, sources["file"], batch, options.requests, options.many)
            results["servers"][name] = measure_litserve(*own)


def main() -> None:
    """Measure servers and streams."""
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=800, help="for each number of clients")
    parser.add_argument("--many", type=int, default=8_000, help="for the growth of memory")
    parser.add_argument("--most", type=int, default=100_000, help="for that of the exported conv_lstm")
    parser.add_argument("--steps", type=int, default=2_000, help="of a streamed series")
    parser.add_argument("--litserve", help="Python of the environment with LitServe")
    parser.add_argument("--schemathesis", help="the program schemathesis")
    parser.add_argument("--streams", action="store_true", help="streams alone; servers keep their earlier numbers")
    options = parser.parse_args()
    packages = ("limelight", "torch", "onnxruntime", "fastapi", "uvicorn", "numpy")
    results: dict[str, Any] = {**describe_environment(*packages, threads=1), "load": current_load()}
    if options.streams:
        results = read_results("deploy")
    results["steps"], results["streams_again"] = options.steps, options.streams
    results["streams"] = {kind: measure_stream(words, options.steps) for kind, words in STREAMED.items()}
    for kind, words in WINDOWED.items():
        results["streams"][f"{kind}, window of {STEPS}"] = measure_stream(words, options.steps // 4, STEPS)
    print(results["streams"])
    if options.streams:
        write_results("deploy", results)
        return
    results["servers"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, words in SERVED.items():
            measure_kind(kind, fitted(words), Path(folder), options, results)
    write_results("deploy", results)
    for name, found in results["servers"].items():
        print(name, found)


if __name__ == "__main__":
    main()
