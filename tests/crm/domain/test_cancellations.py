from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.domain.cancellations import Cancellation, Match, Sale, match_cancellations
from tests.conftest import NOW


def sale(line: int, remaining: int, day: int, price: int = 100) -> Sale:
    return Sale(line, 1000 + line, 7, "sku", price, remaining, NOW + timedelta(days=day))


def cancellation(row: int, quantity: int, day: int, price: int = 100) -> Cancellation:
    return Cancellation(row, 7, "sku", price, quantity, NOW + timedelta(days=day))


def test_the_latest_earlier_sale_comes_back_first() -> None:
    matches, refused = match_cancellations(
        [sale(1, 5, 0), sale(2, 5, 1), sale(3, 5, 9)], [cancellation(1, 7, 2)]
    )
    assert matches == [Match(1, 1002, 2, 5, 500), Match(1, 1001, 1, 2, 200)]
    assert refused == {}


def test_all_or_nothing_leaves_the_sales_for_others() -> None:
    matches, refused = match_cancellations([sale(1, 3, 0)], [cancellation(1, 4, 1), cancellation(2, 3, 2)])
    assert matches == [Match(2, 1001, 1, 3, 300)]
    assert refused == {1: "cancels_more_than_sold"}


def test_another_price_or_a_later_sale_is_no_sale() -> None:
    _, refused = match_cancellations([sale(1, 3, 5), sale(2, 3, 0, price=99)], [cancellation(1, 1, 1)])
    assert refused == {1: "cancels_unknown_sale"}


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=8),
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9)), max_size=8),
)
def test_nothing_comes_back_twice_and_every_row_is_settled(
    sold: list[tuple[int, int]], cancelled: list[tuple[int, int]]
) -> None:
    sales = [sale(line, quantity, day) for line, (quantity, day) in enumerate(sold)]
    rows = [cancellation(row, quantity, day) for row, (quantity, day) in enumerate(cancelled)]
    matches, refused = match_cancellations(sales, rows)
    taken: Counter[int] = Counter()
    matched: Counter[int] = Counter()
    for match in matches:
        taken[match.line_id] += match.quantity
        matched[match.row_number] += match.quantity
    assert all(taken[each.line_id] <= each.remaining for each in sales)
    assert set(matched) | set(refused) == {row.row_number for row in rows}
    assert all(matched[row.row_number] in {0, row.quantity} for row in rows)
    assert not set(matched) & set(refused)
