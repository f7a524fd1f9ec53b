from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from crm.models import ComputedTrait, Customer, Feedback, RecoveryCase, RecoveryState
from crm.queries import feedback as queries
from crm.queries.dashboard import Period
from crm.services import feedback, recovery_cases
from crm.services.feedback import NewFeedback, Reading
from crm.signals import customer_erased
from recommendations.services import feedback_reading
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope


@pytest.fixture
def robin(scope: Tenant, now: datetime) -> Customer:
    found: Customer = Customer.objects.create(external_id="robin", created_at=now, updated_at=now)
    return found


def said(source_id: str, now: datetime, **values: Any) -> NewFeedback:
    return NewFeedback(**{"kind": "ticket", "source_id": source_id, "occurred_at": now, **values})


def traits(customer: Customer) -> dict[str, float]:
    rows = ComputedTrait.objects.filter(customer=customer, name__startswith="sentiment")
    return dict(rows.values_list("name", "number"))


def test_a_rating_is_a_score_at_once(robin: Customer, actor: Actor, now: datetime) -> None:
    entry = said("1", now, kind="nps", rating=2, customer=robin)
    [row] = feedback.record(entries=[entry], source="api", by=actor, at=now)
    assert (row.sentiment, row.model_version) == (-0.6, "rating")
    assert traits(robin) == {"sentiment": -0.6}
    assert RecoveryCase.objects.get().feedback == row
    assert not OutboxMessage.objects.filter(topic="crm.feedback_recorded").exists()


def test_a_retry_adds_nothing(robin: Customer, actor: Actor, now: datetime) -> None:
    entries = [said("1", now, text="Late again", customer=robin), said("2", now, text="Fine")]
    assert len(feedback.record(entries=entries, source="api", by=actor, at=now)) == 2
    assert feedback.record(entries=entries, source="api", by=actor, at=now) == []
    assert len(feedback.record(entries=entries[:1], source="event", by=actor, at=now)) == 1
    assert Feedback.objects.count() == 3


def test_words_are_read_by_the_shipped_model(robin: Customer, actor: Actor, now: datetime) -> None:
    text = "The food was nice. But delivery was terrible and the staff was rude!"
    [row] = feedback.record(
        entries=[said("1", now, text=text, customer=robin)], source="api", by=actor, at=now
    )
    message = OutboxMessage.objects.get(topic="crm.feedback_recorded")
    assert message.payload == {"feedback_ids": [row.pk]}
    assert feedback_reading.read(feedback_ids=[row.pk], at=now) == 1
    row.refresh_from_db()
    assert (row.language, row.model_version, row.topics) == ("en", "shipped", ["delivery", "service"])
    assert row.sentiment is not None
    assert row.sentiment < -0.25
    assert row.parts[1] == "But delivery was terrible and the staff was rude!"
    assert RecoveryCase.objects.filter(feedback=row).count() == 1
    assert traits(robin)["sentiment"] == pytest.approx(row.sentiment)
    assert feedback_reading.read(feedback_ids=[row.pk], at=now) == 0


def test_a_change_of_heart_becomes_a_trait(robin: Customer, actor: Actor, now: datetime) -> None:
    old = said("1", now - timedelta(days=9), kind="csat", rating=5, customer=robin)
    new = said("2", now, kind="csat", rating=2, customer=robin)
    feedback.record(entries=[old, new], source="api", by=actor, at=now)
    assert traits(robin)["sentiment_change"] == -1.5


