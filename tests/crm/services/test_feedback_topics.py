"""A tenant's own topics: made from proposals, found in what comes and in what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.models import Feedback, FeedbackTopic
from crm.queries import feedback_topics as queries
from crm.services import feedback, feedback_topics
from crm.services.feedback import NewFeedback
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import InvalidInput, PermissionRefused
from tenants.models import AuditEntry, Job, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm.domain.test_topic_words import PARKING, QUEUE

pytestmark = pytest.mark.django_db


def say(*texts: str, start: int = 0) -> None:
    entries = [
        NewFeedback(kind="ticket", source_id=f"s{number}", occurred_at=NOW, text=text)
        for number, text in enumerate(texts, start=start)
    ]
    feedback.record(entries=entries, source="api", by=SYSTEM, at=NOW)


def sort(tenant: Tenant) -> dict[str, Any]:
    context = JobContext(tenant=tenant, params={}, actor=SYSTEM, at=NOW, progress=lambda *_step: None)
    return registry.handler_by_kind["crm.sort_feedback"](job=context)


def topics() -> dict[str, list[str]]:
    return dict(Feedback.objects.order_by("source_id").values_list("source_id", "topics"))


@pytest.fixture
def shop(tenant: Tenant, other_tenant: Tenant) -> Tenant:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            say(*QUEUE, "The parcel queue")
    return tenant


def test_a_topic_sorts_what_is_stored_and_what_comes(
    shop: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.tasks._TEXTS_AT_ONCE", 3)
    with tenant_scope(shop):
        topic = feedback_topics.create(
            name=" At  the till ", words=["Queue", "queue", "till"], by=SYSTEM, at=NOW
        )
        assert (topic.key, topic.name, topic.words) == ("at-the-till", "At the till", ["queue", "till"])
        assert Job.objects.get(kind="crm.sort_feedback").state == "queued"
    assert sort(shop) == {"changed": 4}
    with tenant_scope(shop):
        say("Another queue", start=8)
        own = ["at-the-till"]
        assert topics() == {"s0": own, "s1": own, "s2": own, "s3": ["delivery", *own], "s8": own}
        feedback_topics.change(topic=topic, name="Tills", words=["till"], by=SYSTEM, at=NOW)
    assert sort(shop) == {"changed": 2}
    with tenant_scope(shop):
        assert (topics()["s3"], topics()["s8"], queries.names()) == (
            ["delivery"],
            [],
            {"at-the-till": "Tills"},
        )
        feedback_topics.delete(topic=topic, by=SYSTEM, at=NOW)
    assert sort(shop) == {"changed": 3}
    with tenant_scope(shop):
        assert topics()["s0"] == []
        actions = AuditEntry.objects.filter(action__startswith="feedback_topic").order_by("pk")
        assert [each.action.partition(".")[2] for each in actions] == ["created", "changed", "deleted"]
    with tenant_scope(other_tenant):
        assert (topics()["s0"], FeedbackTopic.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("name", "words", "pointer"),
    [
        ("", ["queue"], "/name"),
        ("x" * 61, ["queue"], "/name"),
        ("TILLS", ["queue"], "/name"),
        ("Queue", [], "/words"),
        ("Queue", [" "], "/words"),
        ("Queue", ["q"], "/words"),
        ("Queue", ["!!"], "/words"),
        ("Queue", ["x" * 61], "/words"),
        ("Queue", [f"word{n}" for n in range(41)], "/words"),
    ],
)
def test_what_is_no_topic(scope: Tenant, name: str, words: list[str], pointer: str) -> None:
    feedback_topics.create(name="Tills", words=["till"], by=SYSTEM, at=NOW)
    with pytest.raises(InvalidInput) as caught:
        feedback_topics.create(name=name, words=words, by=SYSTEM, at=NOW)
    assert [each.pointer for each in caught.value.errors] == [pointer]
    assert FeedbackTopic.objects.count() == 1


def test_keys_are_free_whatever_the_name(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        feedback_topics.create(name=name, words=["till"], by=SYSTEM, at=NOW).key
        for name in ("Delivery", "停车", "Tills", "Tills?")
    ]
    assert made[2] == "tills"
    assert all(key.startswith("own-") and len(key) == 16 for key in (made[0], made[1], made[3]))
    assert len(set(made)) == 4
    monkeypatch.setattr(feedback_topics, "MOST_TOPICS", 4)
    with pytest.raises(InvalidInput):
        feedback_topics.create(name="One more", words=["till"], by=SYSTEM, at=NOW)


def test_only_with_the_permission(scope: Tenant) -> None:
    topic = feedback_topics.create(name="Tills", words=["till"], by=SYSTEM, at=NOW)
    reader = Actor(kind=ActorKind.USER, label="reader")
    with pytest.raises(PermissionRefused):
        feedback_topics.create(name="Queue", words=["queue"], by=reader, at=NOW)
    with pytest.raises(PermissionRefused):
        feedback_topics.change(topic=topic, name="Queue", words=["queue"], by=reader, at=NOW)
    with pytest.raises(PermissionRefused):
        feedback_topics.delete(topic=topic, by=reader, at=NOW)


def test_a_proposal_becomes_a_topic_in_the_back_office(shop: Tenant, staff: Client) -> None:
    base = f"/t/{shop.slug}/feedback/topics/"
    with tenant_scope(shop):
        say(*PARKING, start=20)
    page = staff.get(base).content.decode()
    offered = f'href="{base}new/?name=Till&amp;word=till&amp;word=queue"'
    assert offered in page
    drawn = staff.get(offered[6:-1].replace("&amp;", "&")).content.decode()
    assert 'value="Till"' in drawn
    assert "till\nqueue</textarea>" in drawn
    assert staff.post(f"{base}new/", {"name": "Queue", "words": "queue\r\ntill\r\n"}).status_code == 302
    assert staff.post(f"{base}new/", {"name": "queue", "words": "till"}).status_code == 422
    sort(shop)
    page = staff.get(base).content.decode()
    assert offered not in page
    with tenant_scope(shop):
        topic = FeedbackTopic.objects.get()
    listed = staff.get(f"/t/{shop.slug}/feedback/?topic=queue").content.decode()
    assert '<option value="queue" selected>Queue</option>' in listed
    assert staff.post(f"{base}{topic.public_id}/delete/").status_code == 302
    with tenant_scope(shop):
        assert FeedbackTopic.objects.count() == 0
