"""Support reads what was said, corrects the model, and wins an unhappy customer back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from crm.models import Feedback, FeedbackTopic, RecoveryCase
from crm.services import feedback
from crm.services.feedback import NewFeedback
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.browser.test_tour import Watch, check_layout, sign_in
from tests.conftest import NOW
from tests.crm.domain.test_topic_words import PARKING
from tests.loyalty_saas.backoffice.filling import add_customer, add_feedback

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL, PASSWORD = "support@acme.example.com", "correct horse battery"


def test_support_corrects_and_wins_back(
    browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    with tenant_scope(tenant):
        add_feedback(add_customer(actor, "Acme", 1), actor, "Acme")
        support = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Sam Vale")
        memberships.add(user=support, role=Role.SUPPORT, by=actor, at=NOW)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, live_server.url, EMAIL, PASSWORD)
    page.goto(f"{live_server.url}/t/acme/feedback/")
    check_layout(page, "feedback")
    expect(page.get_by_text("being read")).to_be_visible()
    page.get_by_role("button", name="This is negative").click()
    expect(page.get_by_text("corrected by staff")).to_be_visible()

    page.get_by_role("link", name="To win back: 1").click()
    check_layout(page, "recovery")
    page.locator("table").get_by_role("link", name="Open").click()
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("In progress")).to_be_visible()
    page.get_by_label("What came of it").select_option(label="Won back")
    page.get_by_label("Note").fill("Sent a new parcel")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    assert watch.complaints == []
    context.close()
    with tenant_scope(tenant):
        case = RecoveryCase.objects.get()
        assert (case.outcome, case.note, case.taken_by) == ("won_back", "Sent a new parcel", EMAIL)
        assert Feedback.objects.get().corrected is False


@pytest.mark.parametrize("width", [1440, 390])
def test_a_proposal_becomes_a_topic(
    width: int, browser: Browser, live_server: Any, tenant: Tenant, actor: Actor
) -> None:
    with tenant_scope(tenant):
        entries = [
            NewFeedback(kind="ticket", source_id=f"s{number}", occurred_at=NOW, text=text)
            for number, text in enumerate(PARKING)
        ]
        feedback.record(entries=entries, source="api", by=actor, at=NOW)
        support = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Sam Vale")
        memberships.add(user=support, role=Role.SUPPORT, by=actor, at=NOW)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, live_server.url, EMAIL, PASSWORD)
    page.goto(f"{live_server.url}/t/acme/feedback/")
    page.get_by_role("link", name="Topics").click()
    check_layout(page, "topics")
    page.get_by_role("link", name="Make a topic").click()
    check_layout(page, "topic")
    expect(page.get_by_label("Words")).to_have_value("garage\nparking")
    page.get_by_label("Name").fill("Parking")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Parking")).to_be_visible()
    expect(page.get_by_text("garage, parking").first).to_be_visible()
    check_layout(page, "topics")
    assert watch.complaints == []
    context.close()
    with tenant_scope(tenant):
        assert FeedbackTopic.objects.get().words == ["garage", "parking"]
