"""Fields that choose among many: searched, found by name or key on saving, never a page of options."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from rewards.models import CouponDefinition, CouponKind, ProgramRevision
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW, signed_in
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address

pytestmark = pytest.mark.django_db
FORMS = (
    "reward_create", "coupon_create", "coupon_campaign_create", "coupon_pool_create", "referral_settings",
    "program_rule", "program_challenge", "program_ladder", "program_brake",
)  # fmt: skip


def many_coupons(tenant: Tenant, count: int = 400) -> None:
    with tenant_scope(tenant):
        CouponDefinition.objects.bulk_create(
            CouponDefinition(
                key=f"many-{number}", name=f"Offer number {number}", kind=CouponKind.PERCENT,
                percent_hundredths=1000, created_at=NOW, updated_at=NOW,
            )
            for number in range(count)
        )  # fmt: skip


def reward(**given: Any) -> dict[str, Any]:
    return {"name": "Voucher", "kind": "coupon", "wallet": "points", "cost_points": "10", **given}


def offered(tenant: Tenant) -> dict[str, Any]:
    with tenant_scope(tenant):
        document = ProgramRevision.objects.get(state="draft").document
    return {entry["key"]: entry for entry in document["rewards"]}


@pytest.mark.parametrize("name", FORMS)
def test_no_form_lists_hundreds_of_objects(name: str, filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant)
    page = staff.get(address(name, filled)).content.decode()
    assert len(re.findall(r"<option|type=.checkbox", page)) < 200
    assert "Offer number 7" not in page


def test_the_list_holds_what_fits_and_says_that_there_is_more(filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant)
    path = address("choices", filled)
    found = staff.get(path, {"q": "MANY-39"}).content.decode()
    assert re.findall(r'data-key="([^"]+)"', found) == [
        f"many-{number}" for number in (*range(399, 389, -1), 39)
    ]
    assert "type to narrow" not in found
    assert "type to narrow" in staff.get(path).content.decode()
    assert "Nothing found" in staff.get(path, {"q": "no such offer"}).content.decode()
    assert staff.get("/t/acme/choices/no-such/").status_code == 404


@pytest.mark.parametrize("typed", ["many-41", "Offer number 41", "Offer number 41 (many-41)", "NUMBER 41"])
def test_a_key_a_name_or_both_are_understood(typed: str, filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant, 60)
    answer = staff.post(address("reward_create", filled), reward(coupon=typed))
    assert answer.status_code == 302, answer.context["form"].errors
    assert offered(filled.tenant)["voucher"]["coupon"] == "many-41"
    form = staff.get("/t/acme/rewards/draft/voucher/").content.decode()
    assert 'value="Offer number 41 (many-41)"' in form


@pytest.mark.parametrize(
    ("typed", "says"),
    [("number 4", "Which one? "), ("no such offer", "Nothing is called “no such offer”.")],
)
def test_what_is_not_clear_is_asked_for(typed: str, says: str, filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant, 60)
    answer = staff.post(address("reward_create", filled), reward(coupon=typed))
    (error,) = answer.context["form"].errors["coupon"]
    assert (answer.status_code, error.startswith(says)) == (422, True), error
    assert f'value="{typed}"' in answer.content.decode()


def test_another_tenants_objects_are_not_found(filled: Filled, other_filled: Filled, staff: Client) -> None:
    many_coupons(other_filled.tenant)
    assert "many-1" not in staff.get(address("choices", filled), {"q": "Offer"}).content.decode()
    answer = staff.post(address("reward_create", filled), reward(coupon="many-1"))
    assert list(answer.context["form"].errors) == ["coupon"]


def test_several_are_ticked_and_one_more_is_typed(filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant, 60)
    values = {"name": "Autumn", "period": "month", "definitions": ["many-1", "many-2"]}
    answer = staff.post(
        address("coupon_campaign_create", filled), {**values, "definitions-more": "Offer number 17"}
    )
    assert answer.status_code == 302, answer.context["form"].errors
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(state="draft").document
    coupons = {each["key"]: each["coupons"] for each in document["coupon_campaigns"]}
    assert coupons["autumn"] == ["many-1", "many-17", "many-2"]
    form = staff.get("/t/acme/coupons/campaigns/draft/autumn/").content.decode()
    ticked = re.findall(r'name="definitions" value="([^"]+)" checked', form)
    assert ticked == ["many-1", "many-17", "many-2"]


def test_what_a_rule_also_gives_is_named_by_its_kind(filled: Filled, staff: Client) -> None:
    many_coupons(filled.tenant, 60)
    path = address("program_rule", filled)
    shown = staff.get(path).context
    values = {name: shown["form"][name].value() for name in shown["form"].fields}
    body = {name: value for name, value in values.items() if value not in (None, False, "")}
    for prefix in ("conditions", "lines", "grants", "caps"):
        body |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    body |= {"grants-TOTAL_FORMS": "1", "grants-0-kind": "coupon", "grants-0-key": "Offer number 23"}
    answer = staff.post(path, body)
    assert answer.status_code == 302, [answer.context["form"].errors, answer.context["grants"].errors]
    with tenant_scope(filled.tenant):
        rules = ProgramRevision.objects.get(state="draft").document["rules"]
    effects = [effect for rule in rules for effect in rule["effects"] if effect["type"] == "coupon"]
    assert effects == [{"type": "coupon", "coupon": "many-23"}]
    assert 'value="Offer number 23 (many-23)"' in staff.get(path).content.decode()


def test_a_search_needs_what_its_objects_need(filled: Filled, actor: Actor) -> None:
    support = signed_in(filled.tenant, actor, Role.SUPPORT)
    assert support.get("/t/acme/choices/brake/").status_code == 403
    assert support.get("/t/acme/choices/reward/").status_code == 200
