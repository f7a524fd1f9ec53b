"""The builder's drafts: read from forms, changed by actions, and the same rule there and back."""

from __future__ import annotations

from typing import Any

import pytest

from crm.admin import segment_drafts, segment_reading
from crm.admin.segment_forms import Subjects
from crm.domain.rules import parse
from tenants.models import Tenant

pytestmark = pytest.mark.django_db

RULES: list[dict[str, Any]] = [
    {
        "all": [
            {"orders": "revenue_minor", "op": "gte", "value": 2050},
            {"trait": "churn_risk", "op": "lt", "value": 0.5},
        ]
    },
    {
        "any": [
            {"attribute": "city", "op": "in", "value": ["Leeds", "York"]},
            {"person": "age_years", "op": "gt", "value": 30},
        ]
    },
    {"all": [{"not": {"in_segment": "vip"}}, {"random": "summer", "from_percent": 0.0, "to_percent": 12.5}]},
    {
        "all": [
            {
                "event": "viewed",
                "at_least": 3,
                "days": 30,
                "where": [
                    {"property": "category", "op": "eq", "value": "wine"},
                    {"property": "price", "op": "gt", "value": 4.5},
                ],
            }
        ]
    },
    {"all": [{"event": "viewed", "then": {"event": "bought"}, "within_days": 7, "days": 60}]},
    {
        "not": {
            "any": [
                {"event": "viewed", "at_most": 0, "days": 30},
                {"consent": "marketing.email", "op": "missing"},
            ]
        }
    },
    {
        "all": [
            {"bought": "spent_minor", "category": "wine", "at_least": 2050, "days": 90},
            {"any": [{"bought": "orders", "at_most": 2}, {"loyalty": "tier", "op": "eq", "value": "gold"}]},
        ]
    },
]


def posted(draft: segment_drafts.Draft) -> dict[str, str]:
    """Return what a browser would send of the drawn tree."""
    found: dict[str, str] = {}
    for node in draft.walk():
        found |= {node.name(of): value for of, value in node.fields.items()}
        if node.where:
            found[node.name("where")] = str(len(node.where))
        for number, row in enumerate(node.where):
            found |= {node.name(f"{of}{number}"): value for of, value in row.items()}
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_survives_being_drawn_sent_and_read(scope: Tenant, rule: dict[str, Any]) -> None:
    subjects = Subjects("USD")
    sent = posted(segment_reading.draft_of(rule, subjects))
    assert segment_reading.rule_of(segment_drafts.read(sent), subjects) == rule
    parse(rule)


def test_actions_grow_and_cut_the_tree() -> None:
    root = segment_drafts.act(segment_drafts.empty(), "group:0")
    root = segment_drafts.act(root, "add:0.1")
    assert [node.path for node in root.walk()] == ["0", "0.0", "0.1", "0.1.0", "0.1.1"]
    root = segment_drafts.act(root, "remove:0.0")
    assert [node.path for node in root.walk()] == ["0", "0.0", "0.0.0", "0.0.1"]
    root = segment_drafts.act(root, "where:0.0.1")
    assert [len(node.where) for node in root.walk()] == [0, 0, 0, 1]
    for nonsense in ("remove:0", "add:7", "drop:0.0", "", "add"):
        assert [node.path for node in segment_drafts.act(root, nonsense).walk()] == [
            "0",
            "0.0",
            "0.0.0",
            "0.0.1",
        ]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"n:0:kind": "group", "n:x:what": "event", "n:0.1.2.3.4.5.6:what": "event", "n:0.9999:what": "event"},
        {"n:0:match": "all", "n:0.1.0:what": "event", "n:0.1:what": "event"},
        {"n:0:match": "all", "n:0.0:where": "999999999999", "n:0.0:what": ""},
    ],
)
def test_a_malformed_form_is_an_unfinished_draft(scope: Tenant, sent: dict[str, str]) -> None:
    with pytest.raises(segment_reading.Unfinished):
        segment_reading.rule_of(segment_drafts.read(sent), Subjects("USD"))


def test_what_is_wrong_stands_at_its_node(scope: Tenant) -> None:
    root = segment_drafts.read(
        {"n:0:match": "any", "n:0.0:what": "orders:count", "n:0.0:value": "many", "n:0.1:what": "event"}
    )
    with pytest.raises(segment_reading.Unfinished):
        segment_reading.rule_of(root, Subjects("USD"))
    assert [(node.path, len(node.errors)) for node in root.walk()] == [("0", 1), ("0.0", 1), ("0.1", 1)]
