"""The table of all API routes: who is let in, and what happens to another tenant's ids."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.db.models import Manager

from crm.domain.events import NewEvent
from crm.models import Customer, DuplicateCandidate, EventReject, EventSchema, Export, ImportRun
from crm.services import duplicates, event_schemas, ingest, merges, privacy_requests
from rewards.models import RewardKind
from rewards.services import catalogue, points
from rewards.services.coupons import campaigns, pools
from tenants.domain.actors import SYSTEM
from tenants.domain.permissions import Permission
from tenants.models import Job
from tenants.models.base import TenantManager
from tenants.scope import tenant_scope
from tests.architecture import catalogue as database
from tests.architecture.routes import Route, api_routes
from tests.conftest import NOW, ApiClient, key_for
from tests.crm import factories
from tests.recommendations.versions import stored_version
from tests.rewards.coupons import make_definition, redeem
from tests.rewards.factories import make_wallet, post

ROUTES = api_routes()
CANARY = "canary-of-globex"
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def declared(route: Route) -> Permission | None:
    view, action = route.view
    return view.permissions.get(action) or view.required_permission


def call(client: ApiClient, route: Route, path: str) -> Any:
    body = None if route.method == "get" else {}
    return client._call(route.method, path, body, Idempotency_Key="k")


def populate(wallet_name: str) -> dict[str, object]:
    """Fill the open tenant with one of everything, each carrying the canary; return ids by noun."""
    buyer = factories.customer(f"{CANARY}-customer", person={"email": f"{CANARY}@example.com"})
    factories.item(f"{CANARY}-item", name=CANARY)
    order = factories.order(f"{CANARY}-order", buyer, [(f"{CANARY}-item", 2, 1000)])
    goods = factories.returned(f"{CANARY}-return", order, {1: 1})
    segment = factories.segment(f"{CANARY}-segment")
    make_wallet(wallet_name)
    version = stored_version(at=NOW, gate_report=CANARY)
    run = ImportRun.objects.create(
        kind="customers", file_name=CANARY, shape={"header": [CANARY]}, started_at=NOW
    )
    export = Export.objects.create(list_key="items", format="csv", requested_by=CANARY, requested_at=NOW)
    twin = factories.customer(f"{CANARY}-twin", person={"email": f"{CANARY}+twin@example.com"})
    again = factories.customer(f"{CANARY}-again", person={"email": f"{CANARY}+again@example.com"})
    merge = merges.merge(survivor=buyer, absorbed=twin, reason=CANARY, by=SYSTEM, at=NOW)
    duplicates.find(at=NOW)
    request = privacy_requests.request_export(customer=again, by=SYSTEM, at=NOW)
    job = Job.objects.create(kind=f"{CANARY}.job", requested_by="x", created_at=NOW)
    bad = NewEvent(f"{CANARY}-bad", CANARY, NOW, email=CANARY)
    good = NewEvent(f"{CANARY}-good", CANARY, NOW, external_id=f"{CANARY}-customer", properties={"x": CANARY})
    ingest.accept(batch=[bad, good], by=SYSTEM, at=NOW)
    span = {"first_at": NOW.isoformat(), "last_at": NOW.isoformat()}
    event_schemas.learn(message_ids=[good.message_id], **span, at=NOW)
    return {
        "event-rejects": EventReject.objects.get().public_id,
        "event-schemas": EventSchema.objects.get().public_id,
        "customers": buyer.public_id,
        "orders": order.public_id,
        "returns": goods.public_id,
        "segments": segment.public_id,
        "items": order.lines.get().item.public_id,
        "models": version.public_id,
        "jobs": job.public_id,
        "imports": run.public_id,
        "exports": export.public_id,
        "merges": merge.public_id,
        "duplicates": DuplicateCandidate.objects.get().public_id,
        "privacy-requests": request.public_id,
        "coupon-definitions": make_definition(f"{CANARY}-coupon", code=CANARY).public_id,
        "coupon-codes": CANARY,
        "coupon-pools": pools.import_codes(
            definition=make_definition(f"{CANARY}-pool"),
            name=CANARY,
            codes=[f"{CANARY}-1"],
            by=SYSTEM,
            at=NOW,
        ).public_id,
        "coupon-redemptions": redeem(CANARY).public_id,
        "adjustment-requests": points.request(
            customer=again, points=5, reason=CANARY, wallet_key=wallet_name, by=SYSTEM, at=NOW
        ).public_id,
        "coupon-campaigns": campaigns.create(
            key=CANARY, terms=campaigns.CampaignTerms(name=CANARY), by=SYSTEM, at=NOW
        ).public_id,
    }


def test_every_route_declares_its_permission():
    assert [str(route) for route in ROUTES if declared(route) is None] == []


def test_the_table_is_not_empty():
    assert len(ROUTES) >= 30


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_nobody_enters_without_a_key_or_without_the_scope(route, tenant, actor):
    path = route.filled(UNKNOWN)
    anonymous = ApiClient("sk_nobody_knows_this_key")
    assert call(anonymous, route, path).status_code == 401
    others = [
        scope for scope in (Permission.CUSTOMERS_VIEW, Permission.ITEMS_VIEW) if scope != declared(route)
    ]
    without = ApiClient(key_for(tenant, actor, scopes=others[:1]))
    assert call(without, route, path).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("route", [r for r in ROUTES if r.names_an_object], ids=str)
def test_an_unknown_id_is_404_with_a_problem(route, api):
    response = call(api, route, route.filled(UNKNOWN))
    if response.status_code != 404:
        # A body is read before the object is looked for; then it must name a field.
        assert response.status_code in {400, 422}
        assert response.json()["errors"]
    assert response["Content-Type"] == "application/problem+json"


@pytest.fixture(params=["both walls", "manager only", "database only"])
def walls(request, monkeypatch):
    """The suite's isolation tests with both walls, and with each of them alone."""
    if request.param == "manager only":
        for table in database.tenant_tables():
            _alter(table, "DISABLE")
    if request.param == "database only":
        monkeypatch.setattr(TenantManager, "get_queryset", Manager.get_queryset)
    yield request.param
    if request.param == "manager only":
        for table in database.tenant_tables():
            _alter(table, "ENABLE")


