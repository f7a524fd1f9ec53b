"""Earning, spending, holding, giving and undoing over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from rewards.models import Account, ProgramRevision, Wallet
from rewards.services import earning, liability, starter
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order, make_wallet, post

pytestmark = pytest.mark.django_db


def key() -> dict[str, str]:
    return {"Idempotency_Key": str(uuid4())}


@pytest.fixture
def members(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Two members of a program whose points wait for a delivery and may be given away."""
    with tenant_scope(other_tenant):
        post(make_customer(external_id="foreign"), make_wallet(), 777)
    with tenant_scope(tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
        revision = ProgramRevision.objects.get()
        wallet = {**revision.document["wallets"][0], "allows_transfers": True, "expiry_months": 12}
        wallet["pending"] = {"days": 0, "event": "order_delivered"}
        status = {"key": "status", "name": "Status", "kind": "status"}
        document = {**revision.document, "wallets": [wallet, status]}
        ProgramRevision.objects.update(document=document)
        make_wallet("status")
        return make_customer(), make_customer()


def call(api: Any, customer: Any, action: str, status: int = 201, **body: Any) -> Any:
    answer = api.post(f"/customers/{customer.public_id}/points/{action}", body, **key())
    assert answer.status_code == status, answer.content
    return answer.json()


def test_earn_spend_and_the_statement(api: Any, members: Any) -> None:
    sender, receiver = members
    path, headers = f"/customers/{sender.public_id}/points/earn", key()
    first, again = (api.post(path, {"points": 100}, **headers) for _ in range(2))
    assert again.content == first.content
    assert (first.status_code, first.json()) == (201, {"points": 100, "available": 100})
    refused = call(api, sender, "spend", 409, points=140)
    assert (refused["code"], refused["missing"]) == ("insufficient_points", 40)
    assert call(api, sender, "spend", points=30) == {"points": -30, "available": 70}
    assert call(api, sender, "transfer", points=20, to=str(receiver.public_id))["available"] == 50
    assert call(api, sender, "transfer", 422, points=1, to=str(sender.public_id))["code"] == "invalid_input"
    undone = call(api, sender, "reverse", wallet="points", seq=2, reason="Sent back")
    assert undone == {"points": 30, "available": 80, "missing": 0}
    assert call(api, sender, "reverse", 422, seq=99, reason="x")["errors"][0]["code"] == "unknown_line"
    day = timezone.now().date()
    period = f"?begin={day - timedelta(days=2)}&end={day + timedelta(days=2)}"
    (wallet,) = api.get(f"/customers/{sender.public_id}/points/statement{period}").json()["wallets"]
    assert wallet == {
        "wallet": "points", "opening": 0, "earned": 100, "spent": 0, "returned": 0, "expired": 0,
        "adjusted": 0, "transferred": -20, "merged": 0, "closing": 80,
    }  # fmt: skip
    (total,) = api.get(f"/points/statement{period}").json()["wallets"]
    assert (total["transferred"], total["closing"]) == (0, 100)
    assert api.get(f"/points/statement?begin={day}&end={day - timedelta(days=1)}").status_code == 400
    (ending,) = api.get("/points/expiring?days=366").json()["data"][:1]
    assert (ending["customer"], ending["points"]) == (str(sender.public_id), 80)
    assert api.get("/points/expiring?days=0").status_code in {400, 422}


def test_a_status_wallet_counts_and_cannot_be_spent(api: Any, members: Any) -> None:
    assert call(api, members[0], "earn", points=9, wallet="status")["available"] == 9
    assert call(api, members[0], "spend", 409, points=1, wallet="status")["code"] == "wallet_not_spendable"
    assert (
        call(api, members[0], "transfer", 409, points=1, wallet="status", to=str(members[1].public_id))[
            "code"
        ]
        == "transfers_not_allowed"
    )


def test_a_hold_is_captured_or_released_once(api: Any, members: Any) -> None:
    call(api, members[0], "earn", points=100)
    first, second = (call(api, members[0], "hold", points=points, seconds=60) for points in (30, 20))
    assert (first["state"], second["points"]) == ("open", 20)
    captured = api.post(f"/holds/{first['id']}/capture", {}, **key())
    assert (captured.status_code, captured.json()["points"]) == (200, -30)
    assert api.post(f"/holds/{first['id']}/release", {}, **key()).json()["code"] == "hold_closed"
    assert api.post(f"/holds/{second['id']}/release", {}, **key()).json()["state"] == "released"
    (balance,) = api.get(f"/customers/{members[0].public_id}/points").json()["balances"]
    assert (balance["available"], balance["held"]) == (70, 0)


def test_points_of_an_order_wait_for_its_delivery(api: Any, members: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        order = make_order(members[0], [("DAIRY", 1, 10_000)], placed_at=timezone.now())
        earning.award_orders([order.pk], by=SYSTEM, at=timezone.now())
        pending = Account.objects.get(customer=members[0]).pending
    assert pending > 0
    (lot,) = api.get(f"/customers/{members[0].public_id}/points/lots").json()["data"]
    assert (lot["state"], lot["awaits"], lot["order"]) == ("pending", "order_delivered", order.external_id)
    body = {"event": "order_delivered", "order": order.external_id}
    assert api.post("/points/release", body, **key()).json() == {"points": pending}
    assert api.post("/points/release", body, **key()).json() == {"points": 0}
    refused = api.post("/points/release", {**body, "order": "nothing"}, **key())
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/order")


def test_liability_is_told_in_points_and_money(api: Any, members: Any) -> None:
    call(api, members[0], "earn", points=100)
    body = api.get("/points/liability").json()
    assert body["currency"] == "USD"
    assert [(part["wallet"], part["age"], part["points"]) for part in body["parts"]] == [("points", "3", 100)]


def test_lots_are_narrowed_by_state_wallet_and_end(api: Any, members: Any, tenant: Tenant) -> None:
    now = timezone.now()
    with tenant_scope(tenant):
        points, status = Wallet.objects.get(key="points"), Wallet.objects.get(key="status")
        post(members[0], points, 1, activates_at=now + timedelta(days=2))
        post(members[0], points, 2, activates_at=now - timedelta(days=2))
        post(members[0], points, 3, awaits="manual")
        post(members[0], points, 4, expires_at=now - timedelta(days=1))
        post(members[0], points, 5, expires_at=now + timedelta(days=9))
        post(members[0], status, 6)
        post(members[1], points, 7)
    path = f"/customers/{members[0].public_id}/points/lots"

    def granted(query: str) -> list[int]:
        return [lot["granted"] for lot in api.get(f"{path}?{query}").json()["data"]]

    assert granted("state=pending") == [1, 3]
    assert granted("state=active") == [2, 5, 6]
    assert granted("state=expired") == [4]
    assert granted("state=active&wallet=status") == [6]
    until = (now + timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert granted(f"expires_before={until}") == [4, 5]
    assert granted("limit=2") == [1, 2]
    for query, pointer in (
        ("state=lost", "/state"),
        ("colour=1", "/colour"),
        ("expires_before=x", "/expires_before"),
    ):
        refused = api.get(f"{path}?{query}")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, pointer)


def test_holds_are_read_one_by_one_and_by_member(api: Any, members: Any) -> None:
    call(api, members[0], "earn", points=100)
    first, second = (call(api, members[0], "hold", points=points) for points in (30, 20))
    api.post(f"/holds/{first['id']}/release", {}, **key())
    listed = api.get(f"/customers/{members[0].public_id}/points/holds").json()["data"]
    assert [(each["id"], each["state"], each["wallet"]) for each in listed] == [
        (second["id"], "open", "points"), (first["id"], "released", "points"),
    ]  # fmt: skip
    assert api.get(f"/customers/{members[1].public_id}/points/holds").json()["data"] == []
    read = api.get(f"/holds/{second['id']}").json()
    assert (read["customer"], read["points"], read["closed_at"]) == (str(members[0].public_id), 20, None)


def test_a_stored_month_end_is_read_in_its_parts(api: Any, members: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        wallet = Wallet.objects.get(key="points")
        post(members[0], wallet, 40, occurred_at=NOW - timedelta(days=40))
        assert liability.snapshot_month_ends(at=NOW) == 1
        post(members[0], wallet, 2)
    parts = api.get("/points/liability?month_end=2026-02-28").json()["parts"]
    assert [(part["wallet"], part["tier"], part["age"], part["points"]) for part in parts] == [
        ("points", "", "3", 40)
    ]
    for query in ("2026-02-27", "soon"):
        refused = api.get(f"/points/liability?month_end={query}")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/month_end")


def test_whom_a_transfer_or_a_redemption_names_is_told_by_its_field(api: Any, members: Any) -> None:
    nobody = str(uuid4())
    refused = call(api, members[0], "transfer", 422, points=1, to=nobody)
    assert refused["errors"][0]["pointer"] == "/to"
    body = {"customer": str(members[0].public_id), "reward": nobody}
    assert api.post("/redemptions", body, **key()).json()["errors"][0]["pointer"] == "/reward"
    assert api.post("/redemptions", {**body, "customer": nobody}, **key()).json()["errors"][0][
        "pointer"
    ] == "/customer"  # fmt: skip


def test_what_had_ended_is_not_called_available_before_a_sweep_sees_it(api: Any, members: Any) -> None:
    """The wallet ends points after twelve months, and the program counts late events for ever."""
    old = (timezone.now() - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert call(api, members[0], "earn", points=10, occurred_at=old) == {"points": 10, "available": 0}
    assert call(api, members[0], "earn", points=7) == {"points": 7, "available": 7}
    assert call(api, members[0], "spend", points=2) == {"points": -2, "available": 5}
    assert call(api, members[0], "adjust", points=1, reason="x") == {"points": 1, "available": 6}
    held = call(api, members[0], "hold", points=4)
    captured = api.post(f"/holds/{held['id']}/capture", {}, **key()).json()
    assert captured == {"points": -4, "available": 2}
    assert call(api, members[0], "transfer", points=1, to=str(members[1].public_id))["available"] == 1


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/referrals", {"code": "x"}, "customer"),
        ("/adjustment-requests", {"points": 1, "reason": "x"}, "customer"),
        ("/coupons/issue", {"definition": "ten"}, "customer"),
        ("/coupons/validate", {"codes": ["X"], "cart": {
            "lines": [{"sku": "a", "quantity": 1, "unit_price_minor": 1}]}}, "customer"),
    ],
)  # fmt: skip
def test_a_customer_who_is_not_there_is_told_by_the_field(
    api: Any, members: Any, path: str, body: Any, field: str
) -> None:
    refused = api.post(path, {**body, "customer": str(uuid4())}, **key())
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")
