"""Topics that texts speak of and nobody has named: found, grouped, readable, always the same."""

from __future__ import annotations

from crm.domain.topic_words import Proposal, proposals, terms_of
from crm.domain.topics import pattern_of, topics_in

QUEUE = [
    "The queue at the till was endless",
    "Stood in the queue, only one till open",
    "Queue and till again",
]
PARKING = [
    "No parking near the garage",
    "The parking garage is full",
    "Parking in your garage was free of trouble",
]
DELIVERY = ["The delivery queue was slow", "Delivery came to the parking lot"]


def test_words_that_stand_together_make_a_proposal() -> None:
    found = proposals([*QUEUE, *PARKING, "Something else entirely"], DELIVERY)
    assert [set(each.words) for each in found] == [{"garage", "parking"}, {"queue", "till"}]
    assert all(each.texts == 3 for each in found)
    assert found == proposals([*QUEUE, *PARKING, "Something else entirely"], DELIVERY)


def test_what_is_frequent_elsewhere_stands_lower() -> None:
    covered = ["The queue, the till and the delivery"] * 40
    first, second = proposals([*QUEUE, *PARKING], covered)
    assert set(first.words) == {"garage", "parking"}
    assert set(second.words) == {"queue", "till"}


def test_chinese_words_are_whole() -> None:
    texts = ["停车场太小了", "停车场总是满的", "你们的停车场收费吗", "喜欢这里"]
    [found] = proposals(texts, [])
    assert found == Proposal(("停车场",), 3)


def test_too_few_texts_are_no_topic() -> None:
    assert proposals(QUEUE[:2], []) == []
    assert proposals([], []) == []
    assert len(proposals([*QUEUE, *PARKING], [], most=1)) == 1


def test_terms_are_words_and_pairs_without_filler() -> None:
    assert terms_of("The self checkout, really: it’s 12 slow") == {
        "self",
        "checkout",
        "self checkout",
        "slow",
    }


def test_own_words_are_found_with_their_endings() -> None:
    own = {"queue": pattern_of(["queue", "self  checkout", "排队"]), "c": pattern_of(["c++ (new)"])}
    assert topics_in("Long QUEUES!", own) == ["queue"]
    assert topics_in("the self\ncheckout", own) == ["payment", "queue"]
    assert topics_in("要排队很久", own) == ["queue"]
    assert topics_in("a barbecue", own) == []
    assert topics_in("C++ (new) parcel", own) == ["delivery", "c"]
