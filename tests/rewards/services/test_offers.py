"""Rewards, coupons and the referral of a program: published, rolled back, never changed in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from crm.models import Segment
from rewards.domain.documents import json_schema, parse, to_json
from rewards.domain.offers import ReferralTerms
from rewards.domain.offers import RewardKind as OfferedKind
from rewards.models import (
    CouponDefinition,
    CouponKind,
    ProgramRevision,
    ReferralProgram,
    Reward,
    RewardKind,
    Wallet,
)
from rewards.services import catalogue, offer_drafts, program_reviews, programs, referral_programs
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms
from rewards.services.errors import GovernedByProgram
from rewards.services.offer_drafts import NoProgramYet
from rewards.services.referral_programs import ProgramTerms
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db


def document(**changes: Any) -> dict[str, Any]:
    return {
        "wallets": [{"key": "points", "name": "Points"}, {"key": "gems", "name": "Gems"}],
        "tiers": [{"key": "gold", "name": "Gold", "threshold_minor": 0}],
        "coupons": [
            {"key": "ten", "name": "Ten percent", "kind": "percent", "percent_hundredths": 1000,
             "uses_per_code": None, "weekdays": [6, 7], "valid_until": "2026-12-31T23:00:00+00:00"},
        ],
        "rewards": [
            {"key": "mug", "name": "Mug", "wallet": "points", "cost_points": 300, "kind": "product",
             "prices": {"gems": 3}, "tiers": ["gold"], "stock": 7},
            {"key": "code", "name": "A code", "wallet": "points", "cost_points": 50, "kind": "coupon",
             "coupon": "ten"},
        ],
        "referral": {"referrer_points": 100, "referee_kind": "coupon", "referee_coupon": "ten",
                     "upper_points": [20]},
        **changes,
    }  # fmt: skip


def publish(written: dict[str, Any]) -> ProgramRevision:
    draft = programs.save_draft(document=written, by=SYSTEM, at=NOW)
    return programs.publish(revision=draft, by=SYSTEM, at=NOW)


def test_the_sections_survive_the_round_trip_and_fit_the_schema() -> None:
    revision = parse(document())
    written = to_json(revision)
    assert parse(written) == revision
    for each in (document(), written):
        jsonschema.validate(each, json_schema(), cls=jsonschema.Draft202012Validator)
    assert written["coupons"] == document()["coupons"]
    assert not {"coupons", "rewards", "referral"} & set(to_json(parse({"wallets": document()["wallets"]})))
    assert [kind.value for kind in OfferedKind] == RewardKind.values
    assert set(revision.coupons[0].terms) == set(DefinitionTerms.__dataclass_fields__) - {"name", "kind"}


def test_publishing_puts_them_in_force_and_stock_is_counted_live(scope: Tenant) -> None:
    publish(document())
    ten = CouponDefinition.objects.get(key="ten")
    assert (ten.percent_hundredths, ten.uses_per_code, ten.weekdays, ten.is_active) == (
        1000,
        None,
        [6, 7],
        True,
    )
    mug = Reward.objects.get(key="mug")
    assert (mug.cost_points, mug.stock, mug.tiers) == (300, 7, ["gold"])
    assert [(price.wallet.key, price.cost_points) for price in mug.prices.all()] == [("gems", 3)]
    assert Reward.objects.get(key="code").coupon_definition == ten
    referral = ReferralProgram.objects.get()
    assert (referral.referrer_points, referral.referee_coupon, referral.upper_points) == (100, "ten", [20])
    catalogue.set_stock(reward=mug, stock=4, by=SYSTEM, at=NOW)
    dearer = document()
    dearer["rewards"][0]["cost_points"] = 400
    publish(dearer)
    mug.refresh_from_db()
    assert (mug.cost_points, mug.stock) == (400, 4)


def test_what_the_program_governs_is_not_changed_in_place(scope: Tenant) -> None:
    publish(document())
    reward = {"name": "Mug", "kind": RewardKind.PRODUCT, "wallet_key": "points", "cost_points": 1}
    with pytest.raises(GovernedByProgram):
        catalogue.save_reward(key="mug", **reward, by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        definitions.archive(definition=CouponDefinition.objects.get(), by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        referral_programs.save_program(terms=ProgramTerms(referrer_points=1), by=SYSTEM, at=NOW)
    assert catalogue.save_reward(key="own", **reward, by=SYSTEM, at=NOW).cost_points == 1
    terms = DefinitionTerms(name="Own", kind=CouponKind.SHIPPING)
    assert definitions.save(key="own", terms=terms, by=SYSTEM, at=NOW).is_active


def test_what_a_revision_leaves_out_is_withdrawn_and_a_roll_back_brings_it_back(scope: Tenant) -> None:
    first = publish(document())
    kept = document(coupons=[], rewards=[], referral=None)
    publish(kept)
    assert not CouponDefinition.objects.get(key="ten").is_active
    assert not Reward.objects.filter(is_active=True).exists()
    first.refresh_from_db()
    programs.roll_back(to=first, by=SYSTEM, at=NOW)
    assert CouponDefinition.objects.get(key="ten").is_active
    assert Reward.objects.filter(is_active=True).count() == 2


def test_what_the_tenants_data_forbids_is_told_before_the_review(scope: Tenant, actor: Actor) -> None:
    publish({"wallets": document()["wallets"], "tiers": document()["tiers"]})
    Segment.objects.create(key="vip", name="VIP", kind="static", created_at=NOW, updated_at=NOW)
    wrong = document()
    wrong["rewards"][0] |= {"segments": ["vip", "gone"], "kind": "gift_card", "coupon": "ten"}
    wrong["coupons"].append({"key": "none", "name": "None", "kind": "percent"})
    draft = programs.save_draft(document=wrong, by=actor, at=NOW)
    ProgramRevision.objects.filter(pk=draft.pk).update(state="rehearsed")
    with pytest.raises(InvalidInput) as refusal:
        program_reviews.submit(revision=draft, by=actor, at=NOW)
    assert [error.pointer for error in refusal.value.errors] == ["/document/coupons/1/percent_hundredths"]
    wrong["coupons"].pop()
    draft = programs.save_draft(document=wrong, revision=draft, by=actor, at=NOW)
    ProgramRevision.objects.filter(pk=draft.pk).update(state="rehearsed")
    with pytest.raises(InvalidInput) as refusal:
        program_reviews.submit(revision=draft, by=actor, at=NOW)
    assert {error.pointer for error in refusal.value.errors} == {
        "/document/rewards/0/segments", "/document/rewards/0/coupon",
    }  # fmt: skip
    assert not CouponDefinition.objects.exists()


@pytest.mark.parametrize(
    ("section", "value", "pointer"),
    [
        ("rewards", [{"key": "a", "name": "A", "wallet": "none", "cost_points": 1}], "/rewards/0/wallet"),
        ("rewards", [{"key": "a", "name": "A", "wallet": "points", "cost_points": 0}],
         "/rewards/0/cost_points"),
        ("rewards", [{"key": "a", "name": "A", "wallet": "points", "cost_points": 1, "tiers": ["x"]}],
         "/rewards/0/tiers"),
        ("coupons", [{"key": "a", "name": "A", "kind": "magic"}], "/coupons/0/kind"),
        ("coupons", [{"key": "a", "name": "A", "kind": "shipping", "rule": {"x": 1}}], "/coupons/0/rule"),
        ("coupons", [{"key": "a", "name": "A", "kind": "shipping", "weekdays": [8]}],
         "/coupons/0/weekdays/0"),
        ("referral", {"referrer_points": 0}, "/referral/referrer_points"),
        ("referral", {"referrer_points": 1, "referee_points": 1, "wallet": "none"}, "/referral/wallet"),
        ("referral", 5, "/referral"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named(scope: Tenant, section: str, value: Any, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        programs.check(document(**{section: value}))
    assert f"/document{pointer}" in {error.pointer for error in refusal.value.errors}


def test_the_wallets_of_a_draft_need_not_be_there_for_its_rewards(scope: Tenant) -> None:
    publish(document())
    assert set(Wallet.objects.values_list("key", flat=True)) == {"points", "gems"}


def test_what_is_on_offer_is_taken_into_the_draft_as_it_is(scope: Tenant) -> None:
    publish(document())
    live = to_json(parse(document()))
    publish({name: value for name, value in document().items() if name in {"wallets", "tiers"}})
    CouponDefinition.objects.update(is_active=True)
    Reward.objects.update(is_active=True)
    draft = offer_drafts.take_in(by=SYSTEM, at=NOW)
    assert draft.state == "draft"
    taken = to_json(parse(draft.document))
    assert taken["coupons"] == live["coupons"]
    assert taken["rewards"] == [{k: v for k, v in each.items() if k != "stock"} for each in live["rewards"]]
    assert taken["referral"] == live["referral"]
    assert offer_drafts.take_in(by=SYSTEM, at=NOW).document == draft.document


def test_an_offer_is_changed_in_the_draft_and_lives_on_until_it_is_published(scope: Tenant) -> None:
    publish(document())
    (mug, _code) = parse(document()).rewards
    draft = offer_drafts.put(replace(mug, cost_points=9), by=SYSTEM, at=NOW)
    again = offer_drafts.put(parse(document()).coupons[0], by=SYSTEM, at=NOW)
    assert (again.pk, [each["cost_points"] for each in again.document["rewards"]]) == (draft.pk, [9, 50])
    assert Reward.objects.get(key="mug").cost_points == 300
    terms = replace(parse(document()).referral or ReferralTerms(), referrer_points=5)
    assert offer_drafts.put(terms, by=SYSTEM, at=NOW).document["referral"]["referrer_points"] == 5


def test_without_a_program_there_is_nothing_to_take_into(scope: Tenant) -> None:
    with pytest.raises(NoProgramYet):
        offer_drafts.take_in(by=SYSTEM, at=NOW)
