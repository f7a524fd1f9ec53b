"""A new owner sets a password, takes a starter program, watches the sample days, sees a living dashboard."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Browser, Page, expect

from rewards.domain.presets import PRESETS, traffic
from rewards.domain.presets.plans import Day
from rewards.services import preset_traffic
from tenants.models import Tenant, User
from tests.browser.test_tour import HEADINGS, WALKS, Watch, check_layout
from tests.browser.workers import PASSWORD, work
from tests.processes import PATIENCE_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]
OWNER = "mei@shop.example.com"
MEMBERS, DAYS, SEEN = 5, 16, 4


def opened(key: str, locale: str = "en") -> Tenant:
    """Open a tenant as operators do: an owner is invited, nothing else is there."""
    call_command(
        "create_tenant", f"new-{key}", "New", owner=OWNER, vertical=key, locale=locale,
        time_zone="Asia/Shanghai",
    )  # fmt: skip
    return Tenant.objects.get(slug=f"new-{key}")


def entered(browser: Browser, base: str) -> tuple[Page, Watch]:
    """Set the first password by the link that comes by e-mail, and sign in."""
    page = browser.new_context(**WALKS["light"]).new_page()  # type: ignore[arg-type]
    watch = Watch(page)
    page.goto(f"{base}/accounts/login/")
    page.locator("a[href*='password/reset']").click()
    keep(page, "reset")
    page.fill("input[name=email]", OWNER)
    page.locator("form .b-primary").click()
    page.wait_for_url("**/password/reset/done/")
    found = re.search(r"https?://\S+/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert found is not None
    page.goto(found[0])
    keep(page, "password")
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.locator("form .b-primary").click()
    page.wait_for_url("**/key/done/")
    keep(page, "password-set")
    page.locator("a.b-primary").click()
    page.fill("input[name=login]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.locator("form .b-primary").click()
    page.wait_for_url("**/t/**")
    return page, watch


def keep(page: Page, name: str) -> None:
    """Keep a picture for whoever wants to look."""
    if folder := os.environ.get("ONBOARDING_SCREENSHOTS"):
        page.wait_for_timeout(200)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def midway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """A few members and days; after the eighth the player waits until it is told to go on."""
    go_on, all_days, of_key = Event(), traffic.days, preset_traffic.preset

    def days(*given: Any, **named: Any) -> Iterator[Day]:
        for number, day in enumerate(all_days(*given, **named), start=1):
            if number > SEEN:
                assert go_on.wait(PATIENCE_SECONDS)
            yield day

    def few(key: str) -> Any:
        chosen = of_key(key)
        return replace(chosen, traffic=replace(chosen.traffic, members=MEMBERS, orders_per_week=1.5))

    monkeypatch.setattr(traffic, "DAYS", DAYS)
    monkeypatch.setattr(traffic, "days", days)
    monkeypatch.setattr(preset_traffic, "preset", few)
    yield go_on
    go_on.set()


def working(tenant: Tenant) -> int:
    try:
        return work(tenant)
    finally:
        connections.close_all()


def test_sample_days_fill_a_new_tenant(browser: Browser, live_server: Any, db: None, midway: Event) -> None:
    tenant = opened("ecommerce")
    page, watch = entered(browser, str(live_server.url))
    check_layout(page, "empty")
    keep(page, "empty")
    page.get_by_role("main").get_by_role("link", name="Getting started").click()
    page.wait_for_url("**/onboarding/")
    check_layout(page, "onboarding")
    keep(page, "onboarding")
    page.locator("input[name=preset][value=ecommerce]").check()
    page.locator("input[name=has_sample]").check()
    page.locator("button[name=install]").click()
    page.wait_for_url("**/jobs/**")
    with ThreadPoolExecutor(max_workers=1) as workers:
        done = workers.submit(working, tenant)
        try:
            expect(page.locator("#progress")).to_contain_text(f"{SEEN} / {DAYS}")
            share = str(100 * SEEN // DAYS)
            expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", share)
            check_layout(page, "progress")
            keep(page, "progress")
        finally:
            midway.set()
        # The sample days, and the preset's segments.
        assert done.result() == 2
    expect(page.locator("#progress .b-badge.b-good")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text(f"{DAYS} / {DAYS}")
    # Asked for, started and finished: the rest of the page has followed, too.
    expect(page.locator("#job dl.b-facts time")).to_have_count(3)
    keep(page, "played")
    for walk in ("light", "chinese", "phone"):
        look_around(browser, page, f"{live_server.url}/t/{tenant.slug}", walk)
    assert watch.complaints == []
    page.context.close()


def look_around(browser: Browser, page: Page, start: str, walk: str) -> None:
    """Find three of the five steps done, and a dashboard with members and their points."""
    context = browser.new_context(**WALKS[walk], storage_state=page.context.storage_state())  # type: ignore[arg-type]
    again = context.new_page()
    watch = Watch(again)
    again.goto(f"{start}/onboarding/")
    check_layout(again, "checklist")
    assert again.locator("ol.b-list .b-badge.b-good").count() == 3
    keep(again, f"{walk}-checklist")
    again.goto(f"{start}/")
    check_layout(again, "living")
    assert again.locator("h1").inner_text() == HEADINGS["dashboard"][walk == "chinese"]
    figure = again.locator(".b-kpi", has=again.locator("a[href$='/customers/']")).locator(".b-value")
    assert figure.last.inner_text() == str(MEMBERS)
    keep(again, f"{walk}-living")
    assert watch.complaints == []
    context.close()


@pytest.mark.parametrize(
    ("key", "walk"),
    [("social", "chinese"), ("education", "phone"), ("finance", "light"), ("healthcare", "light")],
)
def test_a_starter_program_for_each_vertical(
    key: str, walk: str, browser: Browser, live_server: Any, db: None
) -> None:
    tenant = opened(key, locale="zh-hans" if walk == "chinese" else "en")
    client = Client()
    client.force_login(User.objects.get(), backend="allauth.account.auth_backends.AuthenticationBackend")
    context = browser.new_context(**WALKS[walk])  # type: ignore[arg-type]
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": str(live_server.url)}])
    page = context.new_page()
    watch = Watch(page)
    page.goto(f"{live_server.url}/t/{tenant.slug}/onboarding/")
    check_layout(page, key)
    keep(page, f"{walk}-onboarding-{key}")
    # The vertical of the tenant is chosen already.
    expect(page.locator(f"input[name=preset][value={key}]")).to_be_checked()
    page.locator("button[name=install]").click()
    page.wait_for_url("**/program/")
    check_layout(page, key)
    with translation.override(tenant.locale):
        names = [gettext(rule["name"]) for rule in PRESETS[key].document(100)["rules"]]
    for rule in names:
        expect(page.get_by_text(rule, exact=True).first).to_be_visible()
    keep(page, f"{walk}-program-{key}")
    assert watch.complaints == []
    context.close()
