"""Client apps that never give up: each request is sent again, unchanged, until it is answered."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Self

from tests.processes import PATIENCE_SECONDS

# What a server being killed does to its clients.
_BROKEN = (OSError, http.client.HTTPException)
_PAUSE_SECONDS = 0.02


@dataclass
class Caller:
    """One client app with its key, on one connection while that lasts."""

    port: int
    key: str
    server_errors: int = 0
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
        """Return the first answer below 500 to this request."""
        content = json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        while True:
            try:
                status, answer = self._send(path, content, named)
            except _BROKEN:
                self.close()
            else:
                if status < 500:
                    return status, answer
                self.server_errors += 1
            time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        self._connection.request("POST", f"/api/v1{path}", content, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


@contextmanager
def working(work: Callable[[int, Event], None], threads: int) -> Iterator[None]:
    """Run ``work(number, is_over)`` in threads while the block runs; what they raise is raised after it."""
    is_over, errors = Event(), []

    def run(number: int) -> None:
        try:
            work(number, is_over)
        except BaseException as error:  # noqa: BLE001 - raised where the test sees it
            errors.append(error)

    workers = [Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        is_over.set()
        for worker in workers:
            worker.join()
    if errors:
        raise errors[0]
