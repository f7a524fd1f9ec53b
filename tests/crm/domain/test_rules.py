from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.rules import (
    CustomerFacts,
    EventFact,
    LineFact,
    OrderFact,
    RuleError,
    depends_on_time,
    matches,
    parse,
    segment_keys,
)
from tests.conftest import NOW

FACTS = CustomerFacts(
    attributes={"city": "Leeds", "visits": 3, "vip": True, "empty": None},
    traits={"churn_risk": 0.4, "cluster": "loyal"},
    orders_count=2,
    revenue_minor=1500,
    first_order_at=NOW - timedelta(days=40),
    last_order_at=NOW - timedelta(days=9, hours=23),
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"attribute": "city", "op": "eq", "value": "Leeds"}, True),
        ({"attribute": "city", "op": "eq", "value": "leeds"}, False),
        ({"attribute": "city", "op": "ne", "value": 3}, True),
        ({"attribute": "nothing", "op": "ne", "value": 3}, False),
        ({"attribute": "empty", "op": "missing"}, True),
        ({"attribute": "vip", "op": "eq", "value": 1}, False),
        ({"attribute": "vip", "op": "eq", "value": True}, True),
        ({"attribute": "visits", "op": "gt", "value": 2.5}, True),
        ({"attribute": "visits", "op": "gt", "value": "2"}, False),
        ({"attribute": "city", "op": "in", "value": ["York", "Leeds"]}, True),
        ({"attribute": "city", "op": "contains", "value": "eed"}, True),
        ({"trait": "churn_risk", "op": "lt", "value": 0.5}, True),
        ({"trait": "cluster", "op": "eq", "value": "loyal"}, True),
        ({"trait": "none", "op": "exists"}, False),
        ({"orders": "count", "op": "gte", "value": 2}, True),
        ({"orders": "days_since_last", "op": "eq", "value": 9}, True),
        ({"orders": "days_since_first", "op": "gte", "value": 41}, False),
        ({"not": {"orders": "revenue_minor", "op": "gt", "value": 1499}}, False),
        ({"all": [{"attribute": "vip", "op": "exists"}, {"orders": "count", "op": "eq", "value": 3}]}, False),
        ({"any": [{"attribute": "vip", "op": "exists"}, {"orders": "count", "op": "eq", "value": 3}]}, True),
    ],
)
def test_rule_holds(rule: Any, expected: bool) -> None:
    assert matches(parse(rule), FACTS, NOW) is expected


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ([], "/"),
        ({"all": []}, "/all"),
        ({"all": [{"attribute": "a", "op": "like", "value": 1}]}, "/all/0/op"),
        ({"not": {"orders": "profit", "op": "eq", "value": 1}}, "/not/orders"),
        ({"orders": "count", "op": "eq", "value": "two"}, "/value"),
        ({"trait": "t", "op": "eq", "value": True}, "/value"),
        ({"attribute": "a", "op": "gt", "value": True}, "/value"),
        ({"attribute": "a", "op": "exists", "value": 1}, "/value"),
        ({"attribute": "a", "op": "in", "value": []}, "/value"),
        ({"attribute": "a", "op": "eq", "value": float("inf")}, "/value"),
        ({"attribute": "a", "op": "eq", "value": 1, "extra": 1}, "/"),
        ({"attribute": "", "op": "exists"}, "/attribute"),
        ({"person": "email", "op": "exists"}, "/person"),
        ({"property": "p", "op": "exists"}, "/"),
        ({"event": "e"}, "/"),
        ({"event": "e", "at_least": 1.5}, "/at_least"),
        ({"event": "e", "at_least": 3, "at_most": 2}, "/at_most"),
        ({"event": "e", "at_least": 1, "days": 0}, "/days"),
        ({"event": "e", "at_least": 1, "days": 3, "from": "2026-01-01"}, "/days"),
        ({"event": "e", "at_least": 1, "from": "soon"}, "/from"),
        ({"event": "e", "at_least": 1, "from": "2026-02-01", "to": "2026-01-01"}, "/to"),
        ({"event": "e", "at_least": 1, "where": [{"attribute": "a", "op": "exists"}]}, "/where/0"),
        ({"event": "e", "then": {"event": ""}, "within_days": 1}, "/then/event"),
        ({"event": "e", "then": {"event": "f"}}, "/within_days"),
        ({"event": "e", "then": {"event": "f"}, "within_days": 1, "at_least": 1}, "/at_least"),
        ({"bought": "margin", "at_least": 1}, "/bought"),
        ({"bought": "orders", "at_least": 1, "item": "a", "brand": "b"}, "/"),
        ({"in_segment": "a", "op": "eq"}, "/op"),
        ({"random": "s", "from_percent": 10, "to_percent": 10}, "/to_percent"),
        ({"random": "s", "to_percent": 101}, "/to_percent"),
    ],
)
def test_malformed_rule_says_where(rule: Any, pointer: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(rule)
    assert caught.value.pointer == pointer


def test_depth_and_size_are_bounded() -> None:
    deep: Any = {"attribute": "a", "op": "exists"}
    for _ in range(8):
        deep = {"not": deep}
    with pytest.raises(RuleError, match="levels deep"):
        parse(deep)
    with pytest.raises(RuleError, match="At most 100"):
        parse({"any": [{"attribute": "a", "op": "exists"}] * 100})


_WINE = {"property": "category", "op": "eq", "value": "wine"}
# Somebody who bought the very moment of the second look, which is not later.
SHOPPER = CustomerFacts(
    attributes={},
    traits={},
    birth_on=date(2000, 2, 29),
    events=[
        EventFact("viewed", datetime(2026, 3, 13, 3, 59, tzinfo=UTC), {"category": "wine"}),
        EventFact("viewed", datetime(2026, 3, 13, 4, 0, tzinfo=UTC), {"category": "beer"}),
        EventFact("bought", datetime(2026, 3, 13, 4, 0, tzinfo=UTC)),
    ],
    orders=[
        OrderFact(
            NOW - timedelta(days=1), 900, [LineFact("a", 2, 600, "wine"), LineFact("b", 1, 200, "beer")]
        ),
        OrderFact(NOW - timedelta(days=40), 100, [LineFact("b", 1, 100, "beer")]),
    ],
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"event": "viewed", "at_least": 2}, True),
        ({"event": "viewed", "at_least": 2, "days": 2}, False),  # 13 March begins at 04:00 UTC in New York
        ({"event": "viewed", "at_least": 1, "days": 2}, True),
        ({"event": "viewed", "at_most": 0, "days": 1}, True),
        ({"event": "viewed", "at_least": 1, "to": "2026-03-12"}, True),
        ({"event": "viewed", "where": [_WINE], "at_least": 2}, False),
        ({"event": "viewed", "then": {"event": "bought"}, "within_days": 1}, True),
        ({"event": "viewed", "then": {"event": "bought"}, "within_days": 1, "days": 2}, False),
        ({"event": "bought", "then": {"event": "viewed"}, "within_days": 9}, False),
        ({"bought": "orders", "at_least": 2}, True),
        ({"bought": "orders", "category": "wine", "at_least": 2}, False),
        ({"bought": "units", "at_least": 4}, True),
        ({"bought": "spent_minor", "at_least": 901, "days": 30}, False),
        ({"bought": "spent_minor", "category": "beer", "at_least": 300}, True),
        ({"bought": "spent_minor", "item": "b", "at_least": 200, "at_most": 200, "days": 30}, True),
        ({"person": "age_years", "op": "eq", "value": 26}, True),
        ({"person": "days_to_birthday", "op": "eq", "value": 351}, True),
        ({"person": "birth_month", "op": "in", "value": [2]}, True),
    ],
)  # fmt: skip
def test_behaviour_is_read_in_the_days_of_the_tenant(rule: Any, expected: bool) -> None:
    assert matches(parse(rule), SHOPPER, NOW, ZoneInfo("America/New_York")) is expected


def test_a_rule_says_whether_time_alone_changes_it() -> None:
    window = {"event": "e", "at_least": 1, "days": 3}
    assert depends_on_time(parse({"not": {"any": [window, {"in_segment": "a"}]}}))
    assert depends_on_time(parse({"orders": "days_since_last", "op": "gt", "value": 3}))
    assert not depends_on_time(parse({"event": "e", "at_least": 1, "from": "2026-01-01"}))
    assert segment_keys(parse({"all": [window, {"not": {"in_segment": "a"}}]})) == {"a"}
