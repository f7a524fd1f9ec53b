"""The real client libraries, and a place to look at what arrived."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from crm.models import Event, EventReject
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.conftest import key_for
from tests.processes import PATIENCE_SECONDS

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write_key(tenant: Tenant, actor: Any) -> str:
    return key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE)


@pytest.fixture
def arrived(tenant: Tenant) -> Callable[[], Counter[tuple[str, str | None]]]:
    """Return how often each (name, sku) has arrived; fails when anything was rejected."""

    def count() -> Counter[tuple[str, str | None]]:
        with tenant_scope(tenant):
            assert list(EventReject.objects.values_list("reason", "detail")) == []
            rows = Event.objects.values_list("name", "properties__sku")
            return Counter((name, sku) for name, sku in rows)

    return count


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where the npm packages are: installed once per set of versions, by whoever comes first."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node and npm are not installed.")
    wanted = (HERE / "package.json").read_bytes()
    home = CHECKOUT / "var" / "clients" / hashlib.sha256(wanted).hexdigest()[:12]
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=home.parent) as folder:
            building = Path(folder) / "whole"
            building.mkdir()
            (building / "package.json").write_bytes(wanted)
            command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            try:
                subprocess.run(
                    command, cwd=building, check=True, capture_output=True, timeout=PATIENCE_SECONDS
                )
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"The npm packages cannot be had: {error}")
            # In one step, so that nobody finds half of it; another process may have been first.
            with suppress(OSError):
                building.rename(home)
    return home


@pytest.fixture
def run_node(packages: Path) -> Callable[..., None]:
    def run(library: str, host: str, key: str) -> None:
        command = ["node", str(HERE / "send.mjs"), library, host, key, str(packages)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(packages)}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=environment
        )
        assert done.returncode == 0, done.stderr[-2000:]

    return run
