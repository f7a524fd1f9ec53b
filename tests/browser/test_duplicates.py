"""Support finds two records of one person, merges them side by side, and takes the merge back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.models import Customer, CustomerMerge, CustomerState, DuplicateCandidate, Person
from crm.services import duplicates
from rewards.models import Account
from rewards.services import points
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.browser.test_tour import Watch, check_layout, sign_in
from tests.conftest import NOW
from tests.crm import factories
from tests.rewards.factories import make_wallet

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL, PASSWORD = "owner@acme.example.com", "correct horse battery"
WALKS = {
    "desk": {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"},
    "phone": {"viewport": {"width": 390, "height": 844}, "locale": "en-GB", "color_scheme": "dark"},
}


@pytest.fixture
def site(live_server: Any, tenant: Tenant, other_tenant: Tenant, actor: Actor) -> str:
    """Ann twice, with points on both sides, a pair that is none, and the same names elsewhere."""
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            make_wallet()
            for number, (email, city, amount) in enumerate(
                [("ann.lee@gmail.com", "Leeds", 100), ("annlee+shop@googlemail.com", "York", 30)]
            ):
                change = {"given_name": "Ann", "family_name": "Lee", "email": email, "city": city}
                customer = factories.customer(f"ann-{number}", person=change)
                points.adjust(customer=customer, points=amount, reason="Welcome", by=SYSTEM, at=NOW)
            for number in range(2):
                change = {"given_name": "Cat", "family_name": "Miller", "postcode": "LS1 4AP"}
                factories.customer(f"cat-{number}", person=change)
            duplicates.find(at=NOW)
    with tenant_scope(tenant):
        owner = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Robin Vale")
        memberships.add(user=owner, role=Role.OWNER, by=actor, at=NOW)
    return str(live_server.url)


def points_by_customer() -> dict[str, int]:
    rows = Account.objects.values_list("customer__external_id", "available")
    return {str(external_id): available for external_id, available in rows}


@pytest.mark.parametrize("walk", sorted(WALKS))
def test_a_merge_side_by_side_and_its_way_back(
    walk: str, browser: Browser, site: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    context = browser.new_context(**WALKS[walk])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, site, EMAIL, PASSWORD)
    page.goto(f"{site}/t/acme/duplicates/")
    check_layout(page, "duplicates")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Compare Ann Lee").click()
    _merge(page)
    with tenant_scope(tenant):
        assert points_by_customer()["ann-0"] == 130
        kept = Person.objects.get(customer__external_id="ann-0")
        assert (kept.email, kept.city) == ("ann.lee@gmail.com", "York")
        assert Customer.objects.get(external_id="ann-1").state == CustomerState.MERGED
    page.goto(f"{site}/t/acme/merges/")
    check_layout(page, "merges")
    expect(page.get_by_text("Two accounts of one person")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Both customers are back.")).to_be_visible()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
    with tenant_scope(tenant):
        assert points_by_customer() == {"ann-0": 100, "ann-1": 30}
        cities = Person.objects.filter(family_name="Lee").values_list("customer__external_id", "city")
        assert set(cities) == {("ann-0", "Leeds"), ("ann-1", "York")}
    with tenant_scope(other_tenant):
        assert not CustomerMerge.objects.exists()
        assert points_by_customer() == {"ann-0": 100, "ann-1": 30}
    assert watch.complaints == []
    context.close()


def _merge(page: Page) -> None:
    """Choose the absorbed one's city, read what follows, and merge."""
    check_layout(page, "merge preview")
    city = page.locator("tr", has=page.get_by_text("York"))
    expect(city.get_by_role("radio").nth(0)).to_be_checked()
    city.get_by_role("radio").nth(1).check()
    balance = page.locator("tr", has_text="Points").first
    assert [text.strip() for text in balance.locator("td").all_inner_texts()[1:]] == ["100", "30", "130"]
    page.get_by_label("Reason").fill("Two accounts of one person")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("The customers are merged.")).to_be_visible()


def test_ticked_pairs_are_dismissed_together(browser: Browser, site: str, tenant: Tenant) -> None:
    context = browser.new_context(**WALKS["desk"])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, site, EMAIL, PASSWORD)
    page.goto(f"{site}/t/acme/duplicates/")
    page.locator("tr", has_text="Cat Miller").get_by_role("checkbox").check()
    page.get_by_role("button", name="Not the same person").click()
    expect(page.get_by_text("1 pair is dismissed.")).to_be_visible()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    assert watch.complaints == []
    context.close()
    with tenant_scope(tenant):
        states = dict(DuplicateCandidate.objects.values_list("first__external_id", "state"))
        assert states == {"ann-0": "open", "cat-0": "dismissed"}
