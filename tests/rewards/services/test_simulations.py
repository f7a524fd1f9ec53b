"""A decision asked again finds the caps and budgets that it found, whatever was decided since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.events import NewEvent
from crm.models import Customer, Event, Identity, Order, Return
from crm.services import ingest
from rewards.models import DecisionRecord, ProgramRevision
from rewards.queries import programs, reports
from rewards.services import earning, simulations
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.rewards.factories import NOW, make_customer, make_order, make_return

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def rule(key: str, points: int, **more: Any) -> dict[str, Any]:
    gift = {"type": "points", "wallet": "points", "points": points}
    return {"key": key, "name": key.title(), "effects": [gift], **more}


def document(points: int) -> dict[str, Any]:
    return {
        "wallets": [{"key": "points", "name": "Points"}],
        "budgets": [{"key": "pot", "name": "Pot", "points": 100, "period": "program"}],
        "rules": [
            rule("once", points, caps=[{"per": "month", "times": 1}]),
            rule("shared", 60, budget="pot"),
            rule("back", 3, trigger="return", caps=[{"per": "day", "times": 1}]),
            rule("visit", 5, trigger="event", event="visit", caps=[{"per": "day", "times": 1}]),
        ],
    }


@pytest.fixture
def decided(scope: Tenant) -> tuple[Customer, list[Order], Return]:
    """Two orders, a return and an event of one member, all decided under revision 1; 2 is a draft."""
    draft = program_services.save_draft(document=document(10), by=SYSTEM, at=NOW - 48 * HOUR)
    program_services.publish(revision=draft, by=SYSTEM, at=NOW - 48 * HOUR)
    program_services.save_draft(document=document(70), by=SYSTEM, at=NOW)
    customer = make_customer()
    Identity.objects.create(customer=customer, kind="external_id", value=str(customer), created_at=NOW)
    orders = [make_order(customer, [("DAIRY", 2, 100)], NOW - (9 - hour) * HOUR) for hour in range(2)]
    for order in orders:
        earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    back = make_return(orders[0], {1: 1}, NOW)
    earning.take_back_returns([back.pk], by=SYSTEM, at=NOW)
    visits = [NewEvent(f"v{number}", "visit", NOW, str(customer)) for number in range(2)]
    ingest.accept(batch=visits, by=SYSTEM, at=NOW)
    earning.award_events(message_ids=["v0", "v1"], first_at=NOW - HOUR, last_at=NOW + HOUR, by=SYSTEM, at=NOW)
    return customer, orders, back


def revision(number: int) -> programs.PublishedRevision:
    return programs.bind(ProgramRevision.objects.get(number=number))


def test_orders_returns_and_events_give_again_what_they_gave(decided: Any) -> None:
    _customer, orders, back = decided
    assert [simulations.of_order(order=each, revision=revision(1)).evaluation.points for each in orders] == [
        70,
        40,
    ]
    assert [simulations.of_order(order=each, revision=revision(2)).evaluation.points for each in orders] == [
        130,
        40,
    ]
    assert [reports.decision_about(each).points for each in orders] == [70, 40]  # type: ignore[union-attr]
    assert simulations.of_return(document=back, revision=revision(1)).evaluation.points == 3
    again = [
        simulations.of_recorded_event(event=each, revision=revision(1)).evaluation.points
        for each in Event.objects.order_by("message_id")
    ]
    first, second = (reports.decision_about(each) for each in Event.objects.order_by("message_id"))
    assert first is not None
    assert second is not None
    assert sorted(again) == sorted([first.points, second.points]) == [0, 5]


def test_what_was_not_decided_yet_finds_what_is_used_up_now(decided: Any) -> None:
    customer, _orders, _back = decided
    late = make_order(customer, [("DAIRY", 1, 100)], NOW - HOUR)
    record = simulations.of_order(order=late, revision=revision(1)).evaluation.decision.to_json()
    assert [each.get("cap", {}).get("kind") for each in record["rules"]] == ["times_per_month", "budget"]


def test_the_api_names_what_a_decision_is_about_and_asks_it_again(
    api: Any, decided: Any, tenant: Tenant
) -> None:
    customer, orders, back = decided
    rows = api.get(f"/customers/{customer.public_id}/why").json()["data"]
    told = {(row["event_type"], row["name"], row["source"], row["order"]): row["points"] for row in rows}
    first, second = (each.external_id for each in orders)
    returned = {row["event_type"]: row["record"] for row in rows}["return"]
    assert "order_id" not in returned
    assert told == {
        ("order", "", first, first): 70, ("order", "", second, second): 40,
        ("return", "", back.external_id, first): -35, ("returned", "", back.external_id, first): 3,
        ("event", "visit", "v0", None): told["event", "visit", "v0", None],
        ("event", "visit", "v1", None): 5 - told["event", "visit", "v0", None],
    }  # fmt: skip

    def ask(**body: Any) -> int:
        return int(api.post("/programs/evaluate", body).json()["points"])

    assert ask(order=first, revision=2) == 130
    assert ask(return_id=back.external_id, revision=2) == 3
    assert ask(message_id="v0") == told["event", "visit", "v0", None]
    done = api.post("/programs/evaluate", {"order": first, "dry_run": False}).json()
    assert done["effects"] == [{"type": "Earn", "values": {"wallet": "points", "points": 70}}]
    assert DecisionRecord.objects.count() == 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order", "gone"), ("return_id", "gone"), ("message_id", "gone"), ("revision", 9),
        ("customer", "01a22a1b-981f-738a-b5c9-03408e11be80"),
    ],
)  # fmt: skip
def test_what_is_named_and_not_there_is_told_by_its_field(
    api: Any, decided: Any, field: str, value: Any
) -> None:
    base = {} if field in {"order", "return_id", "message_id"} else {"event": "visit"}
    customer = {} if field != "revision" else {"customer": str(decided[0].public_id)}
    answer = api.post("/programs/evaluate", {**base, **customer, field: value})
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [f"/{field}"])


def test_a_members_days_can_be_imagined(api: Any, decided: Any) -> None:
    body = {"customer": str(decided[0].public_id), "trigger": "return", "at": "2026-03-20T10:00:00Z"}
    assert api.post("/programs/evaluate", body).json()["points"] == 3
    assert api.post("/programs/evaluate", {**body, "trigger": "order"}).status_code == 400
