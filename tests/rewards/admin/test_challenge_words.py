"""Challenges as staff read them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override

from rewards.admin import challenge_words
from rewards.domain.documents import parse

TOTAL = {"property": "total_minor", "op": "gte", "value": 2000}
LESSON = {"event": "lesson", "where": {"property": "score", "op": "gte", "value": 70}}


@pytest.mark.parametrize(
    ("goal", "english", "chinese"),
    [
        ({"kind": "count", "match": {"where": TOTAL}, "target": 3},
         "3 × orders [order total at least $20.00]", "订单 [订单总额 不少于 US$20.00] 3 次"),
        ({"kind": "count", "match": {"categories": ["WINE"], "where": {"any": [
            {"property": "hour", "op": "lt", "value": 9}, {"not": TOTAL}]}}, "target": 1},
         "1 × orders with WINE [hour of the day less than 9 or not (order total at least $20.00)]", None),
        ({"kind": "distinct", "match": {}, "of": "category", "target": 3},
         "3 different categories in orders", "订单中 3 种不同的类别"),
        ({"kind": "distinct", "match": LESSON, "of": "subject", "target": 4},
         "4 different values of subject in lesson [score at least 70]", None),
        ({"kind": "sum", "match": {}, "of": "amount_minor", "target": 5000}, "$50.00 in orders", None),
    ],
)  # fmt: skip
def test_a_goal_reads_as_money_and_facts(goal: dict[str, Any], english: str, chinese: str | None) -> None:
    rewards = [{"kind": "points", "wallet": "points", "points": 1}]
    written = {"key": "c", "name": "C", "goal": goal, "rewards": rewards}
    document = {"wallets": [{"key": "points", "name": "P"}], "challenges": [written]}
    (challenge,) = parse(document).challenges
    assert challenge_words.goal_in_words(challenge, "USD") == english
    if chinese is not None:
        with override("zh-hans"):
            assert challenge_words.goal_in_words(challenge, "USD") == chinese
