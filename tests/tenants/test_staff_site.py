"""Who enters ``/t/<slug>/``: the way from the address to the scope."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    ["/t/acme/", "/t/acme/customers/", "/t/acme/customers/?q=a%20b&page=2", "/t/acme/a&b/", "/t/nowhere/"],
)
def test_a_stranger_signs_in_and_comes_back_to_the_very_address(tenant: Tenant, address: str) -> None:
    response = Client().get(address)
    to = urlsplit(response["Location"])
    assert (response.status_code, to.netloc, to.path) == (302, "", "/accounts/login/")
    assert parse_qs(to.query) == {"next": [address]}


def test_a_member_enters_their_own_tenant_only(staff: Any, other_tenant: Tenant) -> None:
    assert staff.get("/t/acme/customers/").status_code == 200
    for slug in ("globex", "nowhere"):
        refused = staff.get(f"/t/{slug}/customers/")
        assert (refused.status_code, refused.templates[0].name) == (404, "404.html")


def test_two_tenants_in_two_tabs(staff: Any, tenant: Tenant, other_tenant: Tenant, actor: Actor) -> None:
    elsewhere = signed_in(other_tenant, actor, Role.OWNER)
    assert staff.get("/t/acme/").wsgi_request.access.tenant == tenant
    assert elsewhere.get("/t/globex/").wsgi_request.access.tenant == other_tenant
    assert elsewhere.get("/t/acme/").status_code == 404


def test_a_suspended_tenant_is_closed_for_its_owner_too(staff: Any, tenant: Tenant) -> None:
    assert staff.get("/t/acme/").status_code == 200
    tenant.status = "suspended"
    tenant.save()
    assert staff.get("/t/acme/").status_code == 404
    assert staff.get("/t/acme/customers/").status_code == 404


@pytest.mark.parametrize("address", ["/t/acme", "/t//", "/t/ACME/", "/t/ac_me/", "/t/" + "a" * 64 + "/"])
def test_what_is_no_slug_is_no_page(staff: Any, address: str) -> None:
    assert staff.get(address).status_code == 404
