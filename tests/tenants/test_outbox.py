from __future__ import annotations

from datetime import timedelta

import pytest

from tenants.models import AuditEntry, OutboxMessage, Tenant
from tenants.queue import consumes, keeping_quiet, registry
from tenants.scope import tenant_scope
from tenants.services import audit, outbox
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
TOPIC = "test.happened"


@pytest.fixture(autouse=True)
def _forget_consumers():
    yield
    registry.consumers_by_topic.pop(TOPIC, None)


def publish(tenant):
    with tenant_scope(tenant):
        return outbox.publish(topic=TOPIC, payload={"n": 1}, at=NOW)


def deliver(tenant, message, at=NOW):
    return outbox.deliver(tenant_id=tenant.pk, message_id=message.pk, at=at)


def reload(tenant, message):
    with tenant_scope(tenant):
        return OutboxMessage.objects.get(pk=message.pk)


def test_a_message_is_acted_on_once(tenant):
    seen = []
    consumes(TOPIC)(lambda *, payload, at: seen.append(payload))
    message = publish(tenant)
    assert deliver(tenant, message)
    assert not deliver(tenant, message)
    assert seen == [{"n": 1}]
    assert reload(tenant, message).state == "done"


def test_what_waits_under_a_topic_becomes_one_message_in_order(tenant, other_tenant):
    seen = []
    consumes(TOPIC)(lambda *, payload, at: seen.append(payload))
    with tenant_scope(other_tenant):
        outbox.publish(topic=TOPIC, payload={"ids": [9]}, at=NOW)
    with tenant_scope(tenant):
        done = outbox.publish(topic=TOPIC, payload={"ids": [0]}, at=NOW)
    deliver(tenant, done)
    with tenant_scope(tenant):
        first, *_rest = [outbox.publish(topic=TOPIC, payload={"ids": ids}, at=NOW) for ids in ([3, 1], [2])]
        outbox.publish(topic=TOPIC, payload={"ids": [4]}, at=NOW + timedelta(days=1))
        outbox.publish(topic=f"{TOPIC}.other", payload={"ids": [5]}, at=NOW)
        assert outbox.join(topic=TOPIC, key="ids", at=NOW) == 1
        assert outbox.join(topic=TOPIC, key="ids", at=NOW) == 0
        assert OutboxMessage.objects.filter(state="pending").count() == 3
    assert deliver(tenant, first)
    assert seen == [{"ids": [0]}, {"ids": [3, 1, 2]}]
    with tenant_scope(other_tenant):
        assert OutboxMessage.objects.get().payload == {"ids": [9]}


def test_a_failing_consumer_leaves_nothing_behind_and_is_tried_later(tenant, actor):
    def half_done(*, payload, at):
        audit.record(action="tenant.changed", target=Tenant.objects.get(pk=tenant.pk), by=actor, at=at)
        raise RuntimeError("no")

    consumes(TOPIC)(half_done)
    message = publish(tenant)
    assert not deliver(tenant, message)
    waiting = reload(tenant, message)
    assert (waiting.state, waiting.attempts, waiting.last_error) == ("pending", 1, "RuntimeError: no")
    assert waiting.available_at == NOW + timedelta(seconds=5)
    with tenant_scope(tenant):
        assert not AuditEntry.objects.filter(action="tenant.changed").exists()


def test_it_is_given_up_after_ten_attempts_and_kept(tenant):
    def fail(*, payload, at):
        raise RuntimeError("no")

    consumes(TOPIC)(fail)
    message = publish(tenant)
    for _ in range(10):
        deliver(tenant, message)
    assert (reload(tenant, message).state, reload(tenant, message).attempts) == ("dead", 10)


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_the_relay_delivers_what_is_due_of_every_tenant(tenant, other_tenant):
    seen = []
    consumes(TOPIC)(lambda *, payload, at: seen.append(payload))
    publish(tenant)
    publish(other_tenant)
    with tenant_scope(other_tenant):
        outbox.publish(topic=TOPIC, payload={}, at=NOW + timedelta(hours=1))
    assert outbox.relay(at=NOW) == 2
    assert outbox.relay(at=NOW) == 0
    assert len(seen) == 2


def test_quiet_work_sends_no_messages_and_keeps_its_rows(scope, django_capture_on_commit_callbacks):
    later = NOW + timedelta(hours=1)
    with django_capture_on_commit_callbacks() as callbacks:
        with keeping_quiet(until=later):
            outbox.publish(topic="test.quiet", payload={}, at=NOW)
        assert callbacks == []
        outbox.publish(topic="test.loud", payload={}, at=NOW)
    assert len(callbacks) == 1
    assert OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING).count() == 2


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_the_relay_leaves_quiet_work_alone_until_its_time_is_over_or_it_lets_go(tenant):
    later = NOW + timedelta(hours=1)
    with tenant_scope(tenant), keeping_quiet(until=later):
        outbox.publish(topic=TOPIC, payload={}, at=NOW)
    assert outbox.relay(at=later - timedelta(seconds=1)) == 0
    assert outbox.relay(at=later) == 1
    with tenant_scope(tenant), keeping_quiet(until=later):
        outbox.publish(topic=TOPIC, payload={}, at=NOW)
    with tenant_scope(tenant):
        assert outbox.let_go(at=NOW) == 1
    assert outbox.relay(at=NOW) == 1
