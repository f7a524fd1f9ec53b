from __future__ import annotations

from typing import Any

import pytest

from rewards.models import CodeState, CouponCode
from rewards.services import coupons
from rewards.services.coupons import definitions, pools
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.coupons.definitions import CodeTaken
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Job, Tenant
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


def test_a_pool_is_filled_in_batches_and_a_killed_job_goes_on(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_BATCH", 40)
    definition = make_definition(code_pattern="P-#####")
    pool, job = pools.generate(definition=definition, name="Spring", count=90, by=SYSTEM, at=NOW)
    assert (job.kind, job.state, job.params) == (pools.GENERATE, Job.State.QUEUED, {"pool_id": pool.pk})

    def die(done: int, _total: int, _message: str) -> None:
        if done == 80:
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        pools.fill(tenant=scope, pool_id=pool.pk, progress=die)
    seen: list[int] = []
    assert pools.fill(tenant=scope, pool_id=pool.pk, progress=lambda done, *_: seen.append(done)) == 90
    assert seen == [90]
    pool.refresh_from_db()
    codes = list(CouponCode.objects.filter(pool=pool).values_list("code", "state", "uses_limit"))
    assert (len(codes), pool.codes_count, pool.finished_at is not None) == (90, 90, True)
    assert {(code[:2], len(code), state, limit) for code, state, limit in codes} == {
        ("P-", 7, CodeState.AVAILABLE, 1)
    }


def test_more_codes_than_can_be_kept_secret_are_refused(scope: Tenant) -> None:
    definition = make_definition(code_pattern="####")
    for count in (3, 0, 6_000_000):
        with pytest.raises(InvalidInput) as refusal:
            pools.generate(definition=definition, name="x", count=count, by=SYSTEM, at=NOW)
        assert refusal.value.errors[0].pointer == "/count"


def test_an_import_tells_what_it_left_out(scope: Tenant) -> None:
    make_definition(code="old-1")
    codes = ["new-1", "NEW-1 ", "old-1", "new-2", "", "x" * 61, "bad\\n"]
    pool = pools.import_codes(definition=make_definition(), name="Agency", codes=codes, by=SYSTEM, at=NOW)
    assert (pool.codes_count, pool.report["counts"]) == (2, {"repeated": 1, "spelling": 2, "taken": 1})
    assert {"code": "OLD-1", "reason": "taken"} in pool.report["examples"]
    assert set(CouponCode.objects.filter(pool=pool).values_list("code", flat=True)) == {"NEW-1", "NEW-2"}
    with pytest.raises(InvalidInput):
        pools.import_codes(definition=make_definition(), name="None", codes=["", " "], by=SYSTEM, at=NOW)


def test_issued_codes_come_from_the_pool_while_it_lasts(scope: Tenant) -> None:
    definition = make_definition("gift")
    pools.import_codes(definition=definition, name="A", codes=["POOL-1"], by=SYSTEM, at=NOW)
    customer = make_customer()
    first, second = [
        coupons.issue(
            customer_id=customer.pk, definition_key="gift", source=Source("t", n), by=SYSTEM, at=NOW
        )
        for n in ("1", "2")
    ]
    assert (first.code, second.code == "POOL-1", len(second.code)) == ("POOL-1", False, 9)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"percent_hundredths": 0}, "/percent_hundredths"),
        ({"kind": "amount", "amount_minor": 0}, "/amount_minor"),
        ({"hour_from": 8}, "/hour_until"),
        ({"hour_from": 8, "hour_until": 25}, "/hour_from"),
        ({"weekdays": [8]}, "/weekdays"),
        ({"segments": ["nobody"]}, "/segments"),
        ({"code_pattern": "lower"}, "/code_pattern"),
        ({"uses_per_code": 0}, "/uses_per_code"),
        ({"rule": {"any": []}}, "/rule/any"),
        ({"valid_from": NOW, "valid_until": NOW}, "/valid_until"),
    ],
)
def test_impossible_terms_are_refused_by_their_field(
    scope: Tenant, terms: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make_definition(**terms)
    assert [error.pointer for error in refusal.value.errors] == [pointer]


def test_changing_a_definition_keeps_the_codes_that_are_out(scope: Tenant) -> None:
    definition = make_definition("d", code="HELLO", uses_per_code=3)
    terms = DefinitionTerms(name="New", kind="percent", percent_hundredths=2000, uses_per_code=1)
    changed = definitions.save(key="d", terms=terms, by=SYSTEM, at=NOW)
    code = CouponCode.objects.get(code="HELLO")
    assert (changed.pk, code.uses_limit, changed.percent_hundredths) == (definition.pk, 3, 2000)
    with pytest.raises(CodeTaken):
        make_definition("e", code="hello")
    with pytest.raises(InvalidInput) as refusal:
        make_definition("e", skus=["ghost"])
    assert refusal.value.errors[0].code == "unknown_items"
