from __future__ import annotations

from datetime import timedelta

import pytest

from crm.models import SegmentMember
from crm.services import segment_lists, segment_refresh, segments
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


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
    segment_refresh.refresh(segment=segment, at=later)
    joined = dict(SegmentMember.objects.values_list("customer_id", "joined_at"))
    assert joined.pop(customer.pk) == NOW
    assert list(joined.values()) == [later]


def test_a_failing_refresh_keeps_the_members_and_says_why(scope: Tenant) -> None:
    factories.customer("c1", attributes={"age": 20})
    segment = factories.segment("any", rule={"attribute": "age", "op": "exists"})
    segment.rule = {"nonsense": 1}
    segment.save()
    segment = segment_refresh.refresh(segment=segment, at=NOW)
    assert segment.last_error.startswith("RuleError")
    assert SegmentMember.objects.count() == 1


def test_static_list(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    first, second = factories.customer("c1"), factories.customer("c2")
    segment = factories.segment("list")
    both = [first.pk, second.pk]
    assert segment_lists.add_members(segment=segment, customer_ids=both, by=actor, at=NOW) == 2
    assert segment_lists.add_members(segment=segment, customer_ids=both, by=actor, at=NOW) == 0
    assert segment_lists.remove_members(segment=segment, customer_ids=[first.pk], by=actor, at=NOW) == 1
    segment.refresh_from_db()
    assert segment.member_count == 1


def test_computed_members_are_not_edited_by_hand(scope: Tenant, actor: Actor) -> None:
    segment = factories.segment("any", rule={"attribute": "age", "op": "exists"})
    with pytest.raises(segment_lists.MembersAreComputed):
        segment_lists.add_members(segment=segment, customer_ids=[], by=actor, at=NOW)


def test_model_segment_is_replaced_whole(crowd: Tenant, scope: Tenant) -> None:
    first, second, third = (factories.customer(f"c{number}") for number in range(1, 4))

    def publish(members: dict[int, str]) -> dict[int, str]:
        segments.publish_model_segment(key="loyal", name="Loyal", description="d", members=members, at=NOW)
        return dict(SegmentMember.objects.values_list("customer_id", "reason"))

    assert publish({first.pk: "often", second.pk: "much"}) == {first.pk: "often", second.pk: "much"}
    assert publish({second.pk: "more", third.pk: "new"}) == {second.pk: "more", third.pk: "new"}


def test_a_model_cannot_take_over_a_list(scope: Tenant) -> None:
    factories.segment("vip")
    with pytest.raises(segment_lists.SegmentKeyTaken):
        segments.publish_model_segment(key="vip", name="x", description="", members={}, at=NOW)


def test_bad_rule_is_named_by_pointer(scope: Tenant) -> None:
    with pytest.raises(InvalidInput) as caught:
        factories.segment("bad", rule={"all": [{"orders": "count", "op": "eq", "value": "x"}]})
    assert [error.pointer for error in caught.value.errors] == ["/rule/all/0/value"]
