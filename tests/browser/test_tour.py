"""A walk through the back office in a real browser: light, dark, Chinese, and on a telephone.

``TOUR_SCREENSHOTS=1`` keeps the pictures of the light walk for ``docs/tour.md``; with ``TOUR_URL`` the walk
goes through a server that is running already (the demo), signed in as ``TOUR_EMAIL`` / ``TOUR_PASSWORD``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import add_customer, add_order, fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = Path(settings.BASE_DIR) / "docs" / "img"
EMAIL, PASSWORD = "owner@acme.example.com", "correct horse battery"
WALKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "color_scheme": "dark"},
    "chinese": {"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN", "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "locale": "en-GB", "color_scheme": "light"},
}
HEADINGS = {
    "dashboard": ("Dashboard", "仪表盘"),
    "customers": ("Customers", "客户"),
    "program": ("Program", "计划"),
    "models": ("Models", "模型"),
}


@pytest.fixture
def site(live_server: Any, tenant: Tenant, actor: Actor) -> str:
    """The address of a server whose tenant has one of everything, and its owner."""
    filled = fill(tenant, actor, "Acme")
    with tenant_scope(tenant):
        for number in range(2, 8):
            add_order(add_customer(actor, "Robin", number), actor, "Acme", number)
        owner = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Robin Vale")
        memberships.add(user=owner, role=Role.OWNER, by=actor, at=NOW)
    assert filled.tenant.slug == "acme"
    return str(live_server.url)


class Watch:
    """Everything a browser complains about: console errors, exceptions, refused or failed requests."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", lambda message: self._note(message.type in {"error", "warning"}, message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("response", lambda reply: self._note(reply.status >= 400, f"{reply.status} {reply.url}"))

    def _note(self, is_bad: bool, text: str) -> None:
        # HTMX reports a request that the page's own navigation ended; nothing is wrong then.
        if is_bad and text not in {"htmx:sendAbort", "htmx:afterRequest"}:
            self.complaints.append(text)


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("form button.b-primary")
    page.wait_for_url("**/t/**" if "TOUR_URL" not in os.environ else "**/*")


def picture(page: Page, name: str, walk: str) -> None:
    if os.environ.get("TOUR_SCREENSHOTS") == "1" and walk == "light":
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(300)
        page.screenshot(path=PICTURES / f"{name}.png")


def check_layout(page: Page, name: str) -> None:
    """Nothing scrolls sideways, there is one heading, a title, a way past the navigation."""
    # Between two documents there is none to measure.
    page.wait_for_function("document.documentElement && document.readyState === 'complete'")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert page.locator("h1").count() == 1, name
    assert page.title().strip(), name
    assert page.locator("a.b-skip[href='#content']").count() == 1, name
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')]
            .filter((one) => one.offsetParent && !one.textContent.trim())
            .filter((one) => !(one.ariaLabel || one.labels?.length || one.title))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == [], name


def tour(page: Page, start: str, walk: str) -> None:
    for name, path in {
        "dashboard": "/",
        "customers": "/customers/",
        "program": "/program/",
        "models": "/models/",
    }.items():
        page.goto(start + path)
        expected = HEADINGS[name][1 if walk == "chinese" else 0]
        assert page.locator("h1").inner_text() == expected
        check_layout(page, name)
        picture(page, name, walk)
    page.goto(f"{start}/customers/?sort=-revenue")
    page.locator("#list td a.b-title").first.click()
    page.wait_for_selector(".b-timeline")
    check_layout(page, "customer")
    picture(page, "customer", walk)
    for name in (
        "segments",
        "segments/new",
        "orders",
        "items",
        "imports",
        "rewards",
        "program/edit",
        "jobs",
        "team",
        "api-keys",
        "api-keys/new",
        "audit",
    ):
        page.goto(f"{start}/{name}/")
        check_layout(page, name)


@pytest.mark.parametrize("walk", sorted(WALKS))
def test_walk(walk: str, browser: Browser, site: str) -> None:
    base = os.environ.get("TOUR_URL", site)
    context: BrowserContext = browser.new_context(**WALKS[walk])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, base, os.environ.get("TOUR_EMAIL", EMAIL), os.environ.get("TOUR_PASSWORD", PASSWORD))
    tour(page, f"{base}/t/{os.environ.get('TOUR_TENANT', 'acme')}", walk)
    assert page.evaluate("document.documentElement.classList.contains('dark')") is (walk == "dark")
    assert watch.complaints == []
    context.close()


def test_search_palette_dialogs_and_live_filter(browser: Browser, site: str) -> None:
    context = browser.new_context(**WALKS["light"])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, site, EMAIL, PASSWORD)
    page.keyboard.press("Control+k")
    page.keyboard.type("Robin")
    expect(page.locator("#palette-results a")).to_have_count(6)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/*/")
    page.keyboard.press("Control+k")
    page.keyboard.type("Robin")
    page.keyboard.press("Escape")
    assert not page.locator("#palette").evaluate("dialog => dialog.open")
    page.goto(f"{site}/t/acme/customers/")
    page.fill("input[name=q]", "Acme")
    page.wait_for_url("**q=Acme**")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    page.goto(f"{site}/t/acme/segments/new/")
    page.select_option("#node-0-0-what", "orders:count")
    page.select_option("#node-0-0-op", "gte")
    page.fill("#node-0-0-value", "1")
    page.wait_for_function("document.querySelector('#count .b-value').innerText === '7'")
    page.goto(f"{site}/t/acme/models/")
    page.click("[data-opens=train-all]")
    assert page.locator("#train-all").evaluate("dialog => dialog.open")
    page.keyboard.press("Escape")
    assert watch.complaints == []
    context.close()


def test_removing_asks_for_the_name_and_theme_and_language_stay(browser: Browser, site: str) -> None:
    context = browser.new_context(**WALKS["light"])  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, site, EMAIL, PASSWORD)
    page.goto(f"{site}/t/acme/api-keys/")
    page.locator("td a.b-danger-text").first.click()
    assert page.locator("button.b-danger").is_disabled()
    page.fill("input[name=confirmation]", "Acme key 1")
    page.click("button.b-danger")
    page.wait_for_selector(".b-message.b-success")
    page.click(".b-person summary")
    page.locator(".b-person .b-segmented button").nth(1).click()
    page.locator(".b-person button[value=zh-hans]").click()
    page.wait_for_selector("text=API 密钥")
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    assert page.evaluate("document.documentElement.classList.contains('dark')")
    assert watch.complaints == []
    context.close()
