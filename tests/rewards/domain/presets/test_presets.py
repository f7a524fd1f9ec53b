from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from crm.domain.feedback import Feeling, Kind
from crm.domain.rules import parse as parse_rule
from rewards.domain.challenges.definition import ChallengeReward, RewardKind
from rewards.domain.challenges.matching import (
    Contribution,
    EventFacts,
    OrderedLine,
    OrderFacts,
    contributions,
)
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member
from rewards.domain.documents import json_schema, parse
from rewards.domain.linting import lint
from rewards.domain.policies import Pace
from rewards.domain.presets import PRESETS, traffic
from rewards.domain.presets.definition import VELOCITY, Preset
from rewards.domain.presets.voices.definition import RATINGS
from rewards.domain.programs import Revision
from rewards.models import RewardKind as CatalogueKind

CASH = {"coupon", "gift_card", "product"}
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
SEED = 7


def revision(preset: Preset) -> Revision:
    return parse(preset.document(100))


def rewards_of(program: Revision) -> Iterator[ChallengeReward]:
    for challenge in program.challenges:
        yield from challenge.rewards
        for milestone in challenge.milestones:
            yield from milestone.rewards


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_a_preset_is_a_valid_program_whose_parts_fit_together(preset: Preset) -> None:
    for unit in (1, 100, 1000):
        jsonschema.validate(preset.document(unit), json_schema(), cls=jsonschema.Draft202012Validator)
        parse(preset.document(unit))
    program = revision(preset)
    coupons = {reward.key for reward in rewards_of(program) if reward.kind is RewardKind.COUPON}
    assert coupons <= {coupon.key for coupon in preset.coupons}
    assert {reward.kind for reward in preset.rewards} <= set(CatalogueKind.values)
    kind_by_coupon = {coupon.key: coupon.kind for coupon in preset.coupons}
    for reward in preset.rewards:
        # What is a code is handed out; a gift card holds money.
        assert (reward.kind in {"coupon", "gift_card"}) is bool(reward.coupon)
        assert (reward.kind == "gift_card") is (kind_by_coupon.get(reward.coupon) == "stored_value")
    exclusive = {key for tier in program.tiers for key in tier.perks.rewards}
    assert exclusive <= {reward.key for reward in preset.rewards}
    segments = {segment.key for segment in preset.segments}
    assert {key for reward in preset.rewards for key in reward.segments} <= segments
    audiences = {challenge.audience.segment for challenge in program.challenges} - {""}
    assert audiences | {key for rule in program.rules for key in rule.audience} <= segments
    for segment in preset.segments:
        parse_rule(segment.rule)
    (budget,) = program.budgets
    assert {rule.budget for rule in program.rules} == {budget.key}, "every rule stands under the guardrail"
    assert lint(parse(preset.program(100))) == []
    assert len(program.challenges) >= 3


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_what_counts_is_something_that_members_do(preset: Preset) -> None:
    done = {habit.event for habit in preset.traffic.habits}
    program = revision(preset)
    wanted = {name for challenge in program.challenges for name in challenge.event_names()}
    told = {preset.referral.event} - {""} if preset.referral else set()
    assert wanted | told | {rule.event for rule in program.rules if rule.event} <= done


def test_what_is_done_once_is_done_once_and_soon() -> None:
    plan = PRESETS["finance"].traffic
    people = traffic.members(plan, last_day=NOW.date(), seed=1)
    days = traffic.days(plan, people, last_moment=NOW, zone=ZONE, seed=1)
    opened = [event for day in days for event in day.events if event.name == "account_opened"]
    members = [event.member for event in opened]
    assert len(set(members)) == len(members)
    assert 180 < len(members) <= 220
    after = {(event.occurred_at.date() - people[event.member].joins_on).days for event in opened}
    assert after == {0, 1}


@pytest.mark.parametrize("key", ["finance", "healthcare"])
def test_regulated_verticals_give_capped_perks_without_cash(key: str) -> None:
    preset = PRESETS[key]
    # A bank waives a fee it charges; nobody gets money, or a thing that is as good as money.
    waivers = {reward.key for reward in preset.rewards if reward.kind == "coupon"}
    assert waivers == ({"fee-waiver"} if key == "finance" else set())
    assert {(coupon.kind, coupon.categories) for coupon in preset.coupons} <= {("free_item", ("fees",))}
    assert not {reward.kind for reward in preset.rewards if reward.key not in waivers} & CASH
    if preset.referral:
        assert preset.referral.referrer_points + preset.referral.referee_points <= 30
        assert {limit.most for limit in VELOCITY if limit.kind is Pace.REFERRALS} == {5}
    program = revision(preset)
    assert all(rule.caps for rule in program.rules)
    assert {reward.kind for reward in rewards_of(program)} == {RewardKind.POINTS}
    recurring = [each for each in program.challenges if each.recurrence == "on_completion"]
    assert all(each.limits.per_customer for each in recurring)


def test_minors_are_rewarded_only_with_consent() -> None:
    program = revision(PRESETS["education"])
    assert {challenge.audience.segment for challenge in program.challenges} == {"may-be-rewarded"}
    assert {key for rule in program.rules for key in rule.audience} == {"may-be-rewarded"}
    assert all(rule.audience for rule in program.rules)


