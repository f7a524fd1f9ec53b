"""Pools of codes over HTTP: ordered, imported, read; a code looked up and switched off."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.models import CouponCode, CouponPool
from rewards.services.coupons import pools
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.models import AuditEntry, Job, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for
from tests.rewards.coupons import make_definition

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def definitions(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            make_definition("ten", code_pattern="SPRING-####-####", code="EVERYBODY")


def order(api: ApiClient, key: str = "k", **body: Any) -> Any:
    return api.post("/coupon-pools", {"definition": "ten", "name": "Leaflets", **body}, Idempotency_Key=key)


def test_a_pool_is_ordered_once_filled_by_its_job_and_read(api: ApiClient, tenant: Tenant) -> None:
    made, again = order(api, count=30), order(api, count=30)
    assert (made.status_code, again.content) == (201, made.content)
    ordered = made.json()
    assert (ordered["kind"], ordered["pattern"], ordered["requested"], ordered["codes_count"]) == (
        "generated", "SPRING-####-####", 30, 0,
    )  # fmt: skip
    with tenant_scope(tenant):
        pool, job = CouponPool.objects.get(), Job.objects.get()
    assert (ordered["job"], api.get(f"/jobs/{ordered['job']}").json()["state"]) == (
        str(job.public_id), "queued",
    )  # fmt: skip
    pools.fill(tenant=tenant, pool_id=pool.pk, progress=lambda *_where: None)
    path = f"/coupon-pools/{ordered['id']}"
    filled = api.get(path).json()
    assert (filled["codes_count"], filled["finished_at"] is not None) == (30, True)
    codes = api.get(f"{path}/codes?limit=50").json()["data"]
    assert len({each["code"] for each in codes}) == 30
    assert {(each["code"][:7], each["state"], each["uses"]) for each in codes} == {
        ("SPRING-", "available", 0)
    }
    assert [each["id"] for each in api.get("/coupon-pools?definition=ten").json()["data"]] == [ordered["id"]]
    assert api.get("/coupon-pools?definition=no").json()["data"] == []


def test_codes_made_elsewhere_are_stored_and_the_rest_is_counted(api: ApiClient) -> None:
    made = order(api, codes=["a-1", "A-1", "b-2", "everybody"]).json()
    assert (made["kind"], made["codes_count"], made["job"]) == ("imported", 2, None)
    assert made["report"]["counts"] == {"repeated": 1, "taken": 1}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/count"),
        ({"count": 5, "codes": ["a"]}, "/count"),
        ({"count": 0}, "/count"),
        ({"count": 5_000_001}, "/count"),
        ({"codes": []}, "/codes"),
        ({"codes": ["x"] * 10_001}, "/codes"),
        ({"count": 5, "definition": "none"}, "/definition"),
        ({"count": 5, "name": ""}, "/name"),
        ({"count": 5, "colour": "red"}, "/colour"),
    ],
)
def test_a_wrong_body_names_its_field(
    api: ApiClient, tenant: Tenant, body: dict[str, Any], pointer: str
) -> None:
    refused = order(api, **body)
    assert refused.status_code in {400, 422}
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    with tenant_scope(tenant):
        assert not CouponPool.objects.exists()


def test_codes_that_could_be_guessed_are_refused(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_definition("short", code_pattern="###")
    refused = order(api, definition="short", count=100).json()
    assert refused["errors"][0] == {
        "pointer": "/count", "code": "pattern_too_short",
        "detail": "So many codes need at least 6 places (#).",
    }  # fmt: skip


def test_a_code_is_looked_up_in_any_spelling_and_switched_off_once(api: ApiClient, tenant: Tenant) -> None:
    order(api, codes=["Gift 7"])
    found = api.get("/coupon-codes/gift7").json()
    assert (found["code"], found["definition"], found["state"], found["customer"]) == (
        "GIFT7", "ten", "available", None,
    )  # fmt: skip
    path = "/coupon-codes/gift7/void"
    assert api.post(path, {}, Idempotency_Key="a").json()["errors"][0]["pointer"] == "/reason"
    done = api.post(path, {"reason": "leaked"}, Idempotency_Key="b").json()
    assert (done["state"], done["void_reason"]) == ("void", "leaked")
    assert api.post(path, {"reason": "leaked"}, Idempotency_Key="c").json()["code"] == "coupon_state"
    with tenant_scope(tenant):
        assert AuditEntry.objects.get(action="coupon_code.voided").diff["reason"] == [None, "leaked"]
    assert api.get("/coupon-codes/nobody").status_code == 404
    assert api.post("/coupon-codes/nobody/void", {"reason": "x"}, Idempotency_Key="d").status_code == 404


def test_the_other_tenants_code_of_the_same_text_stays(api: ApiClient, other_tenant: Tenant) -> None:
    api.post("/coupon-codes/everybody/void", {"reason": "over"}, Idempotency_Key="k")
    with tenant_scope(other_tenant):
        assert CouponCode.objects.get(code="EVERYBODY").state == "available"


def test_unused_codes_are_read_by_those_who_make_them(tenant: Tenant, actor: Actor, api: ApiClient) -> None:
    pool = order(api, codes=["a"]).json()["id"]
    reader = ApiClient(key_for(tenant, actor, scopes=[Permission.COUPONS_VIEW]))
    assert reader.get(f"/coupon-pools/{pool}").status_code == 200
    assert reader.get(f"/coupon-pools/{pool}/codes").status_code == 403


def test_a_code_that_none_can_be_is_not_found(api: ApiClient) -> None:
    for path in ("/coupon-codes/%00", "/coupon-codes/%E2%80%8B", f"/coupon-codes/{'A' * 61}"):
        assert api.get(path).status_code == 404
        assert api.post(f"{path}/void", {"reason": "x"}, Idempotency_Key=path[-3:]).status_code == 404
