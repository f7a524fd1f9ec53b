"""One definition, two readers: generated rules over generated customers, in SQL and in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.rules import Scalar, Source, matches, parse
from crm.models import (
    Consent,
    Customer,
    Event,
    Item,
    LineKind,
    Order,
    OrderLine,
    OrderSummary,
    Person,
    SegmentMember,
)
from crm.queries import consent_values, customers, facts, rule_sources, segment_sql
from crm.services import profiles, traits
from tenants.models import Tenant
from tenants.scope import active_tenant_id
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("America/New_York")
TEXTS = st.sampled_from(["", "a", "b", "B", "é", "aé", "10", "\U0001f600", "null"])
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 2.5, -1.25]))
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
DECISIONS = st.sampled_from(["granted", "withdrawn", "a"])
_CONSENTS = ["marketing.email", "marketing", "service.sms"]
_OWN_TRAITS = ["active_days", "favourite_category", "days_between_orders", "category_share.a"]
EITHER = st.one_of(TEXTS, NUMBERS)
NAMES = st.sampled_from(["a", "b", "B"])
WINDOWS = st.sampled_from(
    [
        {},
        {"days": 1},
        {"days": 2},
        {"days": 9},
        {"from": "2026-03-12", "to": "2026-03-13"},
        {"to": "2026-03-10"},
    ]
)
TIMES = st.sampled_from(
    [
        {"at_least": 1},
        {"at_most": 0},
        {"at_least": 2},
        {"at_least": 0},
        {"at_least": 1, "at_most": 2},
        {"at_most": 3},
    ]
)


def _comparison(source: str, names: Any, values: Any, in_order: Any) -> Any:
    one = {source: names}
    return st.one_of(
        st.fixed_dictionaries(one | {"op": st.sampled_from(["exists", "missing"])}),
        st.fixed_dictionaries(one | {"op": st.sampled_from(["eq", "ne"]), "value": values}),
        st.fixed_dictionaries(one | {"op": st.sampled_from(["gt", "gte", "lt", "lte"]), "value": in_order}),
        st.fixed_dictionaries(one | {"op": st.just("in"), "value": st.lists(values, min_size=1, max_size=3)}),
        st.fixed_dictionaries(one | {"op": st.just("contains"), "value": TEXTS}) if values is not NUMBERS
        else st.nothing(),
    )  # fmt: skip


def _patterns() -> Any:
    where = st.lists(_comparison("property", st.sampled_from(["p", "q"]), SCALARS, EITHER), max_size=2)
    return st.fixed_dictionaries({"event": NAMES, "where": where})


def _joined(*parts: Any) -> Any:
    return st.tuples(*parts).map(lambda each: {key: value for part in each for key, value in part.items()})


def _leaves() -> Any:
    orders = ["count", "revenue_minor", "returned_minor", "days_since_first", "days_since_last"]
    moments = ["days_since_created", "days_since_first_seen", "days_since_last_seen", "days_since_joined"]
    personal = ["city", "country", "age_years", "birth_month", "days_to_birthday"]
    return st.one_of(
        _comparison("attribute", st.sampled_from(["x", "y"]), SCALARS, EITHER),
        _comparison("trait", st.sampled_from(["t", "u", *_OWN_TRAITS]), EITHER, EITHER),
        _comparison("orders", st.sampled_from(orders), NUMBERS, NUMBERS),
        _comparison("customer", st.sampled_from(moments), NUMBERS, NUMBERS),
        _comparison("person", st.sampled_from(personal), EITHER, EITHER),
        _comparison("loyalty", st.sampled_from(["tier", "points"]), EITHER, EITHER),
        _comparison("consent", st.sampled_from(_CONSENTS), DECISIONS, TEXTS),
        _joined(_patterns(), TIMES, WINDOWS),
        _joined(
            _patterns(),
            st.fixed_dictionaries({"then": _patterns(), "within_days": st.integers(1, 4)}),
            WINDOWS,
        ),
        _joined(
            st.fixed_dictionaries({"bought": st.sampled_from(["orders", "units", "spent_minor"])}),
            st.sampled_from([{}, {"category": "a"}, {"brand": "b"}, {"item": "i1"}, {"item": "none"}]),
            TIMES,
            WINDOWS,
        ),
        st.sampled_from([{"in_segment": "some"}, {"in_segment": "nobody"}]),
        st.builds(
            lambda seed, low, size: {"random": seed, "from_percent": low, "to_percent": low + size},
            st.sampled_from(["s", "ü"]), st.sampled_from([0, 12.5, 60]), st.sampled_from([0.01, 10, 40]),
        ),
    )  # fmt: skip


RULES = st.recursive(
    _leaves(),
    lambda inner: st.one_of(
        st.builds(lambda rules: {"all": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rules: {"any": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rule: {"not": rule}, inner),
    ),
    max_leaves=7,
)

_ATTRIBUTES: list[Any] = [
    "", "a", "B", "é", "10", 0, 2.5, 10, -3, True, False, None, [1], {"a": 1}, "\U0001f600",
]  # fmt: skip


@pytest.fixture
def population(crowd: Tenant, scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[Customer]:
    people = [
        Customer.objects.create(
            created_at=NOW - timedelta(hours=number * 30),
            updated_at=NOW,
            attributes={"x": value} | ({"y": "b"} if number % 2 else {}),
            first_seen_at=NOW - timedelta(days=number) if number % 3 else None,
            member_since=NOW - timedelta(days=number, seconds=1) if number % 4 else None,
        )
        for number, value in enumerate(_ATTRIBUTES)
    ]
    people.append(Customer.objects.create(created_at=NOW, updated_at=NOW))
    ids = [each.pk for each in people]
    halves = {customer_id: number / 2 for number, customer_id in enumerate(ids[:8])}
    traits.write_many(name="t", values=halves, model_version="v", at=NOW)
    words = dict(zip(ids, ["a", "aé", "10", ""], strict=False))
    traits.write_many(name="u", values=words, model_version="v", at=NOW)
    _totals(people)
    _history(people)
    factories.segment("some")
    SegmentMember.objects.bulk_create(
        [
            SegmentMember(segment=factories.segment("same"), customer=people[0], joined_at=NOW),
            *[
                SegmentMember(segment_id=_segment_id("some"), customer=each, joined_at=NOW)
                for each in people[2:9:2]
            ],
        ]
    )
    _decide(people)
    profiles.refresh(customer_ids=ids[1:], at=NOW)
    _lend(monkeypatch, ids)
    return people


def _segment_id(key: str) -> int:
    from crm.models import Segment

    return int(Segment.objects.get(key=key).pk)


def _totals(people: list[Customer]) -> None:
    births = [
        date(1990, 3, 14),
        date(2000, 2, 29),
        date(1985, 3, 13),
        date(1999, 12, 31),
        None,
        date(2030, 1, 1),
    ]
    for number, each in enumerate(people[3:12]):
        OrderSummary.objects.create(
            customer=each,
            orders_count=number,
            revenue_minor=number * 2,
            returned_minor=number % 3,
            first_order_at=NOW - timedelta(days=number, microseconds=1) if number else None,
            last_order_at=NOW - timedelta(hours=20 * number) if number else None,
        )
        Person.objects.create(
            customer=each, birth_on=births[number % 6], city=["a", "", "é"][number % 3], country="b"
        )


def _history(people: list[Customer]) -> None:
    """Events and orders around the midnights of the tenant's zone, many at the same moment."""
    midnight = datetime(2026, 3, 14, tzinfo=ZONE)
    moments = [
        midnight, midnight - timedelta(microseconds=1), NOW, NOW + timedelta(microseconds=1),
        midnight - timedelta(days=1), midnight - timedelta(days=4), NOW - timedelta(days=1, hours=3),
    ]  # fmt: skip
    values: list[Any] = ["a", 2.5, True, None, 10, "é"]
    events = []
    for number, each in enumerate(people):
        for step in range(number % 6):
            moment = moments[(number + step * 3) % len(moments)]
            properties = {"p": values[(number + step) % len(values)]} | ({"q": 1} if step % 2 else {})
            events.append(
                Event(
                    message_id=f"e{number}-{step}", name="abB"[(number + step) % 3], occurred_at=moment,
                    received_at=NOW, customer=each, properties=properties,
                )
            )  # fmt: skip
    Event.objects.bulk_create(events)
    items = [
        Item.objects.create(
            external_id=f"i{number}", category="ab"[number % 2], brand="bc"[number % 2],
            created_at=NOW, updated_at=NOW,
        )
        for number in range(3)
    ]  # fmt: skip
    for number, each in enumerate(people):
        for step in range(number % 4):
            total = 3 + step
            order = Order.objects.create(
                external_id=f"p{number}-{step}", customer=each,
                placed_at=moments[(number * 2 + step) % len(moments)],
                currency="USD", gross_minor=total, total_minor=total,
            )  # fmt: skip
            for position in range(step + 1):
                is_charge = position == 2
                item = items[(number + position) % 3]
                OrderLine.objects.create(
                    order=order, position=position, item=None if is_charge else item, sku=item.external_id,
                    kind=LineKind.CHARGE if is_charge else LineKind.PRODUCT, quantity=1 + position,
                    unit_price_minor=1, gross_minor=1 + position, total_minor=1 + position,
                )  # fmt: skip


