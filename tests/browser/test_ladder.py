"""The ladder in a browser: tiers are moved by keyboard and by mouse, wallets are unfolded."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rewards.models import ProgramRevision
from rewards.services import programs
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.browser.test_program import enter
from tests.browser.test_tour import check_layout
from tests.browser.workers import add_member
from tests.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]
LADDER = [
    {"key": key, "name": key.title(), "threshold_minor": 0, "thresholds": {"lessons": need} if need else {}}
    for key, need in (("base", 0), ("silver", 10), ("gold", 10))
]


@pytest.fixture
def site(live_server: Any, tenant: Tenant, actor: Actor) -> str:
    """A ladder by lessons, whose two upper steps are told apart by the second criterion only."""
    ladder = [*LADDER[:2], {**LADDER[2], "thresholds": {"lessons": 10, "orders": 1}}]
    criteria = [
        {"key": "lessons", "metric": "events", "event": "lesson"},
        {"key": "orders", "metric": "orders"},
    ]
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "tiers": ladder,
        "qualification": {"criteria": criteria, "combination": "all"},
    }
    with tenant_scope(tenant):
        draft = programs.save_draft(document=document, by=actor, at=NOW)
        programs.publish(revision=draft, by=actor, at=NOW)
    return f"{live_server.url}/t/acme"


def names(page: Page) -> list[str]:
    rows = page.locator("[data-sorts] > li")
    return [rows.nth(at).locator("input[name$=-name]").input_value() for at in range(rows.count())]


def orders(page: Page) -> list[str]:
    rows = page.locator("[data-sorts] > li")
    return [rows.nth(at).locator("input[name$=-ORDER]").input_value() for at in range(rows.count())]


def drag(page: Page, source: int, target: int) -> None:
    """Drag a row by its name to the upper edge of another one; both are in view at once."""
    page.set_viewport_size({"width": 1280, "height": 3000})
    rows = page.locator("[data-sorts] > li")
    grip, edge = rows.nth(source).locator(".b-title").bounding_box(), rows.nth(target).bounding_box()
    assert grip is not None
    assert edge is not None
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(edge["x"] + 40, edge["y"] + 40, steps=8)
    page.mouse.move(edge["x"] + 40, edge["y"] + 6, steps=4)
    page.mouse.up()


def test_tiers_are_moved_by_keyboard_and_by_mouse(
    browser: Browser, site: str, tenant: Tenant, actor: Actor
) -> None:
    page, watch = enter(browser, site, add_member(tenant, "marketer", actor))
    page.goto(f"{site}/program/ladder/")
    check_layout(page, "ladder")
    assert names(page) == ["Base", "Silver", "Gold", ""]
    page.locator("[data-sorts] > li").nth(1).locator("[data-moves=down]").focus()
    page.keyboard.press("Enter")
    assert (names(page), orders(page)) == (["Base", "Gold", "Silver", ""], ["1", "2", "3", ""])
    expect(page.locator("[data-sorts] > li").nth(2).locator("[data-moves=down]")).to_be_focused()
    drag(page, 2, 0)
    assert names(page) == ["Silver", "Base", "Gold", ""]
    page.locator("[data-sorts] > li").nth(0).locator("[data-moves=down]").click()
    page.get_by_role("button", name="Save and preview").click()
    page.wait_for_url("**/program/2/tiers/")
    with tenant_scope(tenant):
        tiers = ProgramRevision.objects.get(number=2).document["tiers"]
    assert [tier["key"] for tier in tiers] == ["base", "silver", "gold"]
    page.goto(f"{site}/program/edit/")
    page.locator(".b-wallet summary", has_text="When points can be spent").click()
    page.locator("select[name=wallets-0-pending]").select_option("days")
    page.locator("input[name=wallets-0-pending_days]").fill("14")
    check_layout(page, "wallets")
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_url("**/program/2/")
    expect(page.get_by_text("can be spent after 14 days").first).to_be_visible()

    page.goto(f"{site}/program/edit/")
    page.locator("[data-adds=wallets]").click()
    expect(page.locator("select[name=wallets-1-kind]")).to_be_visible()
    check_layout(page, "a second wallet")
    page.goto("about:blank")
    assert watch.complaints == []
    page.context.close()
