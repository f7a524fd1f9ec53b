"""What is called sensitive earns no points and opens no coupon."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crm.models import EventSchema, PropertySchema
from rewards.models import CouponDefinition, RevisionState
from rewards.services import programs
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms
from rewards.services.coupons.errors import CouponsRejected
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.rewards.coupons import reasons, redeem

pytestmark = pytest.mark.django_db
DOCUMENT = {
    "wallets": [{"key": "points", "name": "Points"}],
    "rules": [
        {
            "key": "visit", "name": "Visit", "trigger": "event", "event": "visited",
            "when": {"property": "topic", "op": "eq", "value": "knee"},
            "effects": [{"type": "points", "wallet": "points", "points": 1}],
        }
    ],
}  # fmt: skip
RULE = {"attribute": "size", "op": "eq", "value": "L"}


def classify(name: str, key: str) -> None:
    schema, _created = EventSchema.objects.get_or_create(
        name=name, defaults={"first_seen_at": NOW, "last_seen_at": NOW}
    )
    PropertySchema.objects.create(
        schema=schema, key=key, sensitivity="health", first_seen_at=NOW, last_seen_at=NOW
    )


def refused(work: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        work()
    return [(each.pointer, each.code) for each in caught.value.errors]


def test_no_program_that_reads_it_is_published(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        classify("visited", "topic")
        draft = programs.save_draft(document=DOCUMENT, by=SYSTEM, at=NOW)
        assert refused(lambda: programs.publish(revision=draft, by=SYSTEM, at=NOW)) == [
            ("/document/rules/0", "sensitive_value")
        ]
    with tenant_scope(other_tenant):
        draft = programs.save_draft(document=DOCUMENT, by=SYSTEM, at=NOW)
        assert programs.publish(revision=draft, by=SYSTEM, at=NOW).state == RevisionState.PUBLISHED


def test_no_coupon_gets_a_rule_on_it_and_an_older_one_can_be_ended(tenant: Tenant) -> None:
    terms = DefinitionTerms(
        name="Large", kind="percent", percent_hundredths=1000, rule=RULE, uses_per_code=None
    )
    with tenant_scope(tenant):
        old = definitions.save(key="old", terms=terms, generic_code="LARGE", by=SYSTEM, at=NOW)
        redeem("LARGE", customer=factories.customer("c1", attributes={"size": "L"}))
        classify("identified", "size")
        # The rule finds the value missing from now on.
        with pytest.raises(CouponsRejected) as caught:
            redeem("LARGE", customer=factories.customer("c2", attributes={"size": "L"}))
        assert reasons(caught) == [("LARGE", "customer_rule")]
        assert refused(lambda: definitions.create(key="new", terms=terms, by=SYSTEM, at=NOW)) == [
            ("/rule", "sensitive_value")
        ]
        other = replace(terms, rule={"all": [RULE]})
        assert refused(lambda: definitions.save(key="old", terms=other, by=SYSTEM, at=NOW)) == [
            ("/rule", "sensitive_value")
        ]
        assert not definitions.archive(definition=old, by=SYSTEM, at=NOW).is_active
        assert list(CouponDefinition.objects.values_list("key", flat=True)) == ["old"]