def _decide(people: list[Customer]) -> None:
    """Decisions for one channel and for any: newer, older and of the same moment."""
    for number, each in enumerate(people):
        for channel, offset in (("any", number % 3), ("email", number % 4)):
            if number % 5 != offset:
                Consent.objects.create(
                    customer=each,
                    purpose="marketing",
                    channel=channel,
                    is_granted=bool((number + offset) % 2),
                    changed_at=NOW - timedelta(days=offset),
                )


def _lend(monkeypatch: pytest.MonkeyPatch, ids: list[int]) -> None:
    """Register loyalty values, as a higher app would."""
    lent: dict[int, Mapping[str, Scalar]] = {
        customer_id: {"tier": "ab"[number % 2], "points": float(number)}
        for number, customer_id in enumerate(ids[1:12])
    }

    def relation(name: str) -> tuple[str, list[Any]]:
        tier = "(CASE WHEN (id - %s) %% 2 = 0 THEN 'a' ELSE 'b' END)"
        columns = f"NULL::float8 AS number, {tier} AS text"
        if name == "points":
            columns = "(id - %s)::float8 AS number, NULL::text AS text"
        own = "FROM crm_customer WHERE tenant_id = %s AND id BETWEEN %s AND %s"
        sql = f"SELECT id AS customer_id, {columns} {own}"
        return sql, [ids[1], active_tenant_id(), ids[1], ids[11]]

    def values(customer_ids: Iterable[int]) -> Mapping[int, Mapping[str, Scalar]]:
        return {each: lent[each] for each in customer_ids if each in lent}

    source = rule_sources.RuleSource(relation=relation, values=values, names=list)
    known = {Source.LOYALTY: source, Source.CONSENT: consent_values.CONSENTS}
    monkeypatch.setattr(rule_sources, "_source_by_kind", known)


