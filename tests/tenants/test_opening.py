"""Opening another tenant: who may, with what, and only once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tenants.domain.actors import Actor, ActorKind
from tenants.domain.permissions import Role
from tenants.errors import InvalidInput, PermissionRefused
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.queries.access import may_open_tenants, memberships_of
from tenants.scope import tenant_scope
from tenants.services import memberships, tenants
from tenants.services.tenants import Particulars, SlugTaken
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
NOVUM = Particulars(
    slug="novum", name="Novum", time_zone="Europe/Berlin", currency="EUR", locale="zh-hans", vertical="social"
)


@pytest.fixture
def owner(tenant: Tenant, actor: Actor, settings: Any) -> User:
    """An owner of ``tenant``, where owners may open further ones."""
    settings.OWNERS_OPEN_TENANTS = True
    return member(tenant, Role.OWNER, actor)


def member(tenant: Tenant, role: Role, actor: Actor) -> User:
    user = User.objects.create_user(email=f"{role}@acme.example.com")
    with tenant_scope(tenant):
        memberships.add(user=user, role=role, by=actor, at=NOW)
    return user


def open_it(user: User, particulars: Particulars = NOVUM) -> Tenant:
    by = Actor(kind=ActorKind.USER, id=user.pk, label=user.email, address="192.0.2.1")
    return tenants.open_another(owner=user, particulars=particulars, by=by, at=NOW)


def test_an_owner_opens_another_tenant_and_owns_it(owner: User, other_tenant: Tenant) -> None:
    opened = open_it(owner)
    found = [getattr(opened, name) for name in ("slug", "time_zone", "currency", "locale", "vertical")]
    assert found == ["novum", "Europe/Berlin", "EUR", "zh-hans", "social"]
    assert [(row.slug, row.role) for row in memberships_of(owner.pk)] == [
        ("acme", "owner"),
        ("novum", "owner"),
    ]
    with tenant_scope(opened):
        entries = AuditEntry.objects.order_by("id").values_list("action", "actor_label", "address")
        assert list(entries) == [
            ("tenant.created", owner.email, "192.0.2.1"), ("membership.added", owner.email, "192.0.2.1"),
        ]  # fmt: skip
    with tenant_scope(other_tenant):
        assert not Membership.objects.exists()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_other_roles_open_none(role: Role, tenant: Tenant, actor: Actor, settings: Any) -> None:
    settings.OWNERS_OPEN_TENANTS = True
    user = member(tenant, role, actor)
    assert not may_open_tenants(user)
    with pytest.raises(PermissionRefused):
        open_it(user)
    assert not Tenant.objects.filter(slug="novum").exists()


def test_owners_wait_for_the_setting_and_operators_do_not(owner: User, settings: Any) -> None:
    settings.OWNERS_OPEN_TENANTS = False
    with pytest.raises(PermissionRefused):
        open_it(owner)
    operator = User.objects.create_user(email="op@example.com", is_operator=True)
    assert open_it(operator).slug == "novum"


def test_an_owner_of_a_suspended_tenant_only_opens_none(owner: User, tenant: Tenant) -> None:
    tenant.status = Tenant.Status.SUSPENDED
    tenant.save()
    assert not may_open_tenants(owner)


def test_the_same_form_twice_opens_once(owner: User) -> None:
    assert open_it(owner) == open_it(owner)
    with tenant_scope(Tenant.objects.get(slug="novum")):
        assert Membership.objects.count() == 1
    with pytest.raises(SlugTaken):
        open_it(owner, replace(NOVUM, name="Another"))
    assert Tenant.objects.count() == 2


def test_a_slug_of_somebody_else_is_not_given(owner: User, other_tenant: Tenant) -> None:
    taken = replace(
        NOVUM, slug="globex", name=other_tenant.name, time_zone="Asia/Shanghai", currency="CNY",
        vertical="ecommerce",
    )  # fmt: skip
    with pytest.raises(SlugTaken):
        open_it(owner, taken)
    assert [row.slug for row in memberships_of(owner.pk)] == ["acme"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("slug", "admin", "slug_reserved"),
        ("slug", "signup", "slug_reserved"),
        ("slug", "No Spaces", "invalid"),
        ("slug", "a" * 64, "invalid"),
        ("name", "", "invalid"),
        ("time_zone", "Mars/Olympus", "invalid"),
        ("time_zone", "../../etc/passwd", "invalid"),
        ("time_zone", "/etc/localtime", "invalid"),
        ("time_zone", "right/UTC", "invalid"),
        ("time_zone", "Factory", "invalid"),
        ("time_zone", "EST5EDT4", "invalid"),
        ("time_zone", "Asia/Shanghai\n", "invalid"),
        ("time_zone", "", "invalid"),
        ("currency", "ABC", "unknown_currency"),
        ("currency", "XXX", "unknown_currency"),
        ("currency", "eur", "invalid"),
        ("locale", "tlh", "invalid"),
        ("vertical", "mining", "invalid"),
    ],
)
def test_what_no_tenant_can_have_is_refused_by_field(owner: User, field: str, value: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_it(owner, replace(NOVUM, **{field: value}))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(f"/{field}", code)]
    assert Tenant.objects.count() == 1


def test_a_zone_that_the_database_does_not_know_is_refused(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's database of zones can be newer than PostgreSQL's, whose statements would fail for ever."""
    monkeypatch.setattr("tenants.models.tenant.zone_names", lambda: frozenset({"Antarctica/New_Station"}))
    with pytest.raises(InvalidInput) as refused:
        open_it(owner, replace(NOVUM, time_zone="Antarctica/New_Station"))
    assert refused.value.errors[0].code == "zone_unknown"
    assert not Tenant.objects.filter(slug="novum").exists()
