"""The event debugger in a real browser: events appear by themselves, a reject is corrected and accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from crm.domain.events import NewEvent
from crm.models import Event
from crm.services import ingest
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.clients.conftest import packages
from tests.conftest import NOW, key_for
from tests.processes import wait_until

__all__ = ["packages"]  # a fixture, asked for by its name
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL, PASSWORD = "owner@acme.example.com", "correct horse battery"


@pytest.fixture
def page(browser: Browser, live_server: Any, tenant: Tenant, actor: Actor) -> Iterator[Page]:
    with tenant_scope(tenant):
        owner = User.objects.create_user(email=EMAIL, password=PASSWORD)
        memberships.add(user=owner, role=Role.OWNER, by=actor, at=NOW)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    yield page
    context.close()


def send(tenant: Tenant, actor: Actor, message_id: str, **identity: str) -> None:
    with tenant_scope(tenant):
        now = timezone.now()
        event = NewEvent(message_id, "quiz_passed", now, **identity)  # type: ignore[arg-type]
        ingest.accept(batch=[event], by=actor, at=now)


def test_events_appear_and_a_reject_is_corrected(
    page: Page, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    page.goto(f"{live_server.url}/t/acme/events/")
    expect(page.get_by_text("No events yet")).to_be_visible()
    send(tenant, actor, "first", external_id="c1")
    send(tenant, actor, "wrong", email="nobody")
    expect(page.locator("#tail")).to_contain_text("first")
    expect(page.locator("#tail")).to_contain_text("customer cannot be read")

    page.get_by_role("link", name="Correct and send again").click()
    editor = page.locator("textarea[name=payload]")
    editor.fill(editor.input_value().replace("nobody", "ann@example.com"))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("The event was accepted.")).to_be_visible()
    with tenant_scope(tenant):
        assert Event.objects.count() == 2


def test_segments_browser_library_delivers_from_another_origin(
    browser: Browser, live_server: Any, tenant: Tenant, actor: Actor, packages: Any
) -> None:
    key = key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE)
    port = live_server.url.rpartition(":")[2]
    host = f"127.0.0.1:{port}"
    # Our own pages forbid foreign scripts and hosts; this one plays a shop that does not.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"http://localhost:{port}/healthz")
    page.add_script_tag(path=packages / "node_modules/@segment/analytics-next/dist/umd/index.js")
    page.evaluate(
        """async ([key, host]) => {
            const [analytics] = await AnalyticsNext.AnalyticsBrowser.load(
              { writeKey: key, cdnURL: `http://${host}` },
              { integrations: { 'Segment.io': { apiHost: `${host}/v1`, protocol: 'http' } } })
            await analytics.identify('web-user', { plan: 'pro' })
            for (let n = 0; n < 5; n += 1) await analytics.track('Product Viewed', { sku: `S${n}` })
        }""",
        [key, host],
    )
    with tenant_scope(tenant):
        wait_until(lambda: Event.objects.count() >= 6)
        assert Event.objects.filter(name="product_viewed", customer__external_id="web-user").count() == 5
        assert Event.objects.count() == 6
    context.close()
