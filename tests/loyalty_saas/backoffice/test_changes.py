"""What staff change through pages: each goes through its service, once, with a message."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from crm.models import Segment
from rewards.models import Account, LedgerTransaction, Reward
from tenants.domain.permissions import Permission, Role
from tenants.models import ApiKey, Job, Membership
from tenants.scope import tenant_scope
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address
from tests.rewards.publishing import publish_draft


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def adjustment(client: Client, filled: Filled, **changes: str) -> dict[str, str]:
    form = client.get(address("points_adjust", filled)).context["form"]
    body = {"wallet": "points", "direction": "give", "points": "40", "reason": "Late delivery"}
    return {**body, "token": form["token"].value(), **changes}


def test_adjustment_sent_twice_is_posted_once(filled: Filled, staff: Client) -> None:
    body = adjustment(staff, filled)
    with tenant_scope(filled.tenant):
        before = Account.objects.get(customer=filled.customer).available
    first = staff.post(address("points_adjust", filled), body)
    second = staff.post(address("points_adjust", filled), body)
    assert first.status_code == second.status_code == 302
    assert said(first) == [f"Posted. The balance is now {before + 40} points."]
    with tenant_scope(filled.tenant):
        assert Account.objects.get(customer=filled.customer).available == before + 40
        assert LedgerTransaction.objects.filter(kind="adjust", reason="Late delivery").count() == 1


def test_a_fresh_form_posts_again(filled: Filled, staff: Client) -> None:
    for _time in range(2):
        staff.post(address("points_adjust", filled), adjustment(staff, filled))
    with tenant_scope(filled.tenant):
        assert LedgerTransaction.objects.filter(reason="Late delivery").count() == 2


def test_taking_more_than_there_is_says_so_and_keeps_the_form(filled: Filled, staff: Client) -> None:
    body = adjustment(staff, filled, direction="take", points="99999")
    response = staff.post(address("points_adjust", filled), body)
    assert response.status_code == 422
    assert "The customer does not have enough points." in response.content.decode()
    assert 'value="99999"' in response.content.decode()


def test_reason_is_needed(filled: Filled, staff: Client) -> None:
    response = staff.post(address("points_adjust", filled), adjustment(staff, filled, reason=" "))
    assert response.context["form"].errors == {"reason": ["This field is required."]}


def test_last_owner_cannot_step_down_or_be_removed(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        owner = Membership.objects.select_related("user").get(role=Role.OWNER)
    response = staff.post(f"/t/acme/team/{owner.public_id}/role/", {"role": "analyst"})
    assert said(response) == ["A tenant needs at least one owner. Make somebody else an owner first."]
    staff.post(f"/t/acme/team/{owner.public_id}/remove/", {"confirmation": owner.user.email})
    with tenant_scope(filled.tenant):
        assert Membership.objects.get(pk=owner.pk).role == Role.OWNER


def test_removal_needs_the_typed_address(filled: Filled, staff: Client) -> None:
    assert staff.post(address("team_remove", filled), {"confirmation": "no"}).status_code == 422
    assert (
        staff.post(address("team_remove", filled), {"confirmation": "ownmark@example.com"}).status_code == 302
    )
    with tenant_scope(filled.tenant):
        assert not Membership.objects.filter(pk=filled.member.pk).exists()


def test_invited_person_gets_the_role(filled: Filled, staff: Client) -> None:
    staff.post(address("team_invite", filled), {"email": "New@Example.com", "name": "New", "role": "support"})
    with tenant_scope(filled.tenant):
        assert Membership.objects.get(user__email="new@example.com").role == Role.SUPPORT


def test_key_is_shown_once_and_works_nowhere_after_revoking(filled: Filled, staff: Client) -> None:
    body = {"name": "Shop", "kind": "sk", "scopes": ["customers:view"], "lifetime": "30"}
    response = staff.post(address("api_key_create", filled), body)
    found = re.search(r'id="key-text">(sk_[\w-]+)<', response.content.decode())
    assert found is not None
    text = found.group(1)
    assert response["Cache-Control"] == "no-store"
    with tenant_scope(filled.tenant):
        key = ApiKey.objects.get(name="Shop")
    assert key.scopes == [Permission.CUSTOMERS_VIEW]
    assert text not in staff.get(address("api_keys", filled)).content.decode()
    headers = {"Authorization": f"Bearer {text}"}
    assert Client().get("/api/v1/customers", headers=headers).status_code == 200
    wrong = staff.post(f"/t/acme/api-keys/{key.public_id}/revoke/", {"confirmation": "shop"})
    assert wrong.status_code == 422
    staff.post(f"/t/acme/api-keys/{key.public_id}/revoke/", {"confirmation": "Shop"})
    assert Client().get("/api/v1/customers", headers=headers).status_code == 401


def test_reward_is_made_and_changed(filled: Filled, staff: Client) -> None:
    body = {
        "name": "礼品卡",
        "kind": "gift_card",
        "wallet": "points",
        "cost_points": "500",
        "is_active": "on",
    }
    staff.post(address("reward_create", filled), body)
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        reward = Reward.objects.get(name="礼品卡")
    assert (reward.key, reward.stock, reward.is_active) == ("item", None, True)
    staff.post(f"/t/acme/rewards/{reward.public_id}/", body | {"stock": "3", "cost_points": "450"})
    with tenant_scope(filled.tenant):
        assert Reward.objects.values_list("stock", "cost_points").get(key="item") == (3, 500)
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        changed = Reward.objects.get(key="item")
    assert (changed.stock, changed.cost_points, changed.pk) == (3, 450, reward.pk)
    # The form was opened with three in stock; one is sold before it comes back with another name.
    with tenant_scope(filled.tenant):
        Reward.objects.update(stock=2)
    path = f"/t/acme/rewards/{reward.public_id}/"
    assert b'name="initial-stock"' in staff.get(path).content
    staff.post(path, body | {"stock": "3", "initial-stock": "3", "name": "礼品"})
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        assert Reward.objects.values_list("name", "stock").get(key="item") == ("礼品", 2)
    staff.post(path, body | {"stock": "9", "initial-stock": "3"})
    with tenant_scope(filled.tenant):
        assert Reward.objects.get(key="item").stock == 9


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"valid_until": "9999-12-31"}, "valid_until"),
        ({"valid_from": "0001-01-01"}, "valid_from"),
        ({"cost_points": "9" * 20}, "cost_points"),
        ({"stock": "9" * 11}, "stock"),
        ({"limit_per_customer": "9" * 11}, "limit_per_customer"),
    ],
)
def test_a_reward_names_the_field_that_does_not_fit(
    filled: Filled, staff: Client, wrong: dict[str, str], field: str
) -> None:
    body = {"name": "Mug", "kind": "product", "wallet": "points", "cost_points": "5", **wrong}
    answer = staff.post(address("reward_create", filled), body)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])


def test_static_segment_takes_ids_and_names_what_is_missing(filled: Filled, staff: Client) -> None:
    body = {"name": "Hand-picked", "description": "", "customers": "Ownmark-C1\nnobody@example.com"}
    response = staff.post(address("segment_create_static", filled), body)
    assert said(response) == ["Not found and left out: nobody@example.com"]
    with tenant_scope(filled.tenant):
        assert Segment.objects.get(name="Hand-picked").member_count == 1


def test_training_starts_a_job_once(filled: Filled, staff: Client) -> None:
    staff.post(address("models_train", filled), {"model": "churn"})
    again = staff.post(address("models_train", filled), {"model": "churn"})
    assert said(again)[-1] == "A training waits or runs already."
    with tenant_scope(filled.tenant):
        job = Job.objects.get(kind="recommendations.train")
    assert (job.params, job.state) == ({"model": "churn"}, "queued")


def test_queued_job_is_cancelled(filled: Filled, staff: Client) -> None:
    staff.post(address("job_cancel", filled))
    with tenant_scope(filled.tenant):
        assert Job.objects.get(pk=filled.job.pk).state == "cancelled"
    assert "hx-get" not in staff.get(address("job_progress", filled)).content.decode()


def test_a_jobs_page_follows_the_job_to_its_end(filled: Filled, staff: Client) -> None:
    live = address("job_live", filled)
    assert f'hx-get="{live}"' in staff.get(address("job", filled)).content.decode()
    began = datetime(2026, 3, 14, 12, tzinfo=UTC)
    with tenant_scope(filled.tenant):
        Job.objects.filter(pk=filled.job.pk).update(
            state=Job.State.SUCCEEDED, started_at=began, finished_at=began + timedelta(minutes=5), attempts=3,
            result={"members": 17},
        )  # fmt: skip
    ended = staff.get(live).content.decode()
    assert "hx-get" not in ended
    for shown in (
        '<time datetime="2026-03-14T12:00:00+00:00">', '<time datetime="2026-03-14T12:05:00+00:00">',
        "<dd>3</dd>", "<dt>Members</dt><dd>17</dd>",
    ):  # fmt: skip
        assert shown in ended


def test_language_is_remembered(filled: Filled, staff: Client) -> None:
    response = staff.post("/i18n/setlang/", {"language": "zh-hans", "next": "/t/acme/customers/"})
    assert response["Location"] == "/t/acme/customers/"
    page = staff.get(address("customers", filled)).content.decode()
    assert "客户" in page
    assert 'lang="zh-hans"' in page


def test_badge_tells_a_test_server_from_the_real_one(filled: Filled, staff: Client, settings: Any) -> None:
    for is_debug, word in ((False, "Live"), (True, "Test")):
        settings.DEBUG = is_debug
        page = staff.get(address("team", filled)).content.decode()
        assert f'aria-hidden="true"></span>{word}</span>' in page
