"""One request sent by many connections at once, with one Idempotency-Key: one effect and one answer."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from rewards.models import Account, LedgerTransaction
from rewards.services import verification
from tenants.domain.actors import SYSTEM
from tenants.models import IdempotencyRecord, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.races.test_ledger_races import together
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db(transaction=True)
TWINS = int(os.environ.get("RACE_TWINS", "10"))


@pytest.fixture
def path(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Where the points of a member with 100 of them are spent; elsewhere nothing moves."""
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 777)
    with tenant_scope(tenant):
        member = make_customer()
        post(member, make_wallet(), 100)
    yield f"/customers/{member.public_id}/points/spend"
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
    with tenant_scope(other_tenant):
        assert Account.objects.get().available == 777


def left(tenant: Tenant) -> tuple[int, int, int]:
    """What the member has, and how many spendings and how many keys are stored."""
    with tenant_scope(tenant):
        spent = LedgerTransaction.objects.filter(points__lt=0).count()
        return Account.objects.get().available, spent, IdempotencyRecord.objects.count()


def test_twins_have_one_effect_and_the_same_bytes(path: str, api: ApiClient, tenant: Tenant) -> None:
    answers = together(lambda _n: api.post(path, {"points": 40}, Idempotency_Key="twin"), TWINS)
    assert [answer.status_code for answer in answers] == [201] * TWINS
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert left(tenant) == (60, 1, 1)


def test_of_two_bodies_under_one_key_one_counts_and_the_other_is_refused(
    path: str, api: ApiClient, tenant: Tenant
) -> None:
    answers = together(lambda number: api.post(path, {"points": 10 + number % 2}, Idempotency_Key="k"), TWINS)
    assert Counter(answer.status_code for answer in answers) == {201: TWINS // 2, 422: TWINS // 2}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {
        "idempotency_key_reused"
    }
    available, spent, keys = left(tenant)
    assert available in (90, 89)
    assert (spent, keys) == (1, 1)


def test_twins_of_a_refused_request_are_each_refused_and_leave_the_key_free(
    path: str, api: ApiClient, tenant: Tenant
) -> None:
    answers = together(lambda _n: api.post(path, {"points": 101}, Idempotency_Key="k"), TWINS)
    assert {(answer.status_code, answer.json()["missing"]) for answer in answers} == {(409, 1)}
    assert left(tenant) == (100, 0, 0)
    assert api.post(path, {"points": 100}, Idempotency_Key="k").status_code == 201
    assert left(tenant) == (0, 1, 1)
