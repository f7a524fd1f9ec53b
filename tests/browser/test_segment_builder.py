"""A rule is built by clicks, on a desk and on a phone, and saved again it is the same rule."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.models import Segment
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.browser.test_duplicates import WALKS
from tests.browser.test_tour import Watch, check_layout, sign_in
from tests.conftest import NOW
from tests.crm import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL, PASSWORD = "owner@acme.example.com", "correct horse battery"
RULE = {
    "all": [
        {
            "event": "viewed",
            "then": {
                "event": "bought",
                "where": [{"property": "category", "op": "in", "value": ["red wine, dry", "port"]}],
            },
            "within_days": 7,
            "from": "2026-01-01",
        },
        {"bought": "spent_minor", "at_least": 2050, "at_most": 9000},
    ]
}


@pytest.mark.parametrize("walk", sorted(WALKS))
def test_a_rule_is_built_and_kept(
    walk: str, browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    with tenant_scope(tenant):
        factories.customer("c1")
        owner = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Robin Vale")
        memberships.add(user=owner, role=Role.OWNER, by=actor, at=NOW)
    context = browser.new_context(**WALKS[walk])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, live_server.url, EMAIL, PASSWORD)
    page.goto(f"{live_server.url}/t/acme/segments/new/")
    page.get_by_label("Name", exact=True).fill("Wine")
    _build(page)
    check_layout(page, "segment builder")
    page.get_by_role("button", name="Make the segment").click()
    expect(page.get_by_role("heading", name="Wine")).to_be_visible()
    with tenant_scope(tenant):
        assert Segment.objects.get().rule == RULE
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("#node-0-0-then_where_propvalue0")).to_have_value('"red wine, dry", port')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Wine")).to_be_visible()
    with tenant_scope(tenant):
        assert Segment.objects.get().rule == RULE
    assert watch.complaints == []
    context.close()


def _choose(page: Page, selector: str, value: str) -> None:
    """Choose once the last answer of the server is in place: until then nothing listens."""
    _await_listening(page, selector)
    page.select_option(selector, value)


def _await_listening(page: Page, selector: str) -> None:
    page.wait_for_selector(selector)
    page.wait_for_function("!document.querySelector('#tree.htmx-settling, #tree.htmx-swapping, .htmx-added')")


def _build(page: Page) -> None:
    _choose(page, "#node-0-0-what", "sequence")
    page.fill("#node-0-0-event", "viewed")
    page.fill("#node-0-0-then", "bought")
    for number in range(2):
        _await_listening(page, "#node-0-0-then")
        page.click("#node-0-0-then_where")
        page.wait_for_selector(f"#node-0-0-then_where_property{number}")
    page.locator("#node-0-0-then_where-drop1").click()
    expect(page.locator("#node-0-0-then_where_property1")).to_have_count(0)
    page.fill("#node-0-0-then_where_property0", "category")
    _choose(page, "#node-0-0-then_where_propop0", "in")
    page.fill("#node-0-0-then_where_propvalue0", '"red wine, dry", port')
    page.fill("#node-0-0-within", "7")
    _choose(page, "#node-0-0-window", "dates")
    page.fill("#node-0-0-from", "2026-01-01")
    page.click("#node-0-add")
    _choose(page, "#node-0-1-what", "bought")
    _choose(page, "#node-0-1-measure", "spent_minor")
    _choose(page, "#node-0-1-times", "between")
    page.fill("#node-0-1-most", "90")
    page.fill("#node-0-1-count", "20.50")
    page.wait_for_function("document.querySelector('#count .b-value').innerText === '0'")