def _selected(rule: Any, tenant_id: int, only: list[int] | None = None) -> set[int]:
    statement, params = segment_sql.matching(rule, tenant_id=tenant_id, at=NOW, zone=ZONE, only=only)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[0] for row in cursor.fetchall()}


@settings(
    max_examples=100,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=RULES)
def test_sql_and_python_agree_on_every_rule(population: list[Customer], data: Any) -> None:
    rule = parse(data)
    people = list(customers.with_details().filter(pk__in=[each.pk for each in population]))
    known = facts.of_customers(people, rule)
    expected = {each.pk for each in people if matches(rule, known[each.pk], NOW, ZONE)}
    tenant_id = population[0].tenant_id
    assert _selected(rule, tenant_id) == expected
    some = sorted(known)[::3]
    assert _selected(rule, tenant_id, some) == expected & set(some)


def test_a_random_share_is_stable_and_of_its_size(scope: Tenant) -> None:
    Customer.objects.bulk_create([Customer(created_at=NOW, updated_at=NOW) for _ in range(2000)])
    tenth = parse({"random": "summer", "from_percent": 0, "to_percent": 10})
    chosen = _selected(tenth, scope.pk)
    assert 140 < len(chosen) < 260
    assert _selected(tenth, scope.pk) == chosen
    rest = parse({"random": "summer", "from_percent": 10, "to_percent": 100})
    assert len(_selected(rest, scope.pk)) == 2000 - len(chosen)
