"""A broker that is gone or hangs holds nobody up: the row is committed, and the sweepers find it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from loyalty_saas.embedded.processes import Child, Supervisor
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tenants import queue
from tests.processes import broker_at, wait_until

SENT = ("tenants.run_job", "interactive", {"tenant_id": 1, "job_id": 1})
# Above the time-out of a socket's operations, below two of them.
ONE_TIME_OUT = 3.5


@pytest.fixture
def hanging(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A broker that accepts connections and answers nothing."""
    monkeypatch.setattr(queue.Broker, "PAUSE_SECONDS", 0.5)
    server = EmbeddedValkey(supervisor.directory / "valkey")
    [child] = supervisor.start(server.program())
    with broker_at(server.broker_url):
        assert queue.send(*SENT)
        child.process.send_signal(signal.SIGSTOP)
        yield child
        os.kill(child.process.pid, signal.SIGCONT)


def took(times: int) -> tuple[list[bool], float]:
    """Send so many messages, one after the other; returns what came of each, and the seconds."""
    began = monotonic()
    return [queue.send(*SENT) for _ in range(times)], monotonic() - began


def test_a_broker_that_is_gone_is_refused_at_once() -> None:
    with broker_at("redis+socket:///nowhere/valkey.sock?virtual_host=0"):
        answers, seconds = took(50)
    assert answers == [False] * 50
    assert seconds < 2


def test_a_hanging_broker_holds_one_sender_up_and_is_trusted_again(hanging: Child) -> None:
    first, seconds = took(1)
    assert first == [False]
    assert 1 < seconds < ONE_TIME_OUT
    wait_until(lambda: took(1)[1] > 1)
    # The pause is over: of four at once one tries, the others go on.
    with ThreadPoolExecutor(max_workers=4) as senders:
        seconds_each = sorted(seconds for _, seconds in senders.map(took, [1] * 4, timeout=30))
    assert sum(seconds > 1 for seconds in seconds_each) <= 1
    hanging.process.send_signal(signal.SIGCONT)
    wait_until(lambda: took(1)[0] == [True])
