"""No page and no search of one tenant shows a text of another."""

from __future__ import annotations

from django.test import Client

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tests.conftest import signed_in
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import READ_PAGES, address

TABS = ["?tab=coupons", "?tab=recommendations", "?tab=decisions", "?tab=data", "?kind=points", "?tab=privacy"]


def test_no_page_shows_a_foreign_text(filled: Filled, other_filled: Filled, staff: Client) -> None:
    for name in READ_PAGES:
        for query in ["", *TABS] if name == "customer" else [""]:
            page = staff.get(address(name, filled) + query).getvalue().decode(errors="replace")
            assert "canary" not in page.lower(), name + query


def test_pages_show_their_own_text(filled: Filled, other_filled: Filled, staff: Client) -> None:
    for name in ("customers", "orders", "items", "segments", "imports", "rewards", "api_keys", "team"):
        assert "Ownmark" in staff.get(address(name, filled)).content.decode(), name


def test_search_finds_nothing_of_another_tenant(filled: Filled, other_filled: Filled, staff: Client) -> None:
    for text in ("Canary", "canary1@shop", "Canary-I1", "Globex"):
        page = staff.get(address("admin:search", filled), {"q": text}).content.decode()
        assert "<a " not in page, text


def test_search_does_not_remember_the_tenant_before(
    filled: Filled, other_filled: Filled, staff: Client, actor: Actor
) -> None:
    first = staff.get(address("admin:search", filled), {"q": "Ownmark"}).content.decode()
    assert first.count("Ownmark Family1") == 1
    elsewhere = signed_in(other_filled.tenant, actor, Role.OWNER)
    assert (
        "<a " not in elsewhere.get(address("admin:search", other_filled), {"q": "Ownmark"}).content.decode()
    )


def test_filters_cannot_reach_another_tenants_segment(
    filled: Filled, other_filled: Filled, staff: Client
) -> None:
    query = {"segment": str(other_filled.segment.public_id)}
    page = staff.get(address("customers", filled), query).content.decode()
    assert "Canary" not in page
    assert "Ownmark Family1" in page  # an unknown filter value is ignored


def test_switcher_offers_only_memberships(filled: Filled, other_filled: Filled, staff: Client) -> None:
    page = staff.get(address("jobs", filled)).content.decode()
    assert "/t/acme/" in page
    assert "/t/globex/" not in page
