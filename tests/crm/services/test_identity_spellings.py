from __future__ import annotations

import pytest

from crm.models import CustomerPolicy, DuplicateCandidate, Identity
from crm.services import customer_policies, customers, identity_spellings
from crm.services.customers import IdentityTaken
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import Job, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def values() -> set[str]:
    return set(Identity.objects.exclude(kind="external_id").values_list("value", flat=True))


def test_identities_follow_the_policy_and_come_back(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    ann = factories.customer("c1", person={"email": "ann.lee+shop@gmail.com", "phone": "(212) 736-5000"})
    # The tenant's currency is the dollar: a number without a country code is an American one.
    assert values() == {"ann.lee+shop@gmail.com", "+12127365000"}
    policy = {"ignores_gmail_dots": True, "drops_plus_tag": True, "phone_region": "US"}
    customer_policies.change(values=policy, by=actor, at=NOW)
    assert Job.objects.get().kind == "crm.respell_identities"
    assert identity_spellings.respell(at=NOW) == 1
    assert values() == {"annlee@gmail.com", "+12127365000"}
    assert identity_spellings.respell(at=NOW) == 0
    with pytest.raises(IdentityTaken):
        factories.customer("c2", person={"email": "annlee+x@googlemail.com"})
    customer_policies.change(values={"ignores_gmail_dots": False, "drops_plus_tag": False}, by=actor, at=NOW)
    identity_spellings.respell(at=NOW)
    assert "ann.lee+shop@gmail.com" in values()
    assert customers.obtain(external_id="c1", at=NOW) == ann


def test_two_who_meet_in_one_spelling_are_for_staff_to_decide(scope: Tenant) -> None:
    first = factories.customer("c1", person={"email": "ann@gmail.com", "given_name": "Ann"})
    second = factories.customer(
        "c2",
        person={"email": "a.n.n@gmail.com", "given_name": "Ann"},
        identities=(("email", "an.n@gmail.com"),),
    )
    CustomerPolicy.objects.create(ignores_gmail_dots=True, updated_at=NOW)
    identity_spellings.respell(at=NOW)
    assert values() == {"ann@gmail.com", "a.n.n@gmail.com", "an.n@gmail.com"}
    pair = DuplicateCandidate.objects.get()
    assert (pair.first_id, pair.second_id, pair.reasons) == (first.pk, second.pk, ["email"])


def test_a_second_spelling_of_one_customer_goes(scope: Tenant) -> None:
    factories.customer("c1", person={"email": "ann@gmail.com"}, identities=(("email", "a.nn@gmail.com"),))
    CustomerPolicy.objects.create(ignores_gmail_dots=True, updated_at=NOW)
    assert identity_spellings.respell(at=NOW) == 0
    assert values() == {"ann@gmail.com"}


def test_a_policy_has_bounds(scope: Tenant, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        customer_policies.change(values={"erasure_grace_days": 31}, by=actor, at=NOW)
    with pytest.raises(InvalidInput):
        customer_policies.change(values={"tombstone_salt": "known"}, by=actor, at=NOW)
