from __future__ import annotations

from uuid import UUID

import pytest

from crm.models import Customer, CustomerState, Identity, Person
from crm.services import customers, identities, traits
from crm.services.customers import CustomerChange, CustomerNotEditable, IdentityTaken
from tenants.domain.actors import Actor, ActorKind
from tenants.errors import InvalidInput, NotFound, PermissionRefused
from tenants.models import AuditEntry, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def test_personal_data_has_its_own_row_and_identities_one_spelling(crowd: Tenant, scope: Tenant) -> None:
    customer = factories.customer(
        "c1",
        person={"email": "Ann@Example.com", "phone": "+44 (20) 7946-0000"},
        attributes={"city": "Leeds", "gone": None},
        identities=(("card", "4711"),),
    )
    assert customer.attributes == {"city": "Leeds"}
    assert Person.objects.get().customer == customer
    assert set(Identity.objects.values_list("kind", "value")) == {
        ("external_id", "c1"),
        ("card", "4711"),
        ("email", "ann@example.com"),
        ("phone", "+442079460000"),
    }
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["customer.created"]


def test_patch_keeps_what_is_not_named(scope: Tenant, actor: Actor) -> None:
    customer = factories.customer(
        "c1", person={"email": "a@example.com", "city": "Leeds"}, attributes={"a": 1, "b": 2}
    )
    customer = customers.update(
        customer=customer,
        change=CustomerChange(
            person={"city": "York"}, attributes={"b": None, "c": 3}, fields={"may_profile": False}
        ),
        by=actor,
        at=NOW,
    )
    assert (customer.attributes, customer.may_profile) == ({"a": 1, "c": 3}, False)
    person = Person.objects.get()
    assert (person.email, person.city) == ("a@example.com", "York")
    diff = AuditEntry.objects.filter(action="customer.updated").get().diff
    assert diff == {"city": ["", "changed"], "attributes.b": [2, None], "attributes.c": [None, 3]}


def test_an_identity_has_one_customer(scope: Tenant) -> None:
    factories.customer("c1", person={"email": "a@example.com"})
    with pytest.raises(IdentityTaken):
        factories.customer("c1")
    with pytest.raises(IdentityTaken):
        factories.customer("c2", person={"email": "A@example.com"})
    assert Customer.objects.count() == 1


def test_nonsense_is_refused(scope: Tenant, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        factories.customer("c1", identities=(("email", "nonsense"),))
    with pytest.raises(InvalidInput):
        factories.customer("c1", fields={"state": "merged"})
    with pytest.raises(PermissionRefused):
        customers.create(by=Actor(kind=ActorKind.USER, label="nobody"), at=NOW)
    with pytest.raises(NotFound):
        customers.obtain(public_id=UUID(int=1), at=NOW)


def test_states(scope: Tenant, actor: Actor) -> None:
    customer = factories.customer("c1")
    customer = customers.set_suspended(customer=customer, suspended=True, by=actor, at=NOW)
    assert customer.state == CustomerState.SUSPENDED
    with pytest.raises(CustomerNotEditable):
        customers.set_suspended(customer=customer, suspended=True, by=actor, at=NOW)
    customer = customers.set_suspended(customer=customer, suspended=False, by=actor, at=NOW)
    assert customer.state == CustomerState.ACTIVE
    Customer.objects.filter(pk=customer.pk).update(state=CustomerState.ANONYMISED)
    with pytest.raises(CustomerNotEditable):
        customers.update(customer=customer, change=CustomerChange(), by=actor, at=NOW)


def test_identities_resolve_and_create_once(crowd: Tenant, scope: Tenant) -> None:
    known = factories.customer("c1")
    pairs = [("external_id", "c1"), ("anonymous_id", "x"), ("external_id", "c2")]
    found = identities.resolve_or_create(pairs, at=NOW)
    assert found[("external_id", "c1")] == known.pk
    assert identities.resolve_or_create(pairs, at=NOW) == found
    assert set(Customer.objects.values_list("external_id", flat=True)) == {"c1", "c2", None}


def test_traits_are_written_in_bulk(crowd: Tenant, scope: Tenant) -> None:
    first, second = factories.customer("c1"), factories.customer("c2")
    values = {first.pk: 0.5, second.pk: "loyal"}
    assert traits.write_many(name="t", values=values, model_version="v1", at=NOW) == 2
    traits.write_many(name="t", values={first.pk: 0.75}, model_version="v2", at=NOW, replace=True)
    assert [(each.value, each.model_version) for each in first.computed_traits.all()] == [(0.75, "v2")]
    assert second.computed_traits.count() == 0
    with pytest.raises(InvalidInput):
        traits.write_many(name="t", values={first.pk: float("nan")}, model_version="v", at=NOW)
