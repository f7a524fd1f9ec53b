"""A broker that is gone or hangs holds nobody up: the row is committed, and the sweepers find it.

How long a sender waits is told by counts, which are the same on a slow machine: how many were tried, and how
often each tried to connect.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from celery import current_app
from kombu.transport.redis import Channel

from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tenants import queue
from tests.lines import Line
from tests.processes import PATIENCE_SECONDS, broker_at, wait_until

SENT = ("tenants.run_job", "interactive", {"tenant_id": 1, "job_id": 1})
NOWHERE = "redis+socket:///nowhere/valkey.sock?virtual_host=0"
SENDERS = 4


class Trials:
    """How many messages were tried, and a clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.count, self.now = 0, 1000.0

    def pass_the_pause(self) -> None:
        self.now += queue.Broker.PAUSE_SECONDS


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    trials, send_task = Trials(), current_app.send_task

    def counted(*arguments: Any, **options: Any) -> Any:
        trials.count += 1
        return send_task(*arguments, **options)

    monkeypatch.setattr(current_app, "send_task", counted)
    monkeypatch.setattr(queue, "monotonic", lambda: trials.now)
    return trials


@pytest.fixture
def line(supervisor: Supervisor) -> Iterator[Line]:
    """The line to a broker that all messages go by."""
    server = EmbeddedValkey(supervisor.directory / "valkey")
    supervisor.start(server.program())
    with Line(str(server.socket)) as line, broker_at(f"redis://{line.place}/0"):
        yield line


def send_together(line: Line) -> list[bool]:
    """Send a message from each of several threads; fails when one of them waits for ever."""
    with ThreadPoolExecutor(SENDERS) as senders:
        sent = [senders.submit(queue.send, *SENT) for _ in range(SENDERS)]
        waiting = wait(sent, PATIENCE_SECONDS).not_done
        if waiting:
            # Else the pool would wait with them.
            line.cut()
    assert not waiting
    return [each.result() for each in sent]


def test_a_broker_that_is_gone_is_tried_once_a_pause(trials: Trials) -> None:
    with broker_at(NOWHERE):
        for pauses in range(1, 4):
            assert [queue.send(*SENT) for _ in range(50)] == [False] * 50
            assert trials.count == pauses
            trials.pass_the_pause()


def test_a_hanging_broker_holds_one_sender_up_and_is_trusted_again(trials: Trials, line: Line) -> None:
    assert queue.send(*SENT)
    line.stall()
    connected = line.connections
    # Until something has failed nobody knows: whoever sends at that moment waits for one time-out.
    assert send_together(line) == [False] * SENDERS
    assert line.connections - connected <= SENDERS
    for _ in range(2):
        tried, connected = trials.count, line.connections
        assert send_together(line) == [False] * SENDERS
        assert trials.count == tried
        # Of several one tries, and the others go on.
        trials.pass_the_pause()
        assert send_together(line) == [False] * SENDERS
        assert trials.count == tried + 1
        # Once: a second attempt would hold up for as long again.
        assert line.connections - connected <= 1
    line.go_on()

    def is_sent() -> bool:
        trials.pass_the_pause()
        return queue.send(*SENT)

    wait_until(is_sent)
    assert send_together(line) == [True] * SENDERS


def test_what_a_killed_worker_held_comes_back_after_the_visibility_timeout_alone(line: Line) -> None:
    assert queue.send(*SENT)
    with current_app.connection_for_read() as connection:
        channel: Channel = connection.channel()
        # As a process that was killed: it says nothing more, not even that it goes.
        channel.do_restore = False
        held = channel.basic_get(SENT[1])
        channel.qos.restore_visible()
        assert channel.basic_get(SENT[1]) is None
        channel.client.zincrby(
            channel.unacked_index_key, -current_app.conf.broker_transport_options["visibility_timeout"],
            held.delivery_tag,
        )  # fmt: skip
        channel.qos.restore_visible(interval=1)
        assert channel.basic_get(SENT[1]).headers["id"] == held.headers["id"]
