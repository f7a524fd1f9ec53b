"""Fields that search, by keyboard: what is typed is looked up, arrows choose, Enter takes, Escape closes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tenants.domain.actors import Actor
from tenants.models import Tenant
from tests.browser.test_tour import WALKS, Watch, check_layout, sign_in
from tests.browser.workers import PASSWORD, add_member
from tests.loyalty_saas.backoffice.test_choices import many_coupons

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]


def test_a_coupon_is_found_and_taken_by_keyboard(
    browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    many_coupons(tenant, 60)
    context = browser.new_context(**WALKS["phone"])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, live_server.url, add_member(tenant, "owner", actor), PASSWORD)
    page.goto(f"{live_server.url}/t/acme/rewards/new/")
    field, found = page.locator("input[name=coupon]"), page.locator("#id_coupon_found")

    field.focus()
    page.keyboard.type("number 4")
    expect(found.get_by_role("option")).to_have_count(12)
    check_layout(page, "open list")
    page.keyboard.type("2")
    expect(found.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "id_coupon_found_0")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Offer number 42 (many-42)")
    expect(found).to_be_hidden()
    assert page.url.endswith("/rewards/new/")

    page.keyboard.press("ArrowDown")
    expect(found).to_be_visible()
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(field).to_be_focused()
    assert watch.complaints == []
    context.close()
