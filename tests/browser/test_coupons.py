"""An account manager makes a coupon and a batch of codes, and looks one of them up."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from rewards.models import CouponCode, CouponDefinition
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.browser.test_tour import WALKS, Watch, check_layout, sign_in
from tests.browser.workers import PASSWORD, add_member, work
from tests.rewards.publishing import publish_draft

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]


def test_a_batch_of_codes(browser: Browser, live_server: Any, tenant: Tenant, actor: Actor) -> None:
    email = add_member(tenant, "marketer", actor)
    context = browser.new_context(**WALKS["phone"])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, live_server.url, email, PASSWORD)
    coupons = f"{live_server.url}/t/acme/coupons/"

    page.goto(f"{coupons}campaigns/new/")
    page.get_by_label("Name").fill("Spring")
    page.get_by_label("Redemptions in all").fill("500")
    page.get_by_role("button", name="Save").click()
    waits = page.get_by_text("This waits in draft 1 and takes effect when that is published.")
    expect(waits).to_be_visible()
    page.goto(f"{coupons}campaigns/")
    page.locator("#waiting").get_by_role("link", name="Spring").click()
    check_layout(page, "campaign that waits")
    page.goto(f"{coupons}new/?campaign=spring")
    check_layout(page, "coupon form")
    page.get_by_label("Name").fill("Tea week")
    page.get_by_label("Percent").fill("15")
    page.get_by_label("Not these categories").fill("gifts")
    page.get_by_label("Pattern of codes").fill("TEA-####-####")
    page.get_by_role("button", name="Save").click()
    expect(waits).to_be_visible()
    publish_draft(tenant)

    page.goto(coupons)
    page.get_by_role("link", name="Code pools").click()
    page.locator(".b-head-actions").get_by_role("link", name="New code pool").click()
    check_layout(page, "pool form")
    page.get_by_label("Name").fill("Leaflets")
    page.get_by_label("Codes to make").fill("250")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The codes are being made; this page follows them.")).to_be_visible()
    assert work(tenant) == 1
    # The page asks every two seconds and stops when the pool is full.
    expect(page.get_by_role("button", name="CSV")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    codes = download.value.path().read_text().splitlines()
    assert (codes[0], len(codes), codes[1][:4]) == ("code,state,uses", 251, "TEA-")

    page.goto(f"{coupons}lookup/")
    page.get_by_placeholder("Type or scan a code").fill(codes[1].split(",")[0].lower())
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tea week (15% off)")).to_be_visible()
    check_layout(page, "lookup")
    assert watch.complaints == []
    context.close()
    with tenant_scope(tenant):
        made = CouponDefinition.objects.select_related("campaign").get()
        assert (made.percent_hundredths, made.excluded_categories) == (1500, ["gifts"])
        assert (made.campaign.name, CouponCode.objects.filter(definition=made).count()) == ("Spring", 250)  # type: ignore[union-attr]
