"""The shadow ledger's short cuts say what the long way says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rewards.domain import rehearsal_reports
from rewards.domain.budgets import Period
from rewards.domain.conditions import Condition, FactSource, Op, all_of, any_of, negated
from rewards.domain.facts import Context, CustomerState, order_placed
from rewards.domain.limits import NEVER_USED
from rewards.domain.matching import compile_tree, failures
from rewards.domain.shadow_spending import spend_ladder
from rewards.domain.tiers import Tier, standing
from rewards.domain.usage import Days, UsageBook, window_of

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)


def test_the_ladder_of_spend_ends_at_a_tier_that_needs_something_else() -> None:
    tiers = [
        Tier("a", "A"),
        Tier("b", "B", 100),
        Tier("c", "C", thresholds={"visits": 3}),
        Tier("d", "D", 900),
    ]
    assert spend_ladder(tiers) == ((0, "a"), (100, "b"))
    for spend in (-1, 0, 99, 100, 899, 900, 5000):
        reached = [key for need, key in spend_ladder(tiers) if spend >= need]
        found = standing(tiers, spend).tier
        assert (reached[-1] if reached else None) == (found.key if found else None)


LEAF = st.builds(
    Condition,
    st.just(FactSource.ORDER),
    st.sampled_from(["total_minor", "number"]),
    st.sampled_from([Op.GT, Op.GTE, Op.LT, Op.LTE, Op.EQ, Op.NE]),
    st.integers(0, 4),
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=5).map(lambda rules: all_of(*rules)),
        st.lists(inner, min_size=1, max_size=5).map(lambda rules: any_of(*rules)),
        inner.map(negated),
    ),
    max_leaves=12,
)


@given(TREE, st.integers(0, 4), st.integers(0, 3))
def test_a_compiled_tree_holds_exactly_when_nothing_of_it_fails(tree, total: int, before: int) -> None:
    context = Context(order_placed(AT, total, "web", ()), CustomerState(orders_before=before), UTC)
    assert compile_tree(tree)(context) is (failures(tree, context) == ())


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_periods_are_those_of_each_moments_own_local_day(minutes: list[int]) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    days = Days(zone)
    for minute in minutes:
        at = AT + timedelta(minutes=minute)
        day = at.astimezone(zone).date()
        assert days.windows(at) == {period: window_of(period, day) for period in Period}


def test_a_spread_reaches_from_the_greatest_loss_to_the_greatest_gain() -> None:
    steps = rehearsal_reports.spread([-12_000, -9, -1, 5, 9, 10, 99])
    assert [(each["least"], each["most"], each["members"]) for each in steps] == [
        (None, -10_000, 1),
        (-9999, -1000, 0),
        (-999, -100, 0),
        (-99, -10, 0),
        (-9, -1, 2),
        (1, 9, 2),
        (10, 99, 2),
    ]
    assert rehearsal_reports.spread([]) == []
    assert [each["members"] for each in rehearsal_reports.spread([7, 7])] == [2]


def test_usage_of_periods_that_are_over_is_kept_of_some() -> None:
    rule = {"r": frozenset({Period.DAY, Period.MONTH, Period.PROGRAM})}
    book, day = UsageBook(rule, UTC), timedelta(days=1)
    for customer_id in (1, 2):
        book.add(customer_id, AT - day, "r", 5)
        book.add(customer_id, AT, "r", 7)
    book.forget_before(AT + timedelta(hours=1), but={2})

    def used(customer_id: int, at: datetime, period: Period) -> int:
        return book.of(customer_id, at).get(("r", period), NEVER_USED).points

    assert [used(who, AT - day, Period.DAY) for who in (1, 2)] == [0, 5]
    for period, points in ((Period.DAY, 7), (Period.MONTH, 12), (Period.PROGRAM, 12)):
        assert [used(who, AT, period) for who in (1, 2)] == [points, points]
