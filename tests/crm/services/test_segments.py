from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.rules import matches, parse
from crm.models import Customer, OrderSummary, SegmentMember
from crm.queries import customers, facts, segment_sql
from crm.services import segments, traits
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db

TEXTS = st.sampled_from(["", "a", "b", "B", "é", "aé", "10", "\U0001f600", "null"])
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 2.5, -1.25]))
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    attribute, trait, measure = (
        st.sampled_from(["x", "y"]),
        st.sampled_from(["t", "u"]),
        st.sampled_from(["count", "revenue_minor", "returned_minor", "days_since_first", "days_since_last"]),
    )
    absent = st.sampled_from(["exists", "missing"])
    ordered = st.sampled_from(["gt", "gte", "lt", "lte"])
    equal = st.sampled_from(["eq", "ne"])

    def node(source: str, name: Any, values: Any, in_order: Any) -> Any:
        one = {source: name}
        return st.one_of(
            st.fixed_dictionaries(one | {"op": absent}),
            st.fixed_dictionaries(one | {"op": equal, "value": values}),
            st.fixed_dictionaries(one | {"op": ordered, "value": in_order}),
            st.fixed_dictionaries(
                one | {"op": st.just("in"), "value": st.lists(values, min_size=1, max_size=3)}
            ),
        )

    either = st.one_of(TEXTS, NUMBERS)
    contains = st.fixed_dictionaries({"op": st.just("contains"), "value": TEXTS})
    return st.one_of(
        node("attribute", attribute, SCALARS, either),
        node("trait", trait, either, either),
        node("orders", measure, NUMBERS, NUMBERS),
        st.builds(lambda rest, name: {"attribute": name, **rest}, contains, attribute),
        st.builds(lambda rest, name: {"trait": name, **rest}, contains, trait),
    )


RULES = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.builds(lambda rules: {"all": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rules: {"any": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rule: {"not": rule}, inner),
    ),
    max_leaves=6,
)


@pytest.fixture
def population(crowd: Tenant, scope: Tenant) -> list[Customer]:
    values: list[Any] = [
        "",
        "a",
        "B",
        "é",
        "10",
        0,
        2.5,
        10,
        -3,
        True,
        False,
        None,
        [1],
        {"a": 1},
        "\U0001f600",
    ]
    people = [
        Customer.objects.create(
            created_at=NOW, updated_at=NOW, attributes={"x": value} | ({"y": "b"} if at % 2 else {})
        )
        for at, value in enumerate(values)
    ]
    people.append(Customer.objects.create(created_at=NOW, updated_at=NOW))
    traits.write_many(
        name="t",
        values={each.pk: number / 2 for number, each in enumerate(people[:8])},
        model_version="v",
        at=NOW,
    )
    traits.write_many(
        name="u",
        values={each.pk: text for each, text in zip(people, ["a", "aé", "10", ""], strict=False)},
        model_version="v",
        at=NOW,
    )
    for number, each in enumerate(people[3:12]):
        OrderSummary.objects.create(
            customer=each,
            orders_count=number,
            revenue_minor=number * 2,
            returned_minor=number % 3,
            first_order_at=NOW - timedelta(days=number, microseconds=1) if number else None,
            last_order_at=NOW - timedelta(hours=20 * number) if number else None,
        )
    return people


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=RULES)
def test_sql_and_python_agree_on_every_rule(population: list[Customer], data: Any) -> None:
    rule = parse(data)
    people = customers.with_details().filter(pk__in=[each.pk for each in population])
    expected = {each.pk for each in people if matches(rule, facts.of_customer(each), NOW)}
    statement, params = segment_sql.matching(rule, tenant_id=population[0].tenant_id, at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        assert {row[0] for row in cursor.fetchall()} == expected


def test_rule_segment_follows_its_rule(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    young, old = (
        factories.customer("c1", attributes={"age": 20}),
        factories.customer("c2", attributes={"age": 60}),
    )
    segment = factories.segment("young", rule={"attribute": "age", "op": "lt", "value": 30})
    assert segment.member_count == 1
    assert segment.refreshed_at == NOW
    segment = segments.change_rule(
        segment=segment, rule={"attribute": "age", "op": "gte", "value": 30}, by=actor, at=NOW
    )
    assert list(SegmentMember.objects.values_list("customer_id", flat=True)) == [old.pk]
    assert young.pk != old.pk
    assert segment.member_count == 1


def test_members_that_stay_keep_the_day_they_joined(scope: Tenant) -> None:
    customer = factories.customer("c1", attributes={"age": 20})
    segment = factories.segment("any", rule={"attribute": "age", "op": "exists"})
    later = NOW + timedelta(days=3)
    factories.customer("c2", attributes={"age": 30})
    segments.refresh(segment=segment, at=later)
    joined = dict(SegmentMember.objects.values_list("customer_id", "joined_at"))
    assert joined.pop(customer.pk) == NOW
    assert list(joined.values()) == [later]


def test_a_failing_refresh_keeps_the_members_and_says_why(scope: Tenant) -> None:
    factories.customer("c1", attributes={"age": 20})
    segment = factories.segment("any", rule={"attribute": "age", "op": "exists"})
    segment.rule = {"nonsense": 1}
    segment.save()
    segment = segments.refresh(segment=segment, at=NOW)
    assert segment.last_error.startswith("RuleError")
    assert SegmentMember.objects.count() == 1


def test_static_list(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    first, second = factories.customer("c1"), factories.customer("c2")
    segment = factories.segment("list")
    both = [first.pk, second.pk]
    assert segments.add_members(segment=segment, customer_ids=both, by=actor, at=NOW) == 2
    assert segments.add_members(segment=segment, customer_ids=both, by=actor, at=NOW) == 0
    assert segments.remove_members(segment=segment, customer_ids=[first.pk], by=actor, at=NOW) == 1
    segment.refresh_from_db()
    assert segment.member_count == 1


def test_computed_members_are_not_edited_by_hand(scope: Tenant, actor: Actor) -> None:
    segment = factories.segment("any", rule={"attribute": "age", "op": "exists"})
    with pytest.raises(segments.MembersAreComputed):
        segments.add_members(segment=segment, customer_ids=[], by=actor, at=NOW)


def test_model_segment_is_replaced_whole(crowd: Tenant, scope: Tenant) -> None:
    first, second, third = (factories.customer(f"c{number}") for number in range(1, 4))

    def publish(members: dict[int, str]) -> dict[int, str]:
        segments.publish_model_segment(key="loyal", name="Loyal", description="d", members=members, at=NOW)
        return dict(SegmentMember.objects.values_list("customer_id", "reason"))

    assert publish({first.pk: "often", second.pk: "much"}) == {first.pk: "often", second.pk: "much"}
    assert publish({second.pk: "more", third.pk: "new"}) == {second.pk: "more", third.pk: "new"}


def test_a_model_cannot_take_over_a_list(scope: Tenant) -> None:
    factories.segment("vip")
    with pytest.raises(segments.SegmentKeyTaken):
        segments.publish_model_segment(key="vip", name="x", description="", members={}, at=NOW)


def test_bad_rule_is_named_by_pointer(scope: Tenant) -> None:
    with pytest.raises(InvalidInput) as caught:
        factories.segment("bad", rule={"all": [{"orders": "count", "op": "eq", "value": "x"}]})
    assert [error.pointer for error in caught.value.errors] == ["/rule/all/0/value"]
