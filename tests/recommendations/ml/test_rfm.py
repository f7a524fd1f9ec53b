from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.history import PurchaseHistory
from recommendations.ml.leakage import FutureLeak, refuse_future_leaks
from recommendations.ml.rfm import (
    FEATURES,
    FeatureTable,
    features_as_of,
    mean_repeat_value,
    recency_frequency_age,
)
from tests.recommendations.ml.histories import history, simulated


def column(table: FeatureTable, name: str) -> list[float]:
    return table.columns((name,))[:, 0].tolist()


def test_features_of_two_customers_by_hand() -> None:
    bought = history((0, 10, 400), (0, 20, 600), (0, 40, 500), (2, 5, 300))
    table = features_as_of(bought, 45)
    assert table.rows.tolist() == [0, 2]
    assert column(table, "recency_days") == [5, 40]
    assert column(table, "purchase_days") == [3, 1]
    assert column(table, "tenure_days") == [35, 40]
    assert column(table, "spend_minor") == [1500, 300]
    assert column(table, "mean_day_minor") == [500, 300]
    assert column(table, "largest_day_minor") == [600, 300]
    assert column(table, "purchase_days_30") == [2, 0]
    assert column(table, "spend_minor_30") == [1100, 0]
    assert column(table, "mean_gap_days") == [15, 0]
    assert column(table, "gap_deviation_days") == [5, 0]
    assert column(table, "overdue") == [pytest.approx(1 / 3), 1.0]


def test_the_cut_off_day_itself_is_the_future() -> None:
    table = features_as_of(history((0, 10, 400), (0, 20, 600)), 20)
    assert column(table, "purchase_days") == [1]
    assert column(table, "recency_days") == [10]


def test_discount_share_is_of_the_shelf_price() -> None:
    bought = PurchaseHistory(*(np.array([value]) for value in (0, 3, 1, 750, 250)), customers=1)
    assert column(features_as_of(bought, 4), "discount_share") == [0.25]


def test_nobody_bought_before_the_first_day() -> None:
    table = features_as_of(history((0, 10, 400)), 10)
    assert table.values.shape == (0, len(FEATURES))
    assert recency_frequency_age(history((0, 10, 400)), 10)[1].shape == (0, 3)
    assert mean_repeat_value(history((0, 10, 400)), 10)[1].shape == (0, 2)


def test_recency_frequency_age_counts_repeats() -> None:
    rows, values = recency_frequency_age(history((0, 10, 1), (0, 20, 1), (0, 40, 1), (1, 5, 1)), 45)
    assert rows.tolist() == [0, 1]
    assert values.tolist() == [[2, 30, 35], [0, 0, 40]]


def test_mean_repeat_value_leaves_the_first_purchase_out() -> None:
    rows, values = mean_repeat_value(history((0, 10, 9_999), (0, 20, 100), (0, 40, 300), (1, 5, 1)), 45)
    assert rows.tolist() == [0]
    assert values.tolist() == [[2, 200]]


@given(st.integers(min_value=0, max_value=2**16), st.integers(min_value=1, max_value=200))
def test_features_do_not_depend_on_the_future(seed: int, cut_off: int) -> None:
    refuse_future_leaks(features_as_of, simulated(6, 200, seed), cut_off)


def test_a_planted_leak_is_caught_by_name() -> None:
    def leaking(bought: PurchaseHistory, cut_off: int) -> FeatureTable:
        table = features_as_of(bought, cut_off)
        later = bought.purchase_days_between(cut_off, cut_off + 30)[table.rows]
        return FeatureTable(table.rows, (*table.names, "sneak"), np.column_stack([table.values, later]))

    with pytest.raises(FutureLeak) as caught:
        refuse_future_leaks(leaking, simulated(20, 200, 1), 100)
    assert caught.value.names == ("sneak",)


def test_customers_who_only_exist_in_the_future_are_a_leak() -> None:
    def leaking(bought: PurchaseHistory, cut_off: int) -> FeatureTable:
        return features_as_of(bought, cut_off + 1)

    with pytest.raises(FutureLeak, match="rows"):
        refuse_future_leaks(leaking, history((0, 10, 1), (1, 90, 1)), 50)
