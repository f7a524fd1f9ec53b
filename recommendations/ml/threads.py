"""How many threads the numeric libraries may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread around our own parallelism.

    Two BLAS threads inside two of our own, on small solves, run about five times slower than one.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def core_count() -> int:
    """Cores this process may use, which under a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
