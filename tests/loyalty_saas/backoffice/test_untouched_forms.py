"""Opening a form of the program and saving it changes nothing, whatever the document says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rewards.domain.documents import parse
from rewards.domain.programs import Revision
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions
from rewards.services import offer_drafts, programs
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.browser_forms import untouched
from tests.loyalty_saas.backoffice.filling import Filled

pytestmark = pytest.mark.django_db
PAGES = (
    "program/edit/", "program/rules/base/", "program/challenges/goal/", "program/ladder/",
    "coupons/draft/ten/", "rewards/draft/mug/", "coupons/campaigns/draft/spring/",
)  # fmt: skip

# New York, where the filled tenant is: an hour that comes twice, one that is skipped, and odd moments.
MOMENTS = st.sampled_from([
    "2026-11-01T05:30:00+00:00", "2026-11-01T06:30:00+00:00", "2026-03-08T06:59:59.999999+00:00",
    "2026-03-08T07:00:00+00:00", "2026-02-03T04:05:06.789000+00:00", "2026-02-03T05:00:00+00:00",
])  # fmt: skip
LATER = st.sampled_from(
    ["2027-11-07T05:30:01+00:00", "2027-11-07T06:30:00+00:00", "2027-01-01T05:00:00+00:00"]
)
TEXTS = st.sampled_from(["", "One", "two\nlines", "a, b", ' "q" ', "<b>", "名", " edge "])
WORDS = st.sampled_from(["tea", "a, b", "x;y", "名", "Fruit"])
MINOR = st.sampled_from([1, 99, 100, 12345, 10**12])


def optional(**parts: Any) -> Any:
    return st.fixed_dictionaries({}, optional=parts)


CONDITIONS = st.sampled_from([
    {"order": "total_minor", "op": "gte", "value": 1999},
    {"trait": "clv", "op": "gt", "value": 0.1},
    {"all": [
        {"time": "hour", "op": "lt", "value": 12}, {"not": {"attribute": "x", "op": "eq", "value": "1"}},
    ]},
    {"any": [{"all": [{"any": [{"trait": "a", "op": "eq", "value": True},
                               {"trait": "b", "op": "in", "value": [1, "1"]}]}]}]},
])  # fmt: skip
POINTS = st.sampled_from([
    {"type": "points", "wallet": "points", "points": 7},
    {"type": "points", "wallet": "points", "points": 1, "per_minor": 333,
     "category_percent": {"TEA = X": 150}},
    {"type": "points", "wallet": "points", "points": 2, "per_units": 3, "tier_percent": {"gold": 110}},
    {"type": "points", "wallet": "points", "points": 2, "per_property": "stars", "per_amount": 5},
    {"type": "formula", "wallet": "points", "terms": [{"trait": "clv", "weight": "1/3"}], "constant": "0.1"},
])  # fmt: skip
GRANTS = st.lists(
    st.sampled_from([
        {"type": "coupon", "coupon": "ten"}, {"type": "trait", "trait": "vip", "value": 1.5},
        {"type": "trait", "trait": "vip", "value": "1.50"}, {"type": "message", "message": "hi"},
        {"type": "tier", "tier": "gold"}, {"type": "challenge", "challenge": "goal", "progress": 2},
    ]),
    max_size=3,
)  # fmt: skip
RULES = st.builds(
    lambda points, grants, more, early: {
        "key": "base", "name": "Base", "effects": [*grants[:early], points, *grants[early:]], **more
    },
    POINTS, GRANTS,
    optional(
        starts_at=MOMENTS, ends_at=LATER, when=CONDITIONS, group=st.just("one"), stops=st.booleans(),
        caps=st.lists(
            st.sampled_from([{"per": "day", "times": 1}, {"per": "event", "points": 9}]), max_size=2
        ),
        expiry=st.sampled_from([{"kind": "never"}, {"kind": "calendar", "months": 2, "period": "quarter"}]),
    ),
    st.integers(0, 3),
)  # fmt: skip
GIFTS = st.lists(
    st.sampled_from([
        {"kind": "points", "wallet": "points", "points": 5}, {"kind": "coupon", "coupon": "ten"},
        {"kind": "message", "message": "done"}, {"kind": "points", "wallet": "status", "points": 2},
    ]),
    min_size=1, max_size=3, unique_by=str,
)  # fmt: skip
MATCHES = st.sampled_from([
    {}, {"event": "lesson"}, {"categories": ["a, b", "c"], "skus": ["s1"]},
    {"event": "quiz", "where": {"property": "score", "op": "gte", "value": 0.7}},
    {"event": "quiz", "where": {"any": [{"property": "score", "op": "gte", "value": 70},
                                        {"property": "level", "op": "in", "value": [1, 2]}]}},
])  # fmt: skip
GOALS = st.one_of(
    st.builds(lambda match, target: {"kind": "count", "match": match, "target": target}, MATCHES, MINOR),
    st.builds(
        lambda target: {"kind": "sum", "match": {}, "of": "amount_minor", "target": target}, MINOR
    ),
    st.builds(
        lambda match: {"kind": "streak", "match": match, "target": 3, "unit": "week", "gap": 1, "each": 2},
        MATCHES,
    ),
    st.builds(
        lambda one, two: {"kind": "sequence", "steps": [
            {"key": "one", "name": "One", "match": one}, {"key": "two", "name": "Two", "match": two}]},
        MATCHES, MATCHES,
    ),
    st.builds(
        lambda one, two: {"kind": "set", "needed": 1, "tasks": [
            {"key": "one", "name": "One", "goal": {"kind": "count", "match": one, "target": 2}},
            {"key": "two", "name": "Two", "goal": {
                "kind": "sum", "match": two, "of": "units", "target": 9}}]},
        MATCHES, MATCHES,
    ),
)  # fmt: skip
CHALLENGES = st.builds(
    lambda goal, rewards, early, more: {
        "key": "goal", "name": "Goal", "goal": goal, "rewards": rewards,
        **({"milestones": [{"at": 1, "rewards": early}]} if goal.get("target", 0) > 1 else {}), **more,
    },
    GOALS, GIFTS, GIFTS,
    optional(
        description=TEXTS,
        opt_in=st.booleans(),
        window=st.sampled_from([
            {"kind": "dates", "starts_on": "2026-01-01", "ends_on": None}, {"kind": "always"},
        ]),
        audience=st.sampled_from([{"tiers": ["gold"], "leaving": "pause"}, {"segment": None, "tiers": []}]),
    ),
)  # fmt: skip
TERMS: dict[str, Any] = {
    "description": TEXTS, "valid_from": MOMENTS, "valid_until": LATER, "max_discount_minor": MINOR,
    "categories": st.lists(WORDS, max_size=2, unique=True),
    "channels": st.lists(WORDS, max_size=2, unique=True), "minimum_quantity": st.integers(0, 9),
    "free_quantity": st.integers(1, 9), "priority": st.integers(0, 2000),
    "rule": st.just({"attribute": "x", "op": "eq", "value": 1}), "generic_code": st.just(" ten-off "),
    "weekdays": st.just([7, 1]), "has_checksum": st.just(False),
    "uses_per_code": st.sampled_from([None, 1, 3]),
    "code_pattern": st.just("AB-####-####"), "exclusive_group": st.just(" g "),
}  # fmt: skip
COUPONS = st.builds(
    lambda more: {"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1234, **more},
    optional(**TERMS),
)
REWARDS = st.builds(
    lambda more: {
        "key": "mug", "name": "Mug", "kind": "product", "wallet": "points", "cost_points": 9, **more
    },
    optional(
        description=TEXTS, valid_from=MOMENTS, valid_until=LATER, stock=st.integers(0, 3),
        prices=st.just({"status": 4}), tiers=st.just(["gold"]), is_active=st.booleans(),
    ),
)  # fmt: skip
CAMPAIGNS = st.builds(
    lambda more: {"key": "spring", "name": "Spring", "coupons": ["ten"], **more},
    optional(starts_at=MOMENTS, ends_at=LATER, limit_discount_minor=MINOR, period=st.just("week")),
)
LADDERS = st.sampled_from([
    {"tiers": [{"key": "base", "name": "Base", "threshold_minor": 0},
               {"key": "gold", "name": "Gold", "threshold_minor": 12345}]},
    {"tiers": [
        {"key": "base", "name": "Base", "threshold_minor": 0, "perks": {
            "entitlements": ["a b", "lounge"], "price_list": " x "}},
        {"key": "gold", "name": "Gold", "thresholds": {"p": 7, "s": 3}, "perks": {"free_shipping": True,
         "costs": {"free_shipping": {"cost_minor": 399, "per": "order"}}}},
     ],
     "qualification": {"criteria": [
        {"key": "p", "metric": "points", "wallet": "status"},
        {"key": "s", "metric": "score", "weights": {"clv": "0.333", "age": "0.25"}, "bias": "0.5"},
     ], "window": "rolling_months", "length": 7, "validity": "months", "valid_months": 5}},
])  # fmt: skip
WALLETS = [
    {"key": "points", "name": "Points", "pending": {"days": 5, "event": "manual"},
     "thousand_points_minor": 333},
    {"key": "status", "name": "Status", "kind": "status", "warning_days": [],
     "expiry_by_tier": {"gold": {"kind": "inactivity", "months": 3}}},
]  # fmt: skip
DOCUMENTS = st.builds(
    lambda rule, challenge, coupon, reward, campaign, ladder: {
        "wallets": WALLETS, "rules": [rule], "challenges": [challenge], "coupons": [coupon],
        "rewards": [reward], "coupon_campaigns": [campaign], **ladder,
        "budgets": [{"key": "pot", "name": "Pot", "money_minor": 333, "points": None, "period": "week"}],
        "policies": {"backdating_days": 3, "member_caps": [{"wallet": "points", "per": "day", "points": 9}]},
    },
    RULES, CHALLENGES, COUPONS, REWARDS, CAMPAIGNS, LADDERS,
)  # fmt: skip


def listed(revision: Revision, section: str) -> list[Any]:
    found = getattr(revision, section)
    return list(found) if isinstance(found, tuple) else [found]


def said(filled: Filled) -> Revision:
    with tenant_scope(filled.tenant):
        return compiled_revisions.revision_of(ProgramRevision.objects.latest("number"))


@settings(
    max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(document=DOCUMENTS)
def test_saving_a_form_that_nobody_touched_changes_nothing(
    filled: Filled, staff: Client, document: dict[str, Any]
) -> None:
    parse(document)
    with tenant_scope(filled.tenant):
        draft = ProgramRevision.objects.filter(state="draft").first()
        programs.save_draft(document=document, revision=draft, by=SYSTEM, at=NOW)
        # What is on offer outside of the program would come in with the first form.
        offer_drafts.take_in(by=SYSTEM, at=NOW)
    for page in PAGES:
        before = said(filled)
        path = f"/t/acme/{page}"
        body = untouched(staff.get(path).content.decode())
        answer = staff.post(path, body)
        if answer.status_code == 422 and answer.context.get("accepted"):
            answer = staff.post(path, {**body, "accepted": answer.context["accepted"]})
        assert answer.status_code == 302, (page, answer.context["form"].errors, answer.context.get("errors"))
        after = said(filled)
        for section in ("wallets", "rules", "challenges", "tiers", "qualification", "coupons", "rewards",
                        "coupon_campaigns", "budgets", "policies"):  # fmt: skip
            for now, was in zip(listed(after, section), listed(before, section), strict=True):
                if section == "coupons":
                    # Compared first, for what differs is then told by its name.
                    assert dict(now.terms) == dict(was.terms), page
                assert now == was, page