def test_staff_goes_before_the_model(robin: Customer, actor: Actor, now: datetime) -> None:
    [row] = feedback.record(
        entries=[said("1", now, text="sick!", customer=robin)], source="api", by=actor, at=now
    )
    feedback.write_readings(readings={row.pk: Reading("en", -0.9, 0, 5)}, model_version="shipped", at=now)
    feedback.correct(feedback=row, is_positive=True, by=actor, at=now)
    row.refresh_from_db()
    assert (row.score, row.sentiment, row.feeling) == (1.0, -0.9, "positive")
    assert traits(robin)["sentiment"] == 1.0
    assert queries.labelled() == [("en", "sick!", True)]


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"kind": "nps", "rating": 11}, "/rating"),
        ({"kind": "poem"}, "/kind"),
        ({}, "/text"),
        ({"text": "x" * 5001}, "/text"),
        ({"text": "a\0b"}, "/text"),
    ],
)
def test_wrong_entries_name_their_field(
    scope: Tenant, actor: Actor, now: datetime, values: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        feedback.record(entries=[said("1", now, **values)], source="api", by=actor, at=now)
    assert pointer in [each.pointer for each in caught.value.errors]
    assert Feedback.objects.count() == 0


def test_a_case_is_worked_off_once(scope: Tenant, actor: Actor, now: datetime) -> None:
    feedback.record(entries=[said("1", now, kind="nps", rating=0)], source="api", by=actor, at=now)
    case = RecoveryCase.objects.get()
    other = Actor(kind=actor.kind, label="other@example.com", permissions=actor.permissions)
    recovery_cases.take(case=case, by=actor, at=now)
    with pytest.raises(recovery_cases.CaseTaken):
        recovery_cases.take(case=case, by=other, at=now)
    recovery_cases.resolve(case=case, outcome="won_back", note=" sent flowers ", by=actor, at=now)
    case.refresh_from_db()
    assert (case.state, case.note, case.taken_by) == (RecoveryState.RESOLVED, "sent flowers", actor.label)
    with pytest.raises(recovery_cases.CaseResolved):
        recovery_cases.resolve(case=case, outcome="answered", note="", by=actor, at=now)
    assert not queries.waiting_cases().exists()


def test_a_resolved_case_without_outcome_is_refused_by_the_database(
    scope: Tenant, actor: Actor, now: datetime
) -> None:
    feedback.record(entries=[said("1", now, kind="nps", rating=0)], source="api", by=actor, at=now)
    with pytest.raises(IntegrityError, match="resolved_has_outcome"), transaction.atomic():
        RecoveryCase.objects.update(state=RecoveryState.RESOLVED)


def test_figures_by_week_topic_and_in_all(
    scope: Tenant, other_tenant: Tenant, actor: Actor, now: datetime
) -> None:
    entries = [
        said("1", now - timedelta(days=8), kind="nps", rating=10),
        said("2", now, kind="nps", rating=3, text="late delivery"),
        said("3", now, kind="nps", rating=8),
    ]
    rows = feedback.record(entries=entries, source="api", by=actor, at=now)
    late = next(row for row in rows if row.source_id == "2")
    feedback.write_readings(readings={late.pk: Reading("en", -0.8)}, model_version="shipped", at=now)
    span = {"since": now - timedelta(days=30), "until": now + timedelta(days=1)}
    figures = queries.figures(queries.between(**span))
    assert (figures.count, figures.negative, figures.nps) == (3, 1, 0.0)
    assert figures.sentiment == pytest.approx((1.0 - 0.8 + 0.6) / 3)
    weeks = queries.trend(queries.between(**span), period=Period.WEEK, zone=ZoneInfo("UTC"))
    assert [(week.starts_on.isoformat(), week.figures.count) for week in weeks] == [
        ("2026-03-02", 1),
        ("2026-03-09", 2),
    ]
    assert [(topic.key, topic.figures.count) for topic in queries.by_topic(**span)] == [("delivery", 1)]


def test_the_same_source_id_is_free_in_another_tenant(
    tenant: Tenant, other_tenant: Tenant, actor: Actor, now: datetime
) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            rows = feedback.record(entries=[said("1", now, text="late")], source="api", by=actor, at=now)
            assert len(rows) == 1
            assert Feedback.objects.count() == 1


def test_erasing_takes_the_words_and_keeps_the_score(robin: Customer, actor: Actor, now: datetime) -> None:
    rows = feedback.record(
        entries=[
            said("1", now, text="My name is Robin", customer=robin),
            said("2", now, kind="nps", rating=1, text="slow", customer=robin),
        ],
        source="api",
        by=actor,
        at=now,
    )
    recovery_cases.resolve(
        case=RecoveryCase.objects.get(), outcome="answered", note="called Robin", by=actor, at=now
    )
    assert [row["text"] for row in queries.exported(robin.pk)] == ["My name is Robin", "slow"]
    customer_erased.send(Customer, customer_id=robin.pk, by=actor, at=now)
    assert list(Feedback.objects.order_by("id").values_list("text", "rating")) == [("", None), ("", 1)]
    assert RecoveryCase.objects.get().note == ""
    assert feedback_reading.read(feedback_ids=[row.pk for row in rows], at=now) == 0
