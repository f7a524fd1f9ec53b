"""Points by hand above a role's limit wait for a second person; the liability follows what was posted."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rewards.models import Account, AdjustmentRequest, ProgramRevision
from rewards.services import starter
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.browser.test_tour import WALKS, Watch, check_layout, sign_in
from tests.browser.workers import PASSWORD, add_member
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import add_customer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def profile(tenant: Tenant, actor: Actor) -> str:
    """The path of a customer in a program whose supporters may move 100 points at once."""
    with tenant_scope(tenant):
        starter.install_starter(by=actor, at=NOW, category_percent={}, rewards=[])
        revision = ProgramRevision.objects.get()
        wallet = {
            **revision.document["wallets"][0],
            "adjustment_limits": {"support": 100}, "thousand_points_minor": 1000,
        }  # fmt: skip
        ProgramRevision.objects.update(document={**revision.document, "wallets": [wallet]})
        return f"/t/acme/customers/{add_customer(actor, 'Ann', 1).public_id}/"


def enter(browser: Browser, base: str, email: str, walk: str = "light") -> tuple[Page, Watch]:
    page = browser.new_context(**WALKS[walk]).new_page()  # type: ignore[arg-type]
    watch = Watch(page)
    sign_in(page, base, email, PASSWORD)
    return page, watch


def test_a_second_person_approves(
    browser: Browser, live_server: Any, tenant: Tenant, actor: Actor, profile: str
) -> None:
    support, support_watch = enter(browser, live_server.url, add_member(tenant, "support", actor))
    support.goto(f"{live_server.url}{profile}adjust/")
    check_layout(support, "adjust")
    support.get_by_label("Points", exact=True).fill("750")
    support.get_by_label("Reason").fill("Lost parcel")
    support.get_by_role("button", name="Post the adjustment").click()
    expect(support.get_by_text("your request waits for approval")).to_be_visible()
    support.goto(f"{live_server.url}/t/acme/points/adjustments/")
    expect(support.get_by_text("Lost parcel")).to_be_visible()
    expect(support.get_by_role("button", name="Approve")).to_have_count(0)
    with tenant_scope(tenant):
        assert not Account.objects.exists()

    owner, watch = enter(browser, live_server.url, add_member(tenant, "owner", actor))
    owner.goto(f"{live_server.url}/t/acme/liability/")
    expect(owner.get_by_text("No open points.").first).to_be_visible()
    owner.goto(f"{live_server.url}/t/acme/points/adjustments/")
    check_layout(owner, "adjustments")
    owner.get_by_role("button", name="Reject").click()
    expect(owner.get_by_text("Say why you refuse")).to_be_visible()
    owner.get_by_label("Note").fill("The carrier confirms it")
    owner.get_by_role("button", name="Approve").click()
    expect(owner.get_by_text("Approved and posted.")).to_be_visible()
    expect(owner.get_by_text("Nothing waits")).to_be_visible()

    owner.goto(f"{live_server.url}/t/acme/liability/")
    check_layout(owner, "liability")
    assert owner.locator("dl dd.b-value").all_inner_texts() == ["750", "$7.50", "$7.50"]
    rows = owner.get_by_role("row").filter(has=owner.get_by_role("rowheader", name="up to 3 months"))
    expect(rows).to_contain_text("750")
    assert (support_watch.complaints, watch.complaints) == ([], [])
    support.context.close()
    owner.context.close()
    with tenant_scope(tenant):
        request = AdjustmentRequest.objects.get()
        assert (request.state, request.requested_by, request.decided_by) == (
            "approved", "support@acme.example.com", "owner@acme.example.com",
        )  # fmt: skip