def _alter(table: str, verb: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" {verb} ROW LEVEL SECURITY')


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "platform"])
def test_another_tenants_objects_are_nowhere_with_either_wall_alone(walls, tenant, other_tenant, actor, api):
    with tenant_scope(other_tenant):
        foreign_ids = populate("points")
    with tenant_scope(tenant):
        make_wallet("points")
        mine = factories.customer("mine")
    wrong = []
    for route in ROUTES:
        if route.names_an_object and route.noun not in foreign_ids:
            continue
        path = route.filled(foreign_ids.get(route.noun, UNKNOWN))
        if route.method != "get" and not route.names_an_object:
            continue
        response = call(api, route, path)
        expected = {404, 400, 422} if route.method != "get" else {404}
        if route.names_an_object and response.status_code not in expected:
            wrong.append(f"{route}: {response.status_code}")
        if CANARY.encode() in response.content:
            wrong.append(f"{route}: shows another tenant's row")
    assert wrong == []
    with tenant_scope(tenant):
        assert list(Customer.objects.values_list("pk", flat=True)) == [mine.pk]


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "platform"])
def test_bodies_cannot_name_another_tenants_objects(walls, tenant, other_tenant, api):
    with tenant_scope(other_tenant):
        ids = {name: str(value) for name, value in populate("points").items()}
        reward = catalogue.save_reward(
            key="gift",
            name=CANARY,
            kind=RewardKind.CUSTOM,
            wallet_key="points",
            cost_points=1,
            by=SYSTEM,
            at=NOW,
        )
        buyer = Customer.objects.get(external_id=f"{CANARY}-customer")
        post(buyer, make_wallet("second"), 100)
    with tenant_scope(tenant):
        segment = factories.segment("mine").public_id
    before = _fingerprint()
    line = {"sku": "a", "quantity": 1, "unit_price_minor": 5}
    order = {"external_id": "o", "placed_at": "2026-03-01T00:00:00Z", "lines": [line]}
    goods = {"external_id": "r", "returned_at": "2026-03-02T00:00:00Z"}
    attempts = [
        ("/orders", {**order, "customer": {"id": ids["customers"]}}),
        (
            "/returns",
            {**goods, "order_external_id": f"{CANARY}-order", "lines": [{"position": 1, "quantity": 1}]},
        ),
        ("/redemptions", {"customer": ids["customers"], "reward": str(reward.public_id)}),
        (f"/segments/{segment}/members/add", {"customers": [ids["customers"]]}),
    ]
    statuses = [api.post(path, body, Idempotency_Key=path).status_code for path, body in attempts]
    assert [status // 100 for status in statuses] == [4] * len(attempts), statuses
    assert _fingerprint() == before


def _fingerprint() -> list[tuple[str, int]]:
    """Rows by table, seen past the walls."""
    counts = []
    with connections["platform"].cursor() as cursor:
        for table in database.tenant_tables():
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - names from the catalogue
            counts.append((table, cursor.fetchone()[0]))
    return counts
