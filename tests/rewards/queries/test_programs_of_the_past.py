"""Every order and every batch of events reads all revisions that were ever in force: at a cost that stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rewards.queries import compiled_revisions, programs
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.rewards.challenge_worlds import LIVE


def publish(number: int, awaits: str) -> None:
    wallet: dict[str, Any] = {"key": "points", "name": f"Points {number}", "pending": {"event": awaits}}
    at = LIVE + timedelta(days=number)
    draft = program_services.save_draft(document={"wallets": [wallet]}, by=SYSTEM, at=at)
    program_services.publish(revision=draft, by=SYSTEM, at=at)


def queries_of(read: Any) -> int:
    read()
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def test_reading_the_past_costs_the_same_however_many_revisions_it_has(scope: Tenant) -> None:
    publish(1, "delivered")
    timeline, awaited = queries_of(programs.timeline), queries_of(programs.awaited_events)
    for number in range(2, 7):
        publish(number, "delivered")
    assert queries_of(programs.timeline) == timeline
    assert queries_of(programs.awaited_events) == awaited == 1


def test_what_a_former_revision_waited_for_is_still_awaited(scope: Tenant) -> None:
    publish(1, "delivered")
    publish(2, "accepted")
    assert programs.awaited_events() == {"delivered", "accepted"}


def test_remembered_names_do_not_grow_without_end(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_revisions, "_MOST_AWAITED", 2)
    monkeypatch.setattr(compiled_revisions, "_awaited_by_checksum", {})
    for number, name in enumerate(["one", "two", "three", "four"]):
        publish(number, name)
    assert programs.awaited_events() == {"one", "two", "three", "four"}
    assert len(compiled_revisions._awaited_by_checksum) <= 2
