"""What a benchmark needs to run its sides in processes of their own, each in the environment that has its packages."""

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

HERE = Path(__file__).parent
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
class FoldResult:
    """What a process said, and what it cost: seconds by the clock, seconds of processor, peak of resident memory."""

    answer: dict[str, Any] | None
    trouble: str
    seconds: float
    processor_seconds: float
    peak_mb: float


def environment(threads: int) -> dict[str, str]:
    """Give every side the same number of threads, and keep them quiet."""
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


def run_once(python: Path | str, script: str, request: dict[str, Any], threads: int, limit: float) -> FoldResult:
    """Run ``script`` with a request in JSON until it wrote its answer; the clock runs from the start of Python."""
    with tempfile.TemporaryDirectory() as folder:
        asked, given, errors = (Path(folder) / name for name in ("request.json", "answer.json", "errors.txt"))
        asked.write_text(json.dumps(request))
        started = time.perf_counter()
        with errors.open("w") as stream:
            process = subprocess.Popen(
                [str(python), str(HERE / script), str(asked), str(given)],
                env=environment(threads),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            used, late = _wait(process, limit)
        seconds = time.perf_counter() - started
        answer = json.loads(given.read_text()) if given.exists() and not late else None
        last = errors.read_text().strip().splitlines()[-1:]
        trouble = f"over {limit:.0f} s" if late else "" if answer else " ".join(last)[:200]
        return FoldResult(answer, trouble, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _wait(process: subprocess.Popen[bytes], limit: float) -> tuple[resource.struct_rusage, bool]:
    """Wait for a process, at most so long; give what it used."""
    ends = time.monotonic() + limit
    while True:
        done, _, used = os.wait4(process.pid, os.WNOHANG)
        if done:
            process.returncode = 0
            return used, False
        if time.monotonic() > ends:
            os.killpg(process.pid, signal.SIGKILL)
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = -9
            return used, True
        time.sleep(0.005)


class Side:
    """A process that stays and answers one request after another, a line of JSON each."""

    def __init__(self, python: Path | str, script: str, name: str, threads: int) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [str(python), str(HERE / script), name],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def resolve_target(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):  # other lines are what libraries print
                answer: dict[str, Any] = json.loads(line)
                return answer
        sys.exit(f"the side {self.name} ended with {self.process.wait()}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def versions(python: Path | str, packages: tuple[str, ...]) -> dict[str, str]:
    """Ask an environment which versions it has."""
    code = (
        f"import json; from importlib.metadata import version as v; print(json.dumps({{p: v(p) for p in {packages}}}))"
    )
    found: dict[str, str] = json.loads(
        subprocess.run([str(python), "-c", code], capture_output=True, check=True).stdout
    )
    return found


def machine(threads: int) -> dict[str, Any]:
    """Say on what it ran, and how many processes wanted its cores in the last minute."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),
    }
