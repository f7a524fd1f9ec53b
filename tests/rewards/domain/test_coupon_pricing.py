from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_pricing import Offer, allocate, conflicts, price
from rewards.domain.coupon_terms import Base, Benefit, OnConflict, Scope, Stacking, Terms

CART = Cart([CartLine("bread", 1, 333), CartLine("milk", 2, 150), CartLine("wine", 1, 2000)], 500)


def offer(
    code: str, benefit: Benefit, balance: int = 0, stacking: Stacking | None = None, **terms: Any
) -> Offer:
    return Offer(code, Terms(benefit, stacking=stacking or Stacking(), **terms), balance)


def percent(code: str, hundredths: int, **stacking: Any) -> Offer:
    return offer(code, Benefit.PERCENT, percent_hundredths=hundredths, stacking=Stacking(**stacking))


@pytest.mark.parametrize(
    ("each", "by_line", "shipping"),
    [
        # 10 % of 26.33 is 2.633: rounded once, spread by largest remainder.
        (percent("a", 1000), (33, 30, 200), 0),
        (offer("a", Benefit.AMOUNT, amount_minor=100), (13, 11, 76), 0),
        (offer("a", Benefit.AMOUNT, amount_minor=999_999), (333, 300, 2000), 0),
        (offer("a", Benefit.AMOUNT, amount_minor=50, scope=Scope(frozenset({"milk"}))), (0, 50, 0), 0),
        (offer("a", Benefit.FREE_ITEM), (0, 150, 0), 0),
        (offer("a", Benefit.FREE_ITEM, free_quantity=3), (333, 300, 0), 0),
        (offer("a", Benefit.FREE_ITEM, max_discount_minor=100), (0, 100, 0), 0),
        (offer("a", Benefit.SHIPPING), (0, 0, 0), 500),
        (offer("a", Benefit.SHIPPING, amount_minor=200), (0, 0, 0), 200),
        (offer("a", Benefit.STORED_VALUE, balance=2700), (333, 300, 2000), 67),
        (percent("a", 10_000), (333, 300, 2000), 0),
        (offer("a", Benefit.PERCENT, percent_hundredths=5000, max_discount_minor=10), (1, 1, 8), 0),
    ],
)
def test_each_kind_takes_its_amount_off(each: Offer, by_line: tuple[int, ...], shipping: int) -> None:
    (applied,) = price(CART, [each]).applied
    assert (applied.by_line, applied.shipping_minor) == (by_line, shipping)


def test_the_base_decides_what_the_second_percent_is_computed_on() -> None:
    cart = Cart([CartLine("a", 1, 10_000)])
    first = percent("first", 5000, priority=1)
    remaining = price(cart, [percent("second", 5000), first])
    original = price(cart, [percent("second", 5000, base=Base.ORIGINAL), first])
    assert [applied.total_minor for applied in remaining.applied] == [5000, 2500]
    assert [applied.total_minor for applied in original.applied] == [5000, 5000]
    assert original.total_minor == 0


def test_pain_stacking_is_decided_by_priority_and_never_by_who_came_last() -> None:
    three = [
        percent("late", 1000, priority=3),
        percent("early", 2000, priority=1),
        offer("fixed", Benefit.AMOUNT, amount_minor=500, stacking=Stacking(priority=2)),
    ]
    answers = {
        tuple((applied.code, applied.total_minor) for applied in price(CART, order).applied)
        for order in permutations(three)
    }
    assert answers == {(("early", 527), ("fixed", 500), ("late", 161))}


def test_stored_value_pays_last_whatever_its_priority() -> None:
    card = offer("card", Benefit.STORED_VALUE, balance=10_000, stacking=Stacking(priority=1))
    priced = price(Cart([CartLine("a", 1, 10_000)]), [card, percent("half", 5000)])
    assert [(applied.code, applied.total_minor) for applied in priced.applied] == [
        ("half", 5000),
        ("card", 5000),
    ]


def test_the_best_of_a_group_counts_and_the_others_are_named() -> None:
    group = {"group": "season"}
    priced = price(
        CART, [percent("ten", 1000, **group), percent("twenty", 2000, **group), percent("five", 500)]
    )
    assert [applied.code for applied in priced.applied] == ["twenty", "five"]
    assert priced.outdone == ("ten",)


def test_an_exclusive_code_stands_alone_or_gives_way() -> None:
    alone = percent("alone", 3000, is_exclusive=True)
    assert price(CART, [alone, percent("ten", 1000)]).outdone == ("ten",)
    assert price(CART, [alone, percent("half", 5000)]).outdone == ("alone",)
    refusing = percent("alone", 3000, is_exclusive=True, on_conflict=OnConflict.REFUSE)
    assert conflicts([refusing, percent("ten", 1000)]) == {"alone", "ten"}
    assert conflicts([alone, percent("ten", 1000)]) == set()


lines = st.builds(CartLine, st.sampled_from("abc"), st.integers(1, 4), st.integers(0, 5000))
carts = st.builds(Cart, st.lists(lines, min_size=1, max_size=5), st.integers(0, 900))
stackings = st.builds(
    Stacking,
    st.integers(1, 3),
    st.sampled_from(Base),
    st.sampled_from(["", "", "g", "h"]),
    st.booleans(),
    st.just(OnConflict.BEST_OF),
)
terms = st.builds(
    Terms,
    benefit=st.sampled_from(Benefit),
    percent_hundredths=st.integers(1, 10_000),
    amount_minor=st.integers(0, 6000),
    free_quantity=st.integers(1, 3),
    max_discount_minor=st.none() | st.integers(0, 3000),
    scope=st.builds(Scope, st.frozensets(st.sampled_from("abc"), max_size=2)),
    stacking=stackings,
)
offers = st.lists(st.tuples(terms, st.integers(0, 4000)), max_size=5).map(
    lambda many: [Offer(f"code-{n}", each, balance) for n, (each, balance) in enumerate(many)]
)


@given(carts, offers)
@settings(max_examples=150)
def test_sums_are_exact_and_nothing_falls_below_zero(cart: Cart, given_offers: list[Offer]) -> None:
    priced = price(cart, given_offers)
    for index, line in enumerate(cart.lines):
        taken = [applied.by_line[index] for applied in priced.applied]
        assert min(taken, default=0) >= 0
        assert sum(taken) <= line.amount_minor
    assert sum(applied.shipping_minor for applied in priced.applied) <= cart.shipping_minor
    assert priced.total_minor >= 0
    assert {applied.code for applied in priced.applied} | set(priced.outdone) == {
        o.code for o in given_offers
    }
    balance = {each.code: each.balance_minor for each in given_offers}
    benefit = {each.code: each.terms.benefit for each in given_offers}
    for applied in priced.applied:
        if benefit[applied.code] is Benefit.STORED_VALUE:
            assert applied.total_minor <= balance[applied.code]


@given(carts, offers)
@settings(max_examples=60)
def test_no_single_offer_would_have_been_better_than_the_choice(
    cart: Cart, given_offers: list[Offer]
) -> None:
    best = price(cart, given_offers).discount_minor
    lonely = [each for each in given_offers if each.terms.stacking.is_exclusive]
    assert all(price(cart, [each]).discount_minor <= best for each in lonely)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=6), st.integers(0, 900)
)
@settings(max_examples=150)
def test_a_total_is_spread_to_the_last_unit(pairs: list[tuple[int, int]], total: int) -> None:
    weights, rooms = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    total = min(total, sum(rooms))
    shares = allocate(total, weights, rooms)
    assert sum(shares) == total
    assert all(0 <= share <= room for share, room in zip(shares, rooms, strict=True))
