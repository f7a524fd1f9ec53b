"""How many threads the numeric libraries may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

MANY_ROWS = 100_000


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread around our own parallelism.

    Two BLAS threads inside two of our own, on small solves, run about five times slower than one.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@contextmanager
def threads_for(rows: int) -> Iterator[None]:
    """One thread in every pool for a small problem, where threads cost more than they bring; else all cores.

    OpenMP and BLAS threads wait by spinning: on a busy machine a fit of one second takes ten.
    """
    if rows >= MANY_ROWS:
        with single_blas_thread():
            yield
    else:
        with threadpool_limits(limits=1):
            yield


def core_count() -> int:
    """Cores this process may use, which under a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
