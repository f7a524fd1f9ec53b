"""A rule tree as one SQL statement over the customers.

Agrees with `crm.domain.rules.matches` node by node. Every leaf becomes a join or a grouped relation that is
read once, so the same statement serves a million customers and, restricted by ``only``, the thousand that
something happened to. Values travel as parameters, names of columns come from constants.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm.domain.profile_traits import CATEGORY_SHARE, PROFILE_TRAITS, TEXT, is_profile_trait
from crm.domain.rules import (
    AllOf,
    AnyOf,
    Condition,
    CustomerField,
    EventCount,
    EventSequence,
    InSegment,
    Leaf,
    Not,
    OrderMeasure,
    PersonField,
    Purchases,
    RandomBucket,
    Rule,
    Source,
    Times,
)
from crm.queries import rule_sources
from crm.queries import segment_sql_behaviour as behaviour
from crm.queries.segment_sql_behaviour import Reading
from crm.queries.segment_sql_values import Columns, Fragment, column_test, json_test

_DAYS_SINCE = "floor(extract(epoch FROM (%s::timestamptz - {column})) / 86400)::bigint"
_TOTALS = {
    OrderMeasure.COUNT: "coalesce(s.orders_count, 0)",
    OrderMeasure.REVENUE_MINOR: "coalesce(s.revenue_minor, 0)",
    OrderMeasure.RETURNED_MINOR: "coalesce(s.returned_minor, 0)",
}
_MOMENT_COLUMNS = {
    OrderMeasure.DAYS_SINCE_FIRST: "s.first_order_at",
    OrderMeasure.DAYS_SINCE_LAST: "s.last_order_at",
    CustomerField.DAYS_SINCE_CREATED: "c.created_at",
    CustomerField.DAYS_SINCE_FIRST_SEEN: "c.first_seen_at",
    CustomerField.DAYS_SINCE_LAST_SEEN: "c.last_seen_at",
    CustomerField.DAYS_SINCE_JOINED: "c.member_since",
}
_BIRTHDAY = "(p.birth_on + make_interval(years => (%s - extract(year FROM p.birth_on))::integer))::date"
_AGE = f"((%s - extract(year FROM p.birth_on))::bigint - ({_BIRTHDAY} > %s)::integer)"
_TO_BIRTHDAY = (
    f"(CASE WHEN {_BIRTHDAY} >= %s THEN {_BIRTHDAY} - %s::date ELSE {_BIRTHDAY} - %s::date END)::bigint"
)
_SUMMARY = "LEFT JOIN crm_ordersummary s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id"
_PERSON = "LEFT JOIN crm_person p ON p.tenant_id = c.tenant_id AND p.customer_id = c.id"
_PROFILE = "LEFT JOIN crm_customerprofile q ON q.tenant_id = c.tenant_id AND q.customer_id = c.id"
_CATEGORY_SHARE = "(q.category_shares ->> %s)::float8"
_BUCKET = "(('x' || left(md5(%s || ':' || c.public_id::text), 8))::bit(32)::bigint %% 10000)"


def matching(
    rule: Rule, *, tenant_id: int, at: datetime, zone: ZoneInfo, only: Iterable[int] | None = None
) -> tuple[str, list[Any]]:
    """Return the statement that selects the ids of the active customers who match, and its parameters.

    ``only`` restricts it to these customers. Days are those of ``zone``, the tenant's.
    """
    reading = Reading(tenant_id, at, zone, None if only is None else tuple(only))
    return _Statement(reading).selecting(rule)


class _Statement:
    """Collects the relations and joins that the leaves need, each once."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.relations: list[Fragment] = []
        self.joins: list[Fragment] = []
        self.alias_by_relation: dict[Any, str] = {}

    def selecting(self, rule: Rule) -> tuple[str, list[Any]]:
        condition, params = self.condition(rule)
        tenant_id, only = self.reading.tenant_id, self.reading.only
        named = ", ".join(
            f"r{number} AS MATERIALIZED ({sql})" for number, (sql, _) in enumerate(self.relations)
        )
        start, start_params = "crm_customer c", []
        if only is not None:
            start = "unnest(%s::bigint[]) t(id) JOIN crm_customer c ON c.tenant_id = %s AND c.id = t.id"
            start_params = [list(only), tenant_id]
        joins = " ".join(sql for sql, _ in self.joins)
        sql = (
            f"{f'WITH {named} ' if named else ''}SELECT c.id FROM {start} {joins}"  # noqa: S608 - compiled with parameters
            f" WHERE c.tenant_id = %s AND c.state = 'active' AND {condition}"
        )
        before = [each for _, own in self.relations for each in own]
        beside = [each for _, own in self.joins for each in own]
        return sql, [*before, *start_params, *beside, tenant_id, *params]

    def condition(self, rule: Rule) -> Fragment:
        if isinstance(rule, AllOf | AnyOf):
            parts = [self.condition(each) for each in rule.rules]
            joint = " AND " if isinstance(rule, AllOf) else " OR "
            return f"({joint.join(sql for sql, _ in parts)})", [each for _, own in parts for each in own]
        if isinstance(rule, Not):
            inner, params = self.condition(rule.rule)
            # NULL means false everywhere else; only here it would mean something else.
            return f"(NOT coalesce({inner}, false))", params
        return self.leaf(rule)

    def leaf(self, leaf: Leaf) -> Fragment:
        if isinstance(leaf, EventCount):
            counted = ("events", leaf.pattern, leaf.window)
            return _times(self.relation(counted, behaviour.event_count(leaf, self.reading)), leaf.times)
        if isinstance(leaf, Purchases):
            bought = ("bought", leaf.measure, leaf.of, leaf.name, leaf.window)
            return _times(self.relation(bought, behaviour.purchases(leaf, self.reading)), leaf.times)
        if isinstance(leaf, EventSequence):
            alias = self.relation(leaf, behaviour.event_sequence(leaf, self.reading))
            return f"{alias}.customer_id IS NOT NULL", []
        if isinstance(leaf, InSegment):
            return f"{self.membership(leaf)}.customer_id IS NOT NULL", []
        if isinstance(leaf, RandomBucket):
            low, high = leaf.bounds
            return f"{_BUCKET} >= %s AND {_BUCKET} < %s", [leaf.seed, low, leaf.seed, high]
        return self.comparison(leaf)

    def comparison(self, leaf: Condition) -> Fragment:
        if leaf.source is Source.ATTRIBUTE:
            return json_test(leaf, "c.attributes")
        if leaf.source is Source.TRAIT and is_profile_trait(leaf.name):
            self.join(_PROFILE)
            return _profile_test(leaf)
        if leaf.source is Source.TRAIT:
            alias = self.trait(leaf.name)
            return column_test(leaf, Columns(f"{alias}.number", f"{alias}.text", is_float=True))
        if leaf.source in {Source.LOYALTY, Source.CONSENT}:
            return self.lent(leaf)
        expression, params = self.own_column(leaf)
        is_text = leaf.source is Source.PERSON and expression.startswith("nullif")
        columns = Columns(text=expression) if is_text else Columns(number=expression)
        sql, values = column_test(leaf, columns)
        # The expression stands as often as the comparison needs it, before the compared value.
        return sql, [*params * sql.count(expression), *values]

    def own_column(self, leaf: Condition) -> Fragment:
        """Return the expression of a total, a moment's age or a personal field."""
        if leaf.source is Source.PERSON:
            self.join(_PERSON)
            return _personal(PersonField(leaf.name), self.reading)
        if leaf.source is Source.ORDERS:
            self.join(_SUMMARY)
        name = OrderMeasure(leaf.name) if leaf.source is Source.ORDERS else CustomerField(leaf.name)
        if name in _MOMENT_COLUMNS:
            return _DAYS_SINCE.replace("{column}", _MOMENT_COLUMNS[name]), [self.reading.at]
        return _TOTALS[OrderMeasure(name)], []

    def trait(self, name: str) -> str:
        alias = self.alias(("trait", name))
        self.join(
            f"LEFT JOIN crm_computedtrait {alias} ON {alias}.tenant_id = c.tenant_id"
            f" AND {alias}.customer_id = c.id AND {alias}.name = %s",
            name,
        )
        return alias

    def lent(self, leaf: Condition) -> Fragment:
        source = rule_sources.registered(leaf.source)
        if source is None:
            return column_test(leaf, Columns())
        alias = self.alias(("lent", leaf.source, leaf.name))
        sql, params = source.relation(leaf.name)
        self.join(f"LEFT JOIN ({sql}) {alias} ON {alias}.customer_id = c.id", *params)
        return column_test(leaf, Columns(f"{alias}.number", f"{alias}.text", is_float=True))

    def membership(self, leaf: InSegment) -> str:
        alias = self.alias(leaf)
        self.join(
            f"LEFT JOIN crm_segmentmember {alias} ON {alias}.tenant_id = c.tenant_id"  # noqa: S608 - constants
            f" AND {alias}.customer_id = c.id AND {alias}.segment_id ="
            " (SELECT g.id FROM crm_segment g WHERE g.tenant_id = %s AND g.key = %s)",
            self.reading.tenant_id,
            leaf.key,
        )
        return alias

    def relation(self, key: Any, fragment: Fragment) -> str:
        """Return the alias of a grouped relation: read once for all, or beside each of some customers."""
        if key not in self.alias_by_relation:
            sql, params = fragment
            if self.reading.only is None:
                alias = f"r{len(self.relations)}"
                self.relations.append(fragment)
                self.join(f"LEFT JOIN {alias} ON {alias}.customer_id = c.id")
            else:
                alias = f"l{len(self.joins)}"
                self.join(f"LEFT JOIN LATERAL ({sql}) {alias} ON true", *params)
            self.alias_by_relation[key] = alias
        return self.alias_by_relation[key]

    def alias(self, key: Any) -> str:
        return self.alias_by_relation.setdefault(key, f"j{len(self.alias_by_relation)}")

    def join(self, sql: str, *params: Any) -> None:
        if (sql, list(params)) not in self.joins:
            self.joins.append((sql, list(params)))


