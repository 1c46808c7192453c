"""Ask a server over and over, from several connections; ``benchmarks.run.deploy`` uses it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 20


def request_of(path: str, steps: int) -> bytes:
    """Return a request to a path with one series of one channel."""
    values = np.random.default_rng(0).normal(size=steps).round(3).tolist()
    body = json.dumps({"series": [{"values": values}]}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _client(port: int, request: bytes, count: int, times: list[float]) -> int:
    """Send a number of requests over one connection; return how many were not answered with 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    failed = 0
    for _ in range(count):
        started = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        times.append(time.perf_counter() - started)
        failed += b" 200 " not in head[:20]
    writer.close()
    return failed


async def load(port: int, process: int, request: bytes, clients: int, count: int) -> dict[str, Any]:
    """Send ``count`` requests from each client; return rates, times and the processor time of the server."""
    await _client(port, request, WARM_UP, [])
    times: list[float] = []
    spent, started = processor_seconds(process), time.perf_counter()
    failed = await asyncio.gather(*(_client(port, request, count, times) for _ in range(clients)))
    seconds = time.perf_counter() - started
    return {
        "clients": clients,
        "requests": len(times),
        "failed": sum(failed),
        "per_second": len(times) / seconds,
        "p50_ms": 1_000 * float(np.percentile(times, 50)),
        "p99_ms": 1_000 * float(np.percentile(times, 99)),
        "processor_ms": 1_000 * (processor_seconds(process) - spent) / len(times),
    }


def family(process: int) -> list[int]:
    """Return a process and all processes that it has started."""
    own = [process]
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            own += family(int(child))
    return own


def processor_seconds(process: int) -> float:
    """Return the processor time that a process and its children have used."""
    fields = [Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split() for one in family(process)]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def memory_mb(process: int) -> float:
    """Return the memory that a process and its children hold; what they share counts once for each."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(process)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20
