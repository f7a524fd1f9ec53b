from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tenants.errors import InvalidInput
from tenants.models import ApiKey
from tenants.scope import tenant_scope
from tenants.services import api_keys, member_tokens
from tenants.services.member_tokens import InvalidMemberToken, MemberScope
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
SUBJECT = UUID("01900000-0000-7000-8000-000000000000")
HOUR = timedelta(hours=1)


def mint(lifetime=HOUR):
    return member_tokens.mint(subject=SUBJECT, scopes=[MemberScope.READ], lifetime=lifetime, at=NOW)


def test_a_token_says_whom_for_what_and_until_when(scope):
    token, claims = mint()
    read = member_tokens.read(token, at=NOW)
    assert (read.subject, read.scopes) == (SUBJECT, {MemberScope.READ})
    assert read.expires_at == claims.expires_at.replace(microsecond=0) == NOW + HOUR


def test_a_token_ends_and_never_lives_longer_than_a_day(scope):
    token, claims = mint(timedelta(days=9))
    assert claims.expires_at == NOW + timedelta(days=1)
    with pytest.raises(InvalidMemberToken):
        member_tokens.read(token, at=NOW + timedelta(days=1))


def test_another_tenants_token_is_none(tenant, other_tenant):
    with tenant_scope(other_tenant):
        token, _claims = mint()
    with tenant_scope(tenant), pytest.raises(InvalidMemberToken):
        member_tokens.read(token, at=NOW)


@pytest.mark.parametrize(
    ("kind", "origins", "code"),
    [
        (ApiKey.Kind.SECRET, ["https://shop.example"], "not_publishable"),
        (ApiKey.Kind.PUBLISHABLE, ["https://shop.example/path"], "invalid_origin"),
        (ApiKey.Kind.PUBLISHABLE, ["*"], "invalid_origin"),
    ],
)
def test_origins_belong_to_publishable_keys_and_are_no_more_than_origins(scope, actor, kind, origins, code):
    with pytest.raises(InvalidInput) as caught:
        api_keys.create(name="x", kind=kind, by=actor, at=NOW, origins=origins)
    assert [error.code for error in caught.value.errors] == [code]