def _times(alias: str, times: Times) -> Fragment:
    tests: list[str] = []
    params: list[Any] = []
    if times.at_least:
        tests.append(f"{alias}.n >= %s")
        params.append(times.at_least)
    if times.at_most is not None:
        tests.append(f"coalesce({alias}.n, 0) <= %s")
        params.append(times.at_most)
    return (f"({' AND '.join(tests)})", params) if tests else ("true", [])


def _profile_test(leaf: Condition) -> Fragment:
    if leaf.name.startswith(CATEGORY_SHARE):
        sql, params = column_test(leaf, Columns(number=_CATEGORY_SHARE, is_float=True))
        return sql, [leaf.name.removeprefix(CATEGORY_SHARE)] * sql.count(_CATEGORY_SHARE) + params
    column = f"q.{leaf.name}"
    is_text = PROFILE_TRAITS[leaf.name] == TEXT
    return column_test(leaf, Columns(text=column) if is_text else Columns(number=column))


def _personal(name: PersonField, reading: Reading) -> Fragment:
    today = reading.at.astimezone(reading.zone).date()
    if name is PersonField.BIRTH_MONTH:
        return "extract(month FROM p.birth_on)::bigint", []
    if name is PersonField.AGE_YEARS:
        return _AGE, [today.year, today.year, today]
    if name is PersonField.DAYS_TO_BIRTHDAY:
        return _TO_BIRTHDAY, [today.year, today, today.year, today, today.year + 1, today]
    return f"nullif(p.{name.value}, '')", []
