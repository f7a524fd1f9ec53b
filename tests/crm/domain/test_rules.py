from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.rules import CustomerFacts, RuleError, matches, parse
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
