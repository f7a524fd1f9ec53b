"""Orders in other currencies: exchanged by the program's rates, or worth nothing and told so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rewards.domain.documents import InvalidDocument, parse, to_json
from rewards.domain.engine import evaluate
from rewards.domain.exchange import Exchange
from rewards.domain.facts import CustomerState, Happening, Line, order_placed

AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
POINT_A_DOLLAR = {"type": "points", "wallet": "points", "points": 1, "per_minor": 100}
FIXED = {"type": "points", "wallet": "points", "points": 7}


def program(*rules: dict[str, Any], **policies: Any) -> Any:
    written = [{"key": f"r{number}", "name": "R", **rule} for number, rule in enumerate(rules)]
    return parse(
        {"wallets": [{"key": "points", "name": "Points"}], "rules": written, "policies": policies}
    )  # fmt: skip


def order(currency: str, *amounts: int, own: str = "USD", **rates: str) -> Happening:
    lines = [Line(place, "A", amount) for place, amount in enumerate(amounts, start=1)]
    exchange = Exchange(own, {name: Decimal(rate) for name, rate in rates.items()})
    return order_placed(AT, sum(amounts), "web", lines, currency=currency, exchange=exchange)


def points(revision: Any, event: Happening) -> int:
    return evaluate(revision, CustomerState(), event).points


@pytest.mark.parametrize(
    ("own", "currency", "rate", "amount", "expected"),
    [
        # 10,000 JPY at 0.0067 are 67.00 USD: yen have no decimals, dinars three.
        ("USD", "JPY", "0.0067", 10_000, 6_700),
        ("USD", "BHD", "2.65", 1_000, 265),
        ("JPY", "USD", "149.25", 6_700, 10_000),
        ("BHD", "JPY", "0.0025", 1_000, 2_500),
        ("USD", "EUR", "1.085", 1_001, 1_086),
        ("USD", "EUR", "1.085", -1_001, -1_086),
        ("USD", "USD", "3", 500, 500),
        ("USD", "GBP", None, 500, 0),
    ],
)
def test_minor_units_are_those_of_each_currency(
    own: str, currency: str, rate: str | None, amount: int, expected: int
) -> None:
    exchange = Exchange(own, {currency: Decimal(rate)} if rate else {})
    assert exchange.minor(amount, currency) == expected


def test_money_of_another_currency_earns_by_its_rate_and_by_none_nothing() -> None:
    revision = program({"effects": [POINT_A_DOLLAR]}, {"effects": [FIXED]})
    assert points(revision, order("USD", 10_000)) == 107
    assert points(revision, order("JPY", 10_000, JPY="0.0067")) == 74
    lost = evaluate(revision, CustomerState(), order("JPY", 6_000, 4_000)).decision.to_json()
    assert (lost["given"], lost["exchange"]) == (
        {"points": 7},
        {"currency": "JPY", "reason": "no_exchange_rate"},
    )
    known = evaluate(revision, CustomerState(), order("JPY", 10_000, JPY="0.0067")).decision.to_json()
    assert known["exchange"] == {"currency": "JPY", "rate": "0.0067"}
    assert "exchange" not in evaluate(revision, CustomerState(), order("USD", 1)).decision.to_json()


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({"order": "currency", "op": "eq", "value": "JPY"}, [False, True, True]),
        ({"order": "currency", "op": "in", "value": ["USD", "EUR"]}, [True, False, False]),
        ({"order": "total_minor", "op": "gte", "value": 5_000}, [True, True, False]),
        # Nobody knows whether it is less.
        ({"order": "total_minor", "op": "lt", "value": 50_000}, [True, True, False]),
        ({"basket": "amount_minor", "op": "lt", "value": 50_000}, [True, True, False]),
        ({"basket": "units", "op": "eq", "value": 1}, [True, True, True]),
    ],
)
def test_conditions_ask_the_currency_and_exchanged_money(
    condition: dict[str, Any], matches: list[bool]
) -> None:
    revision = program({"effects": [FIXED], "when": {"all": [condition]}})
    events = (order("USD", 10_000), order("JPY", 10_000, JPY="0.0067"), order("JPY", 10_000))
    assert [points(revision, event) > 0 for event in events] == matches


def test_rates_are_written_as_they_were_typed() -> None:
    revision = program(exchange_rates={"JPY": "0.0067", "EUR": 1.085, "BHD": "2.650"})
    written = to_json(revision)["policies"]["exchange_rates"]
    assert written == {"BHD": "2.650", "EUR": "1.085", "JPY": "0.0067"}
    assert parse(to_json(revision)) == revision
    assert "exchange_rates" not in to_json(program())["policies"]


@pytest.mark.parametrize(
    ("rates", "pointer", "code"),
    [
        ({"yen": "1"}, "yen", "unknown_currency"),
        *(({"JPY": rate}, "JPY", "invalid_rate") for rate in ("0", "-1", "1e3", "NaN", True, 2e6, None, [])),
    ],
)
def test_what_is_no_rate_is_refused(rates: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        program(exchange_rates=rates)
    (error,) = refusal.value.errors
    assert (error.pointer, error.code) == (f"/policies/exchange_rates/{pointer}", code)
