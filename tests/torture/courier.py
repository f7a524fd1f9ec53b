"""A broker at its worst: some messages are lost, some doubled, and none comes in its turn."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from uuid import uuid4

import redis

from loyalty_saas.celery import queue_names
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tests.processes import broker_at
from tests.torture.callers import working
from tests.torture.kills import SEED

# The test sends to one database of the server, the workers listen to another.
_SENT, _TAKEN = 3, 0
_LOST, _DOUBLED = 0.3, 0.6
_AT_ONCE = 6
# What a message says: the task and the row it names.
Content = tuple[str, int]


class Courier:
    """Carries messages from sender to queue, by its moods, and knows what the lost and the others said.

    A message that was never sent is in neither: the sender leaves a slow broker alone for a while.
    """

    def __init__(self, valkey: EmbeddedValkey) -> None:
        self._address = str(valkey.socket)
        self.url = valkey.broker_url.replace("virtual_host=0", f"virtual_host={_SENT}")
        self.lost: set[Content] = set()
        self.arrived: set[Content] = set()
        self.moods: Counter[str] = Counter()

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """What this process sends meanwhile goes through these hands, to the last message."""
        with broker_at(self.url), working(self._carry, 1):
            yield

    def _carry(self, _number: int, is_over: Flag) -> None:
        chance = random.Random(SEED)
        sent, taken = (redis.Redis(unix_socket_path=self._address, db=db) for db in (_SENT, _TAKEN))
        with sent, taken:
            while not is_over.wait(0.05) or any(sent.exists(queue) for queue in queue_names()):
                for queue in queue_names():
                    messages = sent.rpop(queue, _AT_ONCE) or []
                    chance.shuffle(messages)
                    for message in messages:
                        self._deliver(message, queue, taken, chance)

    def _deliver(self, message: bytes, queue: str, taken: redis.Redis, chance: random.Random) -> None:
        drawn = chance.random()
        if drawn < _LOST:
            self.moods["lost"] += 1
            self.lost.add(_content(message))
            return
        self.arrived.add(_content(message))
        # At the head or at the tail: whoever came last may be the first.
        push = chance.choice([taken.lpush, taken.rpush])
        push(queue, message)
        if drawn < _DOUBLED:
            self.moods["doubled"] += 1
            push(queue, _again(message))


def _content(message: bytes) -> Content:
    envelope = json.loads(message)
    _positional, named, _embedded = json.loads(b64decode(envelope["body"]))
    (row,) = (value for name, value in named.items() if name != "tenant_id")
    return envelope["headers"]["task"], row


def _again(message: bytes) -> bytes:
    """The same message sent a second time."""
    envelope = json.loads(message)
    envelope["properties"]["delivery_tag"] = str(uuid4())
    return json.dumps(envelope).encode()
