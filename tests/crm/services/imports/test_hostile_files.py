"""Files that no honest program writes: nothing crashes, memory stays bounded, every row is accounted for."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from crm.models import Customer
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.crm.services.imports.wizardry import counts, loaded

pytestmark = pytest.mark.django_db
GOOD = b"c1,a@example.com\n"


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


@pytest.mark.parametrize(
    ("rows", "accepted", "quarantined"),
    [
        (b'c2,"' + b"x" * 10_000_000 + b'"\n' + GOOD, 1, 1),
        (b"c2," + b"x" * 10_000_000 + b"\n" + GOOD, 1, 1),
        (b"c\x002,b@exam\x00ple.com\n" + GOOD, 2, 0),
        (b"=1+1,=cmd|'/c calc'!A0@example.com\n" + GOOD, 1, 1),
        (b"\xff\xfe,\xc3\x28@example.com\n" + GOOD, 2, 0),
        (b"c2\n,,,,\n\r\n\r\r\n" + GOOD, 1, 1),
        (b'"c2","b@example.com\n' + GOOD, 0, 1),
    ],
    ids=["10 MB cell", "10 MB line", "nul", "formula", "no utf-8", "ragged", "open quote"],
)
def test_every_row_is_accounted_for(tenant: Tenant, rows: bytes, accepted: int, quarantined: int) -> None:
    tracemalloc.start()
    head = b"customer id,email\n"
    run = loaded(tenant, "customers", head + rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    read, taken, merged, refused = counts(run)
    assert (taken, refused, read) == (accepted, quarantined, taken + merged + refused)
    # The test's own copy of the file, and a few lines of it at a time.
    assert peak < 64_000_000
    with tenant_scope(tenant):
        assert Customer.objects.count() == accepted
