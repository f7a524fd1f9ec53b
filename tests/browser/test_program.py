"""A program is built, tried on one case, rehearsed, approved by a second person, and published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from crm.services import orders
from rewards.models import ProgramRevision
from rewards.services import starter
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.browser.test_tour import WALKS, Watch, check_layout, sign_in
from tests.browser.workers import PASSWORD, add_member, work
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import add_customer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]


@pytest.fixture
def site(live_server: Any, tenant: Tenant, actor: Actor) -> str:
    """A tenant with a program of one point a dollar, and an order of 40 dollars last week."""
    with tenant_scope(tenant):
        starter.install_starter(by=actor, at=NOW, category_percent={}, rewards=[])
        lines = [orders.NewLine(sku="tea", quantity=1, unit_price_minor=4000)]
        orders.record(
            external_id="O-1", customer=add_customer(actor, "Ann", 1), lines=lines,
            placed_at=timezone.now() - timedelta(days=7), by=actor, at=timezone.now(),
        )  # fmt: skip
    return f"{live_server.url}/t/acme"


def enter(browser: Browser, site: str, email: str) -> tuple[Page, Watch]:
    page = browser.new_context(**WALKS["light"]).new_page()  # type: ignore[arg-type]
    watch = Watch(page)
    sign_in(page, site.partition("/t/")[0], email, PASSWORD)
    return page, watch


def build(page: Page, site: str) -> None:
    page.goto(f"{site}/program/rules/new/")
    check_layout(page, "rule")
    page.get_by_label("Name", exact=True).first.fill("Thank you")
    page.locator("select[name=points_kind]").select_option("once")
    page.locator("input[name=points]").fill("25")
    page.locator("[data-adds=conditions]").click()
    row = page.locator("#conditions-rows > *").last
    row.locator("select[name$=-fact]").select_option("order.total_minor")
    row.locator("select[name$=-op]").select_option("gte")
    row.locator("input[name$=-value]").fill("30")
    page.get_by_role("button", name="Save the rule").click()
    page.wait_for_url("**/program/edit/")
    expect(page.get_by_role("link", name="Thank you")).to_be_visible()


def say_much(tenant: Tenant) -> None:
    """Give the check something to say that is longer than its card: a rule that is over and overlaps."""
    with tenant_scope(tenant):
        draft = ProgramRevision.objects.get(number=2)
        rule = next(each for each in draft.document["rules"] if each["name"] == "Thank you")
        when = {"order": "total_minor", "op": "gte", "value": 9000}
        over = {**rule, "key": "over", "name": "Over", "ends_at": "2020-01-01T00:00:00Z", "when": when}
        draft.document["rules"].append(over)
        draft.save(update_fields=["document"])


def simulate(page: Page, site: str, amount: str) -> str:
    """Return the points of a cart of one line."""
    page.goto(f"{site}/program/2/simulate/")
    page.locator("select[name=kind]").select_option("cart")
    page.locator("input[name=customer]").fill("Ann-C1")
    page.locator("textarea[name=cart]").fill(f"tea; 1; {amount}")
    with page.expect_navigation():
        page.get_by_role("button", name="Simulate").click()
    check_layout(page, "simulator")
    return page.locator("section.b-card header .b-badge").first.inner_text()


def test_from_the_first_rule_to_the_publication(
    browser: Browser, site: str, tenant: Tenant, actor: Actor
) -> None:
    page, watch = enter(browser, site, add_member(tenant, "marketer", actor))
    build(page, site)
    say_much(tenant)
    assert [simulate(page, site, amount) for amount in ("29.99", "30.00")] == ["+29", "+55"]
    page.goto(f"{site}/program/2/")
    expect(page.get_by_text("both pay").first).to_be_visible()
    check_layout(page, "revision")
    page.get_by_role("button", name="Rehearse").click()
    page.wait_for_url("**/jobs/**")
    assert work(tenant) >= 1
    page.goto(f"{site}/program/2/")
    expect(page.get_by_text("Thank you").first).to_be_visible()
    page.get_by_label("What changes and why").fill("Larger baskets")
    page.get_by_role("button", name="Send to review").click()
    expect(page.get_by_text("Sent to review. Somebody else approves it.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    owner, owner_watch = enter(browser, site, add_member(tenant, "owner", actor))
    owner.goto(f"{site}/program/2/")
    check_layout(owner, "review")
    owner.get_by_role("button", name="Approve").click()
    expect(owner.get_by_text("Approved. It can be published now.")).to_be_visible()
    owner.get_by_role("link", name="Publish").click()
    owner.locator("#content input[type=text], #content input[type=number]").first.fill("2")
    owner.get_by_role("button", name="Publish").click()
    owner.wait_for_url("**/program/")
    expect(owner.get_by_text("Thank you")).to_be_visible()
    assert (watch.complaints, owner_watch.complaints) == ([], [])
    page.context.close()
    owner.context.close()
    with tenant_scope(tenant):
        states = dict(ProgramRevision.objects.values_list("number", "state"))
        revision = ProgramRevision.objects.get(number=2)
    assert states == {1: "retired", 2: "published"}
    assert (revision.submitted_by, revision.reviewed_by) == (
        "marketer@acme.example.com", "owner@acme.example.com",
    )  # fmt: skip
