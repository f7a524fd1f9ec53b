"""Counters in a process's own memory keep every addition, however many threads begin at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tenants.services.attempt_counts import AttemptCounts

_THREADS = 8


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_switching_often")
def test_no_addition_is_lost_between_threads() -> None:
    sums = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for _round in range(100):
            counts, start = AttemptCounts("memory://"), Barrier(_THREADS)

            def add(counts: AttemptCounts = counts, start: Barrier = start) -> None:
                start.wait()
                counts.add("guesser", 1, ttl_seconds=60)

            for done in [pool.submit(add) for _ in range(_THREADS)]:
                done.result()
            sums.append(counts.get("guesser"))
    assert sums == [_THREADS] * 100
