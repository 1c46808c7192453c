"""Run the libraries under comparison in processes of their own, each in the environment that has its packages."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIDES = Path(__file__).parent / "sides"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
OURS = ("limelight", "torch", "lightning", "numpy")
PEERS = ("aeon", "sktime", "keras", "tensorflow_cpu", "jax", "torch", "numba", "numpy")


@dataclass(frozen=True)
class ProcessResult:
    """The response of a process (None if it failed), its error, and its cost: wall time, CPU time and peak memory."""

    response: dict[str, Any] | None
    error: str
    seconds: float
    processor_seconds: float
    peak_mb: float


def environment(threads: int) -> dict[str, str]:
    """Return environment variables that set the same number of threads in every library and silence warnings."""
    silent = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    jax = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={threads}"
    return {
        **os.environ,
        **silent,
        **dict.fromkeys(THREADS, str(threads)),
        "XLA_FLAGS": jax,
        "GOMP_SPINCOUNT": "1000",
        "JAX_PLATFORMS": "cpu",
    }


def run_once(
    python: Path | str,
    script: str,
    request: dict[str, Any],
    threads: int,
    limit: float,
    source: Path | None = None,
) -> ProcessResult:
    """Run a script of ``benchmarks/sides`` on one request, for at most ``limit`` seconds.

    The request and the response are JSON files. The times include the start of Python. ``source`` is a folder with
    packages that replace the installed ones.
    """
    path = {} if source is None else {"PYTHONPATH": str(source.resolve())}
    with tempfile.TemporaryDirectory() as folder:
        request_file, response_file, errors = (
            Path(folder) / name for name in ("request.json", "response.json", "errors.txt")
        )
        request_file.write_text(json.dumps(request))
        started = time.perf_counter()
        with errors.open("w") as stream:
            process = subprocess.Popen(
                [str(python), str(SIDES / script), str(request_file), str(response_file)],
                env={**environment(threads), **path},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            usage, timed_out = _wait(process, limit)
        seconds = time.perf_counter() - started
        response = json.loads(response_file.read_text()) if response_file.exists() and not timed_out else None
        last_line = errors.read_text().strip().splitlines()[-1:]
        error = f"over {limit:.0f} s" if timed_out else "" if response else " ".join(last_line)[:200]
        return ProcessResult(response, error, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _wait(process: subprocess.Popen[bytes], limit: float) -> tuple[resource.struct_rusage, bool]:
    """Wait for a process and kill it after ``limit`` seconds; return its resource usage and whether it was killed."""
    deadline = time.monotonic() + limit
    while True:
        done, _, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            process.returncode = 0
            return usage, False
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = -9
            return usage, True
        time.sleep(0.005)


class Worker:
    """A script of ``benchmarks/sides`` that keeps running and answers requests, one line of JSON each."""

    def __init__(self, python: Path | str, script: str, name: str, threads: int) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [str(python), str(SIDES / script), name],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the response."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):  # libraries print other lines
                response: dict[str, Any] = json.loads(line)
                return response
        sys.exit(f"the process of {self.name} ended with exit code {self.process.wait()}")

    def close(self) -> None:
        """End the process by closing its input."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def package_versions(python: Path | str, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of packages that are installed for another Python."""
    code = (
        f"import json; from importlib.metadata import version as v; print(json.dumps({{p: v(p) for p in {packages}}}))"
    )
    versions: dict[str, str] = json.loads(
        subprocess.run([str(python), "-c", code], capture_output=True, check=True).stdout
    )
    return versions


def describe_environments(peers: Path | str, threads: int, packages: tuple[str, ...] = PEERS) -> dict[str, Any]:
    """Return the machine and the package versions of limelight's environment and of the peers'."""
    return {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": threads,
            "load": current_load(),
        },
        "versions": package_versions(sys.executable, OURS),
        "peers": package_versions(peers, packages),
    }


def current_load() -> float:
    """Return the average number of runnable processes over the last minute."""
    return round(os.getloadavg()[0], 1)
