from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.feedback import (
    Feeling,
    Kind,
    feeling_of,
    needs_recovery,
    net_promoter_score,
    rating_flaw,
    score_of_rating,
    sentiment_traits,
)
from crm.domain.topics import Topic, topics_in


@pytest.mark.parametrize(
    ("kind", "rating", "is_fine"),
    [
        (Kind.NPS, 0, True),
        (Kind.NPS, 10, True),
        (Kind.NPS, 11, False),
        (Kind.NPS, None, False),
        (Kind.CSAT, 0, False),
        (Kind.REVIEW, None, True),
        (Kind.TICKET, None, True),
        (Kind.TICKET, 3, False),
    ],
)
def test_ratings_fit_their_scale(kind: Kind, rating: int | None, is_fine: bool) -> None:
    assert (rating_flaw(kind, rating) == "") is is_fine


def test_ratings_become_scores() -> None:
    assert [score_of_rating(Kind.NPS, rating) for rating in (0, 5, 10)] == [-1.0, 0.0, 1.0]
    assert [score_of_rating(Kind.CSAT, rating) for rating in (1, 3, 5)] == [-1.0, 0.0, 1.0]


def test_feelings_have_a_middle() -> None:
    assert [feeling_of(score) for score in (0.25, 0.249, -0.25, -0.251)] == [
        Feeling.POSITIVE,
        Feeling.MIXED,
        Feeling.MIXED,
        Feeling.NEGATIVE,
    ]


@pytest.mark.parametrize(
    ("kind", "rating", "score", "needed"),
    [
        (Kind.NPS, 6, 0.9, True),
        (Kind.NPS, 7, -0.9, True),
        (Kind.NPS, 10, -0.9, False),
        (Kind.TICKET, None, -0.3, True),
        (Kind.TICKET, None, 0.0, False),
        (Kind.REVIEW, 2, None, True),
        (Kind.REVIEW, 4, None, False),
    ],
)
def test_who_is_to_be_won_back(kind: Kind, rating: int | None, score: float | None, needed: bool) -> None:
    assert needs_recovery(kind, rating, score) is needed


def test_net_promoter_score() -> None:
    assert net_promoter_score([]) is None
    assert net_promoter_score([10, 9, 8, 6, 0]) == 0.0
    assert net_promoter_score([10, 9, 9, 7]) == 75.0


def test_newer_opinions_weigh_more() -> None:
    level, change = sentiment_traits([-1.0, 1.0])
    assert level == pytest.approx((-1 + 0.7) / 1.7)
    assert change == -2.0
    assert sentiment_traits([0.4]) == (0.4, None)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=10))
def test_levels_stay_in_range(scores: list[float]) -> None:
    level, change = sentiment_traits(scores)
    assert -1.0000001 <= level <= 1.0000001
    assert change is None or -2.0000001 <= change <= 2.0000001


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("The parcel arrived late and the box leaked", [Topic.DELIVERY, Topic.PACKAGING]),
        ("Overpriced, and my coupon did not work at checkout", [Topic.PRICE, Topic.PAYMENT, Topic.LOYALTY]),
        ("送餐太慢，客服态度差", [Topic.DELIVERY, Topic.SERVICE]),
        ("积分到期了，要求退款", [Topic.RETURNS, Topic.LOYALTY]),
        ("The apple was fine", []),
    ],
)
def test_topics_are_found_by_their_words(text: str, topics: list[Topic]) -> None:
    assert topics_in(text) == topics
