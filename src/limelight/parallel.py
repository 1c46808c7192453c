"""Calls that run in parallel: in processes of this machine, on a backend of joblib, or on Ray."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from limelight.errors import LostWorkerError, ParameterError, as_sentence

RAY = "ray"
CLUSTER = re.compile(r"ray://[^/\s:]+(:\d{1,5})")
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # those of calls that are no longer needed
}
CONNECT_SECONDS = 10.0
RETRIES = 3
"""How often a call is repeated if the process that ran it was lost."""
AHEAD = 2
"""Calls for each free processor of Ray that are handed over before their turn."""


def run_parallel(
    function: Callable[..., Any],
    calls: Iterable[tuple[Any, ...]],
    jobs: int,
    *,
    ordered: bool = False,
    on: str | None = None,
) -> Iterator[Any]:
    """Call a function with each of some arguments, in parallel processes.

    Inside ``joblib.parallel_config(backend)``, the processes are those of that backend, such as Dask.

    Parameters
    ----------
    function
        Importable from a module or a method of a picklable object, so that processes find it.
    calls
        The arguments of each call; consumed when a process is free.
    jobs
        Number of processes; 1 calls in this process, one after the other. Ray uses its own number.
    ordered
        Whether the results come in the order of the calls; else in the order in which the calls finish.
    on
        ``"ray"`` for Ray on this machine or in the cluster of RAY_ADDRESS, ``"ray://host:port"`` for a cluster; None
        for processes of this machine.

    Returns
    -------
    Iterator
        The results. A call whose process was lost is repeated by Ray; loky raises an error.

    Raises
    ------
    ParameterError
        If ``on`` is none of these, Ray is not installed, or the cluster does not answer.
    LostWorkerError
        If Ray lost the workers of a call again and again.

    Example
    -------
    >>> list(run_parallel(round, [(1.4,), (2.6,)], jobs=1))
    [1, 3]
    """
    if on is not None:
        yield from _run_on_ray(function, calls, on, ordered=ordered)
        return
    backend = _chosen_backend()
    if jobs == 1 and backend is None:
        yield from (function(*arguments) for arguments in calls)
        return
    from joblib import Parallel, delayed

    work = (delayed(function)(*arguments) for arguments in calls)
    if backend is not None and not getattr(backend, "supports_return_generator", False):
        yield from Parallel(jobs, batch_size=1)(work)
        return
    own: dict[str, Any] = {"batch_size": 1, "return_as": "generator" if ordered else "generator_unordered"}
    if backend is None:
        own |= {"backend": "loky", "pre_dispatch": jobs, "initializer": ignore_interrupts}
        own["mmap_mode"] = "c"  # large arrays are mapped, not copied; read-only ones torch would warn of
    results = Parallel(jobs, **own)(work)
    try:
        yield from results
    finally:
        results.close()


def require_jobs(jobs: int, on: str | None = None) -> None:
    """Check the number of processes, the name of an engine and that its package is installed.

    Parameters
    ----------
    jobs
        Number of processes, at least 1; an engine uses its own number.
    on
        As for ``run_parallel``.

    Raises
    ------
    ParameterError
        If there are fewer than 1, or both are given, or the engine is unknown or not installed.

    Example
    -------
    >>> require_jobs(2)
    """
    if jobs < 1:
        raise ParameterError(f"expected at least 1 job, got {jobs}")
    if on is None:
        return
    if on != RAY and not CLUSTER.fullmatch(on):
        raise ParameterError(f"expected 'ray' or the address of a cluster such as 'ray://host:10001', got {on!r}")
    if jobs > 1:
        raise ParameterError(f"expected jobs or {on!r}, whose processors are all used, got both; drop jobs={jobs}")
    if importlib.util.find_spec("ray") is None:
        raise ParameterError("expected Ray, but it is not installed; install it with pip install 'limelight[ray]'")


def _chosen_backend() -> Any:
    """Return the backend that ``joblib.parallel_config`` set; None if it is the default one."""
    from joblib._parallel_backends import LokyBackend
    from joblib.parallel import get_active_backend

    backend = get_active_backend()[0]
    return None if isinstance(backend, LokyBackend) else backend


def _run_on_ray(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], on: str, *, ordered: bool
) -> Iterator[Any]:
    """Call a function on Ray; what all calls share is sent once."""
    connected = _connect(on)
    import ray

    pending: list[Any] = []
    try:
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_on_one_thread)
        called, shared = ray.put(function), dict[int, tuple[Any, Any]]()

        def submit(arguments: tuple[Any, ...]) -> Any:
            for one in arguments:
                if hasattr(one, "__dict__") and id(one) not in shared:
                    if len(shared) > len(arguments):
                        shared.clear()
                    shared[id(one)] = one, ray.put(one)
            return remote.remote(called, *(shared[id(one)][1] if id(one) in shared else one for one in arguments))

        waiting = iter(calls)
        slots = max(1, int(_processors())) * AHEAD
        pending = [submit(arguments) for arguments in islice(waiting, slots)]
        while pending:
            done = pending[0] if ordered else ray.wait(pending, num_returns=1)[0][0]
            result = _result_of(done)
            pending.remove(done)
            pending += [submit(arguments) for arguments in islice(waiting, 1)]
            yield result
    finally:
        for call in pending:
            ray.cancel(call, force=True)
        if connected:
            ray.shutdown()


def _connect(on: str) -> bool:
    """Connect to a cluster of Ray, or start Ray on this machine; return whether it was a cluster that was not yet."""
    require_jobs(1, on)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    handler = signal.getsignal(signal.SIGTERM)  # Ray replaces it
    import ray

    if ray.is_initialized():
        return False
    address = on if on != RAY else os.environ.get("RAY_ADDRESS", "")
    options: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        _require_answer(address)
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
    except SystemExit as error:  # a signal that ends the command came while Ray's own handler was there
        raise KeyboardInterrupt from error
    except Exception as error:  # Ray raises several kinds of errors if no cluster answers
        raise ParameterError(
            f"expected a Ray cluster at {address!r}, got none: {as_sentence(error)}; start it, or correct the address"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return bool(address)


def _require_answer(address: str) -> None:
    """Raise an error soon if nothing listens at the address of a cluster; Ray itself tries for minutes."""
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname and place.port:
        socket.create_connection((place.hostname, place.port), CONNECT_SECONDS).close()


def _processors() -> float:
    """Return the number of processors of the cluster."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call, unused-ignore]
    return resources.get("CPU", 1.0)


def _result_of(call: Any) -> Any:
    """Return the result of a call on Ray, or raise the error that it raised."""
    import ray

    try:
        return ray.get(call)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise LostWorkerError(
            f"expected workers of Ray that finish a call, got {RETRIES + 1} that were lost ({type(error).__name__}), "
            "perhaps for want of memory; use machines with more memory, or fewer processors of each"
        ) from error


def _on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of Ray, which has one processor."""
    if "torch" in sys.modules:  # imported later, it has one thread for each processor of the call, which is one
        sys.modules["torch"].set_num_threads(1)
    return function(*arguments)


def ignore_interrupts() -> None:
    """Ignore Ctrl-C in an idle worker: the main process ends it, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
