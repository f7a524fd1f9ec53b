"""Rewards, coupons and the referral of a program: published, rolled back, never changed in place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command

from crm.models import Segment
from rewards.domain.documents import json_schema, parse, to_json
from rewards.domain.offers import ReferralTerms
from rewards.domain.offers import RewardKind as OfferedKind
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import (
    CouponCode,
    CouponDefinition,
    CouponKind,
    ProgramRevision,
    ReferralProgram,
    Reward,
    RewardKind,
    Wallet,
)
from rewards.queries import governed, offers
from rewards.services import (
    catalogue,
    offer_drafts,
    program_reviews,
    programs,
    referral_programs,
    velocity,
)
from rewards.services.coupons import campaigns, definitions
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
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
        definitions.save(key="ten", terms=DefinitionTerms("Mine", CouponKind.SHIPPING), by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        referral_programs.save_program(terms=ReferralTerms(referrer_points=1), by=SYSTEM, at=NOW)
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
    assert not ReferralProgram.objects.get().is_active
    ReferralProgram.objects.update(is_active=True)
    draft = offer_drafts.take_in(by=SYSTEM, at=NOW)
    assert draft.state == "draft"
    taken = to_json(parse(draft.document))
    assert taken["coupons"] == live["coupons"]
    assert taken["rewards"] == [{k: v for k, v in each.items() if k != "stock"} for each in live["rewards"]]
    assert taken["referral"] == live["referral"]
    assert offer_drafts.take_in(by=SYSTEM, at=NOW).document == draft.document


def drafts() -> list[ProgramRevision]:
    return list(ProgramRevision.objects.filter(state="draft").order_by("number"))


def test_an_offer_is_changed_in_the_draft_and_lives_on_until_it_is_published(scope: Tenant) -> None:
    publish(document())
    (mug, _code) = parse(document()).rewards
    ten = parse(document()).coupons[0]
    first = offer_drafts.put(replace(mug, cost_points=9), by=SYSTEM, at=NOW)
    again = offer_drafts.put(replace(ten, name="Tenth"), by=SYSTEM, at=NOW)
    assert (first.number, again.number) == (2, 2)
    assert (first.written[0]["cost_points"], again.written[0]["name"]) == (9, "Tenth")
    (draft,) = drafts()
    assert [each["cost_points"] for each in draft.document["rewards"]] == [9, 50]
    assert Reward.objects.get(key="mug").cost_points == 300
    terms = replace(parse(document()).referral or ReferralTerms(), referrer_points=5)
    assert offer_drafts.put(terms, by=SYSTEM, at=NOW).written[0]["referrer_points"] == 5
    before = {entry.pk for entry in AuditEntry.objects.filter(action="coupon_definition.saved")}
    programs.publish(revision=drafts()[0], by=SYSTEM, at=NOW)
    assert (Reward.objects.get(key="mug").cost_points, CouponDefinition.objects.get().name) == (9, "Tenth")
    written = AuditEntry.objects.filter(action__in=["reward.saved", "coupon_definition.saved"])
    # Of two rewards one is as it was.
    assert [entry.target_label for entry in written.exclude(pk__in=before).order_by("pk")][-2:] == [
        "Tenth", "Mug",
    ]  # fmt: skip


def test_what_is_in_force_already_opens_no_draft(scope: Tenant) -> None:
    publish(document())
    ten = parse(document()).coupons[0]
    assert offer_drafts.put(ten, by=SYSTEM, at=NOW).number is None
    assert not drafts()


def test_a_first_draft_is_opened_where_there_is_no_program(scope: Tenant) -> None:
    (mug, _code) = parse(document()).rewards
    assert offer_drafts.put(replace(mug, tiers=(), prices={}), by=SYSTEM, at=NOW).number == 1
    (draft,) = drafts()
    assert draft.document["wallets"][0]["key"] == "points"
    assert not Reward.objects.exists()


def test_offers_made_outside_are_taken_in_by_the_first_draft(scope: Tenant) -> None:
    publish(document())
    terms = DefinitionTerms(name="Own", kind=CouponKind.SHIPPING)
    own = definitions.save(key="Own-1", terms=terms, generic_code="OWN", by=SYSTEM, at=NOW)
    campaigns.save(key="c", terms=CampaignTerms("C"), definition_keys=["Own-1"], by=SYSTEM, at=NOW)
    catalogue.save_reward(
        key="lost", name="Lost", kind=RewardKind.CUSTOM, wallet_key="points", cost_points=1, by=SYSTEM,
        at=NOW, offer=catalogue.RewardOffer(tiers=["no-tier"]),
    )  # fmt: skip
    velocity.save_limit(limit=VelocityLimit(Pace.REFUNDS, 7, 8), by=SYSTEM, at=NOW)
    assert offers.outside(parse(document()), at=NOW).count == 4
    (mug, _code) = parse(document()).rewards
    offer_drafts.put(replace(mug, cost_points=9), by=SYSTEM, at=NOW)
    (draft,) = drafts()
    taken = {each["key"]: each for each in draft.document["coupons"]}
    assert taken["Own-1"] == {"key": "Own-1", "name": "Own", "kind": "shipping", "generic_code": "OWN"}
    assert draft.document["coupon_campaigns"] == [{"key": "c", "name": "C", "coupons": ["Own-1"]}]
    assert draft.document["policies"]["velocity_limits"][0]["most"] == 7
    # What the ladder has no tier for would break the draft: it stays, and the page of the program tells.
    assert "lost" not in [each["key"] for each in draft.document["rewards"]]
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    own.refresh_from_db()
    assert own.is_active
    current = programs.check(draft.document)
    assert offers.outside(current, at=NOW).rewards == {"lost"}


def test_what_a_draft_leaves_out_on_purpose_is_not_taken_in_again(scope: Tenant) -> None:
    publish(document())
    (mug, _code) = parse(document()).rewards
    offer_drafts.put(replace(mug, cost_points=9), by=SYSTEM, at=NOW)
    offer_drafts.drop(section="rewards", key="code", by=SYSTEM, at=NOW)
    offer_drafts.put(replace(mug, cost_points=8), by=SYSTEM, at=NOW)
    (draft,) = drafts()
    assert [each["key"] for each in draft.document["rewards"]] == ["mug"]


def test_the_next_draft_begins_with_what_is_in_review(scope: Tenant, actor: Actor) -> None:
    publish(document())
    (mug, _code) = parse(document()).rewards
    offer_drafts.put(replace(mug, key="cup"), by=actor, at=NOW)
    ProgramRevision.objects.filter(number=2).update(state="in_review")
    assert offer_drafts.put(replace(mug, key="jar"), by=actor, at=NOW).number == 3
    written = ProgramRevision.objects.get(number=3).document["rewards"]
    assert [each["key"] for each in written] == ["mug", "code", "cup", "jar"]


def test_the_command_puts_tenants_under_their_programs(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            publish(document())
            definitions.save(key="own", terms=DefinitionTerms("Own", CouponKind.SHIPPING), by=SYSTEM, at=NOW)
    with tenant_scope(other_tenant):
        programs.save_draft(document=document(), by=SYSTEM, at=NOW)
    said = StringIO()
    call_command("take_offers_in", stdout=said)
    assert said.getvalue().splitlines() == [
        f"{tenant.slug}: revision 2 (published)", f"{other_tenant.slug}: revision 2 (draft)",
    ]  # fmt: skip
    with tenant_scope(tenant):
        assert governed.governs_coupon("own")
    with tenant_scope(other_tenant):
        assert not governed.governs_coupon("own")
        assert "own" in [each["key"] for each in drafts()[0].document["coupons"]]
    call_command("take_offers_in", stdout=(again := StringIO()))
    assert again.getvalue().splitlines() == [f"{other_tenant.slug}: revision 2 (draft)"]


def test_a_coupon_is_put_under_a_campaign_and_taken_out(scope: Tenant) -> None:
    publish(
        document(coupon_campaigns=[{"key": "a", "name": "A", "coupons": ["ten"]}, {"key": "b", "name": "B"}])
    )
    ten = replace(parse(document()).coupons[0], name="Tenth")
    owners = []
    for campaign in ("b", None, ""):
        offer_drafts.put(ten, campaign=campaign, by=SYSTEM, at=NOW)
        written = drafts()[0].document["coupon_campaigns"]
        owners.append([each["key"] for each in written if each.get("coupons")])
    assert owners == [["b"], ["b"], []]
    with pytest.raises(InvalidInput) as refusal:
        offer_drafts.put(ten, campaign="none", by=SYSTEM, at=NOW)
    assert [error.pointer for error in refusal.value.errors] == ["/campaign"]


def test_a_coupon_brings_its_code_for_everybody(scope: Tenant) -> None:
    written = document()
    written["coupons"][0]["generic_code"] = "spring"
    publish(written)
    assert CouponCode.objects.get().code == "SPRING"
    assert offers.coupons(["ten"])[0].generic_code == "SPRING"
    publish(document())
    assert CouponCode.objects.get().is_generic


def test_a_thousand_coupons_cost_a_publication_no_query_each(
    scope: Tenant, django_assert_max_num_queries: Any
) -> None:
    many = [{"key": f"c-{n}", "name": "C", "kind": "shipping"} for n in range(60)]
    publish(document(coupons=many, rewards=[], referral=None))
    changed = [{**each, "name": "D"} if each["key"] == "c-7" else each for each in many]
    draft = programs.save_draft(
        document=document(coupons=changed, rewards=[], referral=None), by=SYSTEM, at=NOW
    )
    with django_assert_max_num_queries(60):
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
    assert [row.key for row in CouponDefinition.objects.filter(name="D")] == ["c-7"]
    rest = document(coupons=changed, rewards=[], referral=None)
    draft = programs.save_draft(document=rest, by=SYSTEM, at=NOW)
    again = [{**each, "name": "E"} if each["key"] == "c-7" else each for each in changed]
    programs.save_draft(document={**rest, "coupons": again}, revision=draft, by=SYSTEM, at=NOW)
    rest = document(coupons=changed, rewards=[], referral=None)
    draft = programs.save_draft(document=rest, by=SYSTEM, at=NOW)
    again = [{**each, "name": "E"} if each["key"] == "c-7" else each for each in changed]
    programs.save_draft(document={**rest, "coupons": again}, revision=draft, by=SYSTEM, at=NOW)
    kept = AuditEntry.objects.filter(action="program.draft_saved").latest("pk").diff
    assert kept == {"coupons": [[changed[7]], [again[7]]]}


def test_a_campaign_that_ran_its_course_is_taken_in_and_one_that_was_left_out_is_not(scope: Tenant) -> None:
    two = [{"key": "gone", "name": "Gone", "coupons": ["ten"]}]
    publish(document(coupon_campaigns=two))
    publish(document())
    terms = CampaignTerms("Old", ends_at=NOW - timedelta(days=9))
    campaigns.save(key="old", terms=terms, by=SYSTEM, at=NOW)
    assert offers.outside(parse(document()), at=NOW).campaigns == {"old"}
    draft = offer_drafts.take_in(by=SYSTEM, at=NOW)
    assert [each["key"] for each in draft.document["coupon_campaigns"]] == ["old"]
