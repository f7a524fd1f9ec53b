"""From signing in, or signing up, to a tenant of one's own that lives: one way for every vertical."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from rewards.domain.presets import traffic
from rewards.services import preset_traffic
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.services import sign_ups
from tenants.services.attempt_counts import AttemptCounts
from tests.browser.test_onboarding import keep
from tests.browser.test_tour import HEADINGS, WALKS, Watch, check_layout, sign_in
from tests.browser.workers import PASSWORD, add_member, work

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]
MEMBERS, DAYS = 5, 16
SLOW = 20_000


@pytest.fixture(autouse=True)
def _open(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tenants be opened, and a few members live a few days in them."""
    settings.OWNERS_OPEN_TENANTS = settings.SIGNUP_OPEN = True
    of_key = preset_traffic.preset

    def few(key: str) -> Any:
        chosen = of_key(key)
        return replace(chosen, traffic=replace(chosen.traffic, members=MEMBERS))

    monkeypatch.setattr(traffic, "DAYS", DAYS)
    monkeypatch.setattr(preset_traffic, "preset", few)
    monkeypatch.setattr(sign_ups, "_counts", AttemptCounts("memory://"))


def opened(browser: Browser, walk: str) -> tuple[Page, Watch]:
    page = browser.new_context(**WALKS[walk], timezone_id="Asia/Shanghai").new_page()  # type: ignore[arg-type]
    page.set_default_timeout(SLOW)
    return page, Watch(page)


def describe(page: Page, key: str) -> None:
    """Say what the tenant is; the address is proposed from its name, the zone by the browser."""
    page.fill("input[name=name]", f"Novum {key}")
    expect(page.locator("input[name=slug]")).to_have_value(f"novum-{key}")
    expect(page.locator("select[name=time_zone]")).to_have_value("Asia/Shanghai")
    page.select_option("select[name=currency]", "CNY")
    page.select_option("select[name=vertical]", key)


def live(page: Page, key: str, walk: str) -> None:
    """Take the preset with samples, watch them, and find the members on the dashboard."""
    page.wait_for_url(f"**/t/novum-{key}/onboarding/")
    check_layout(page, "onboarding")
    expect(page.locator(f"input[name=preset][value={key}]")).to_be_checked()
    keep(page, f"new-{walk}-{key}-onboarding")
    page.locator("input[name=has_sample]").check()
    page.locator("button[name=install]").click()
    page.wait_for_url("**/jobs/**")
    assert work(Tenant.objects.get(slug=f"novum-{key}")) >= 1
    expect(page.locator("#progress .b-badge.b-good")).to_be_visible(timeout=SLOW)
    page.goto(f"{page.url.partition('/jobs/')[0]}/")
    check_layout(page, "dashboard")
    assert page.locator("h1").inner_text() == HEADINGS["dashboard"][walk == "chinese"]
    figure = page.locator(".b-kpi", has=page.locator("a[href$='/customers/']")).locator(".b-value")
    assert figure.last.inner_text() == str(MEMBERS)
    keep(page, f"new-{walk}-{key}-dashboard")


@pytest.mark.parametrize(
    ("key", "walk"),
    [
        ("ecommerce", "light"),
        ("social", "chinese"),
        ("education", "phone"),
        ("finance", "dark"),
        ("healthcare", "chinese"),
    ],
)
def test_an_owner_opens_a_tenant_of_each_vertical(
    key: str, walk: str, browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    email = add_member(tenant, "owner", actor)
    page, watch = opened(browser, walk)
    sign_in(page, str(live_server.url), email, PASSWORD)
    page.goto(f"{live_server.url}/?choose=1")
    check_layout(page, "chooser")
    keep(page, f"new-{walk}-chooser")
    page.locator("a[href='/tenants/new/']").click()
    page.wait_for_url("**/tenants/new/")
    describe(page, key)
    check_layout(page, "new")
    keep(page, f"new-{walk}-{key}-form")
    page.locator("form .b-primary").click()
    live(page, key, walk)
    assert watch.complaints == []
    page.context.close()


def test_the_keyboard_alone_opens_a_tenant(
    browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    page, watch = opened(browser, "light")
    sign_in(page, str(live_server.url), add_member(tenant, "owner", actor), PASSWORD)
    page.goto(f"{live_server.url}/tenants/new/")
    page.locator("input[name=name]").focus()
    page.keyboard.type("Novum")
    # Typing in the name goes on while the proposal arrives.
    expect(page.locator("input[name=slug]")).to_have_value("novum")
    page.keyboard.type(" social")
    expect(page.locator("input[name=slug]")).to_have_value("novum-social")
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/novum-social/onboarding/")
    assert watch.complaints == []
    page.context.close()


@pytest.mark.parametrize("walk", ["phone", "chinese", "dark"])
def test_a_stranger_signs_up(walk: str, browser: Browser, live_server: Any, tenant: Tenant) -> None:
    page, watch = opened(browser, walk)
    page.goto(f"{live_server.url}/accounts/login/")
    page.locator("a[href='/signup/']").click()
    page.wait_for_url("**/signup/")
    page.fill("input[name=email]", "mei@novum.example.com")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    describe(page, "education")
    check_layout(page, "sign-up")
    keep(page, f"sign-up-{walk}")
    page.locator("form .b-primary").click()
    page.wait_for_url("**/signup/sent/")
    check_layout(page, "sent")
    keep(page, f"sign-up-{walk}-sent")
    found = re.search(r"https?://\S+/signup/confirm/\S+", str(mail.outbox[-1].body))
    assert found is not None
    page.goto(found[0])
    check_layout(page, "confirm")
    keep(page, f"sign-up-{walk}-confirm")
    page.fill("input[name=password]", PASSWORD)
    page.locator("form .b-primary").click()
    live(page, "education", walk)
    assert watch.complaints == []
    page.context.close()