def test_health_keeps_no_names_and_no_properties() -> None:
    plan = PRESETS["healthcare"].traffic
    people = traffic.members(plan, last_day=date(2026, 3, 14), seed=1)
    assert {member.given_name for member in people} == {""}
    assert not any(habit.properties for habit in plan.habits)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_traffic_is_the_same_for_the_same_seed_and_ends_now(preset: Preset) -> None:
    people = traffic.members(preset.traffic, last_day=NOW.date(), seed=3)
    first, second = (
        list(traffic.days(preset.traffic, people, last_moment=NOW, zone=ZONE, seed=3)) for _ in range(2)
    )
    assert first == second
    assert len(first) == 90
    events = [event for day in first for event in day.events]
    assert len({event.message_id for event in events}) == len(events) > 3000
    assert max(event.occurred_at for event in events) <= NOW
    orders = sum(len(day.orders) for day in first)
    assert (orders > 80) is bool(preset.traffic.shelf)


def _documents(preset: Preset) -> Iterator[tuple[int, EventFacts | OrderFacts]]:
    people = traffic.members(preset.traffic, last_day=NOW.date(), seed=SEED)
    for day in traffic.days(preset.traffic, people, last_moment=NOW, zone=ZONE, seed=SEED):
        for event in day.events:
            facts = EventFacts(
                event.message_id, event.member, event.name, event.occurred_at, event.properties
            )
            yield event.member, facts
        for order in day.orders:
            lines = [
                OrderedLine(item.sku, item.category, units, item.price_units * units * 100)
                for item, units in order.lines
            ]
            total = sum(line.amount_minor for line in lines)
            number = int(hashlib.sha256(order.external_id.encode()).hexdigest()[:12], 16)
            yield order.member, OrderFacts(number, order.member, order.placed_at, total, "web", lines)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_challenge_is_completed_by_some_and_not_by_everybody(preset: Preset) -> None:
    program = revision(preset)
    first = NOW - timedelta(days=91)
    counted: dict[str, dict[int, list[Contribution]]] = {each.key: {} for each in program.challenges}
    for member, document in _documents(preset):
        for challenge in program.challenges:
            found = contributions(challenge.goal, document, ZONE)
            if found:
                counted[challenge.key].setdefault(member, []).extend(found)
    people = traffic.members(preset.traffic, last_day=NOW.date(), seed=SEED)
    joined = [datetime.combine(each.joins_on, time.min, tzinfo=ZONE) for each in people]
    for challenge in program.challenges:
        done = [
            any(
                standing.completed_at
                for standing in standings(challenge, items, Member(joined[member], first, ZONE, NOW))
            )
            for member, items in counted[challenge.key].items()
        ]
        assert 5 <= 100 * sum(done) / len(people) <= 80, challenge.key


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_where_there_are_coupons_there_is_something_to_buy(preset: Preset) -> None:
    assert bool(preset.traffic.shelf) is bool(preset.coupons)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_members_say_good_and_bad_things_about_what_they_did(preset: Preset) -> None:
    voices = preset.traffic.voices
    spoken = {(each.kind, each.feeling) for each in voices.remarks}
    assert spoken == {(kind, feeling) for kind, _feeling in spoken for feeling in Feeling}
    assert len({each.text for each in voices.remarks}) == len(voices.remarks) >= 15
    people = traffic.members(preset.traffic, last_day=NOW.date(), seed=SEED)
    days = list(traffic.days(preset.traffic, people, last_moment=NOW, zone=ZONE, seed=SEED))
    said = [remark for day in days for remark in day.remarks]
    assert 100 < len(said) < 600
    assert len({each.source_id for each in said}) == len(said)
    feeling_by_text = {each.text: each.feeling for each in voices.remarks}
    feelings = [feeling_by_text[each.text] for each in said if each.text]
    assert 0.4 < feelings.count(Feeling.POSITIVE) / len(feelings) < 0.75
    assert 0.1 < feelings.count(Feeling.NEGATIVE) / len(feelings) < 0.4
    for remark in said:
        assert people[remark.member].joins_on <= remark.occurred_at.astimezone(ZONE).date()
        assert (remark.rating is None) is (remark.kind is Kind.TICKET)
        if remark.text and remark.rating is not None:
            assert remark.rating in RATINGS[remark.kind, feeling_by_text[remark.text]]
    ordered = {order.external_id: day.day for day in days for order in day.orders}
    reviews = [each for each in said if each.kind is Kind.REVIEW]
    assert bool(reviews) is bool(preset.traffic.shelf)
    assert all(ordered[each.order] <= each.occurred_at.astimezone(ZONE).date() for each in reviews)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_days_have_an_evening_and_some_things_come_back_or_end(preset: Preset) -> None:
    people = traffic.members(preset.traffic, last_day=NOW.date(), seed=SEED)
    days = list(traffic.days(preset.traffic, people, last_moment=NOW, zone=ZONE, seed=SEED))
    hours = [event.occurred_at.hour for day in days for event in day.events]
    assert 2 * hours.count(20) > 3 * hours.count(10) > 4 * hours.count(6) > 0
    orders = [order for day in days for order in day.orders]
    assert bool([order for order in orders if order.is_returned]) is bool(orders)
    assert {order.channel for order in orders} == ({"web", "app", "store"} if orders else set())
    assert any(rule.expiry for rule in revision(preset).rules)


def test_names_are_of_the_tenants_language_and_a_few_are_there_twice() -> None:
    plan = PRESETS["ecommerce"].traffic
    people = traffic.members(plan, last_day=NOW.date(), seed=SEED, locale="zh-hans")
    assert all("\u4e00" <= member.given_name[0] <= "\u9fff" for member in people)
    assert {len(member.postcode) for member in people} == {6}
    homes = [(each.given_name, each.family_name, each.postcode) for each in people]
    assert 1 <= len(homes) - len(set(homes)) <= len(people) // 10
