"""A real Chromium against a real server: the suite's own database, committed rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.processes import PATIENCE_SECONDS

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium_path() -> str | None:
    named = os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium")
    return named if os.access(named, os.X_OK) else shutil.which("chromium")


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    # Its event loop looks like an asynchronous context to Django, which then refuses the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(_playwright: Any) -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("No Chromium: install Debian's, or name one with CHROMIUM_PATH.")
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    running = _playwright.chromium.launch(executable_path=path, headless=True, args=_FLAGS)
    yield running
    running.close()
