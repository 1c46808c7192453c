"""Calls that run in parallel: in processes of this machine, on a backend of joblib, or on Ray."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from limelight.errors import ParameterError, as_sentence

RAY = "ray"
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
        own |= {"backend": "loky", "pre_dispatch": jobs, "initializer": _ignore_interrupts}
        own["mmap_mode"] = "c"  # large arrays are mapped, not copied; read-only ones torch would warn of
    results = Parallel(jobs, **own)(work)
    try:
        yield from results
    finally:
        results.close()


def require_engine(on: str | None) -> None:
    """Check the name of an engine and that its package is installed; ParameterError otherwise.

    Example
    -------
    >>> require_engine(None)
    """
    if on is None:
        return
    if on != RAY and not on.startswith("ray://"):
        raise ParameterError(f"expected 'ray' or the address of a cluster such as 'ray://host:10001', got {on!r}")
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
    require_engine(on)
    import ray

    _connect(on)
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
        slots = max(1, int(ray.cluster_resources().get("CPU", 1))) * AHEAD
        pending = [submit(arguments) for arguments in islice(waiting, slots)]
        while pending:
            done = pending[0] if ordered else ray.wait(pending, num_returns=1)[0][0]
            pending.remove(done)
            result = ray.get(done)
            pending += [submit(arguments) for arguments in islice(waiting, 1)]
            yield result
    finally:
        if on != RAY:
            ray.shutdown()


def _connect(on: str) -> None:
    """Connect to Ray, or start it on this machine, unless that has been done."""
    import ray

    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    address = on if on != RAY else "auto" if os.environ.get("RAY_ADDRESS") else None
    try:
        options: dict[str, Any] = {} if address else {"include_dashboard": False}
        ray.init(address, logging_level="ERROR", log_to_driver=False, **options)
    except Exception as error:  # Ray raises several kinds of errors if no cluster answers
        raise ParameterError(f"expected a Ray cluster at {on!r}, got none: {as_sentence(error)}") from error


def _on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of Ray, which has one processor."""
    import torch

    torch.set_num_threads(1)
    return function(*arguments)


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C in an idle worker: the main process ends it, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
