from __future__ import annotations

from datetime import timedelta

import pytest

from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission, Role
from tenants.errors import InvalidInput
from tenants.models import ApiKey, AuditEntry, Membership, User
from tenants.queries.access import memberships_of
from tenants.scope import tenant_scope
from tenants.services import access, api_keys, memberships, tenants
from tests.conftest import NOW, key_for

pytestmark = pytest.mark.django_db


def granted(text, at=NOW):
    return access.of_api_key(text=text, address="127.0.0.1", request_id="r", at=at)


def test_a_key_opens_its_own_tenant_with_its_scopes(tenant, other_tenant, actor):
    key_for(other_tenant, actor)
    text = key_for(tenant, actor, scopes=[Permission.CUSTOMERS_VIEW])
    found = granted(text)
    assert found.tenant == tenant
    assert found.actor.permissions == {Permission.CUSTOMERS_VIEW}


def test_only_the_digest_of_a_key_is_stored(tenant, actor):
    text = key_for(tenant, actor)
    with tenant_scope(tenant):
        key = ApiKey.objects.get()
    assert text.startswith(key.prefix)
    assert len(key.prefix) == api_keys.PREFIX_LENGTH
    assert key.digest == api_keys.digest(text)
    assert text not in str(vars(key))


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t + "x", lambda t: "sk_", lambda t: ""],
)
def test_a_changed_key_opens_nothing(tenant, actor, change):
    assert granted(change(key_for(tenant, actor))) is None


def test_an_expired_or_revoked_key_opens_nothing(tenant, actor):
    expiring = key_for(tenant, actor, expires_at=NOW + timedelta(days=1))
    assert granted(expiring) is not None
    assert granted(expiring, NOW + timedelta(days=1)) is None
    with tenant_scope(tenant):
        api_keys.revoke(api_key=ApiKey.objects.get(), by=actor, at=NOW)
    assert granted(expiring) is None


def test_a_key_of_a_suspended_tenant_opens_nothing(tenant, actor):
    text = key_for(tenant, actor)
    tenant.status = "suspended"
    tenant.save()
    assert granted(text) is None


def test_a_publishable_key_can_only_send_events_and_serve_members(tenant, actor):
    text = key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE)
    assert granted(text).actor.permissions == {Permission.EVENTS_INGEST, Permission.MEMBER_SELF}
    with pytest.raises(InvalidInput, match="customers:view"):
        key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE, scopes=[Permission.CUSTOMERS_VIEW])


def test_a_secret_key_never_manages_people_or_keys(tenant, actor):
    with pytest.raises(InvalidInput, match="api_keys:manage"):
        key_for(tenant, actor, scopes=[Permission.API_KEYS_MANAGE])


def test_last_use_is_written_every_five_minutes_at_most(tenant, actor):
    text = key_for(tenant, actor)
    for minutes in (0, 4, 6):
        granted(text, NOW + timedelta(minutes=minutes))
        with tenant_scope(tenant):
            used = ApiKey.objects.get().last_used_at
        assert used == NOW + timedelta(minutes=0 if minutes < 5 else 6)


def test_a_member_enters_their_tenants_only(tenant, other_tenant, actor):
    user = User.objects.create_user(email="Ana@Example.com", password="x")
    assert user.email == "ana@example.com"
    with tenant_scope(tenant):
        memberships.add(user=user, role=Role.ANALYST, by=actor, at=NOW)
    found = access.of_member(user=user, slug="acme", address="", request_id="")
    assert (found.tenant, found.role) == (tenant, Role.ANALYST)
    assert found.actor.permissions == PERMISSIONS_BY_ROLE[Role.ANALYST]
    assert access.of_member(user=user, slug="globex", address="", request_id="") is None
    assert [row.slug for row in memberships_of(user.pk)] == ["acme"]


def test_an_analyst_reads_and_changes_nothing():
    assert {p for p in PERMISSIONS_BY_ROLE[Role.ANALYST] if not p.endswith(":view")} == set()


def test_a_tenant_keeps_an_owner(tenant, actor):
    with tenant_scope(tenant):
        owner = memberships.invite(email="a@example.com", role=Role.OWNER, by=actor, at=NOW)
        for change in (
            lambda: memberships.remove(membership=owner, by=actor, at=NOW),
            lambda: memberships.change_role(membership=owner, role=Role.ADMIN, by=actor, at=NOW),
        ):
            with pytest.raises(memberships.LastOwner):
                change()
        memberships.invite(email="b@example.com", role=Role.OWNER, by=actor, at=NOW)
        memberships.remove(membership=owner, by=actor, at=NOW)
        assert Membership.objects.get().user.email == "b@example.com"


def test_inviting_twice_changes_the_role_and_says_so(tenant, actor):
    with tenant_scope(tenant):
        memberships.invite(email="a@example.com", role=Role.SUPPORT, by=actor, at=NOW)
        memberships.invite(email="A@example.com", role=Role.MARKETER, by=actor, at=NOW)
        assert Membership.objects.get().role == Role.MARKETER
        assert AuditEntry.objects.get(action="membership.changed").diff == {"role": ["support", "marketer"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "No Spaces"), ("time_zone", "Mars/Olympus"), ("currency", "usd"), ("vertical", "mining")],
)
def test_a_tenant_with_a_wrong_field_is_refused_by_name(db, actor, field, value):
    fields = {"slug": "good", "name": "Good", field: value}
    with pytest.raises(InvalidInput) as refused:
        tenants.create(**fields, by=actor, at=NOW)
    assert [error.pointer for error in refused.value.errors] == [f"/{field}"]


def test_a_slug_is_taken_once(tenant, actor):
    with pytest.raises(tenants.SlugTaken):
        tenants.create(slug="acme", name="Another", by=actor, at=NOW)
