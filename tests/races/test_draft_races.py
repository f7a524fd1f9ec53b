"""Two people who configure at the same moment: the draft keeps what both wrote."""

from __future__ import annotations

import pytest

from rewards.domain.offers import OfferedCoupon
from rewards.models import ProgramRevision
from rewards.services import offer_drafts
from rewards.services.coupons.definition_terms import DefinitionTerms, columns_of
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import THREADS, together
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_keeps_what_is_written_side_by_side(tenant: Tenant) -> None:
    terms = columns_of(DefinitionTerms(name="n", kind="shipping"))
    said = {name: value for name, value in terms.items() if name not in {"name", "kind"}}

    def write(number: int) -> int | None:
        with tenant_scope(tenant):
            offer = OfferedCoupon(f"c-{number}", f"C {number}", "shipping", said)
            return offer_drafts.put(offer, by=SYSTEM, at=NOW).number

    assert set(together(write)) == {1}
    with tenant_scope(tenant):
        (draft,) = ProgramRevision.objects.all()
        assert sorted(each["key"] for each in draft.document["coupons"]) == sorted(
            f"c-{number}" for number in range(THREADS)
        )
