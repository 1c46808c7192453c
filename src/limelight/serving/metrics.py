"""Counters of a server in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from threading import Lock

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_Labels = tuple[tuple[str, str], ...]
METRICS: Mapping[str, tuple[str, str]] = {
    "limelight_requests_total": ("counter", "Requests by path and status."),
    "limelight_series_total": ("counter", "Series predicted, by model."),
    "limelight_reloads_total": ("counter", "Models replaced while serving, by model and result."),
    "limelight_stream_steps_total": ("counter", "Steps of streams that have ended, by model."),
    "limelight_streams": ("gauge", "Streams that are open."),
    "limelight_waiting": ("gauge", "Requests that wait for a pass, by model."),
    "limelight_request_seconds": ("histogram", "Time from the first byte of a request to the last of its answer."),
    "limelight_pass_series": ("histogram", "Series that were predicted together in one pass."),
}
"""The type and the meaning of each metric."""


class ServerMetrics:
    """Counts requests, series and passes; safe to use from several threads.

    Example
    -------
    >>> metrics = ServerMetrics()
    >>> metrics.count("limelight_requests_total", path="/healthz", status="200")
    >>> print(metrics.render().splitlines()[2])
    limelight_requests_total{path="/healthz",status="200"} 1
    """

    def __init__(self) -> None:
        self._numbers: dict[str, dict[_Labels, float]] = {}
        self._histograms: dict[str, tuple[tuple[float, ...], list[int], list[float]]] = {}
        self._lock = Lock()

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        with self._lock:
            series = self._numbers.setdefault(name, {})
            key = tuple(sorted(labels.items()))
            series[key] = series.get(key, 0) + amount

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._numbers.setdefault(name, {})[tuple(sorted(labels.items()))] = value

    def observe(self, name: str, value: float, bounds: tuple[float, ...] = SECONDS) -> None:
        """Add an observation to a histogram."""
        with self._lock:
            if name not in self._histograms:
                self._histograms[name] = (bounds, [0] * (len(bounds) + 1), [0.0])
            limits, counts, total = self._histograms[name]
            counts[bisect_left(limits, value)] += 1
            total[0] += value

    def render(self) -> str:
        """Return all metrics as text."""
        with self._lock:
            lines: list[str] = []
            for name, (kind, meaning) in METRICS.items():
                samples = self._samples(name)
                if samples:
                    lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *samples]
            return "\n".join(lines) + "\n"

    def _samples(self, name: str) -> list[str]:
        found = [f"{name}{_braces(labels)} {value:g}" for labels, value in self._numbers.get(name, {}).items()]
        if name in self._histograms:
            limits, counts, total = self._histograms[name]
            running = 0
            for bound, count in zip((*(f"{limit:g}" for limit in limits), "+Inf"), counts, strict=True):
                running += count
                found.append(f'{name}_bucket{{le="{bound}"}} {running}')
            found += [f"{name}_sum {total[0]:g}", f"{name}_count {running}"]
        return found


def _braces(labels: _Labels) -> str:
    shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{shown}}}" if shown else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
