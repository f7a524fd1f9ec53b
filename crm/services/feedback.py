"""Feedback: recorded once per source, read by a model after the commit, corrected by staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from re import Pattern
from typing import Any

from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from crm.domain.feedback import LONGEST_TEXT, Kind, rating_flaw, score_of_rating
from crm.domain.topics import topics_in
from crm.locks import lock_all_feedback, lock_cases_of, lock_feedback
from crm.models import Customer, Feedback, Item, Order, RecoveryCase, RecoveryState
from crm.queries import feedback_topics
from crm.services import feedback_traits, recovery_cases
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit, outbox

CLOCK_SKEW = timedelta(days=1)
# What a score is said to come from where nobody wrote a word.
FROM_RATING = "rating"

_WRITE = """
UPDATE crm_feedback f SET language = r.language, sentiment = r.score, sentence_start = r.sentence_start,
    sentence_end = r.sentence_end, model_version = %(version)s, read_at = %(at)s
FROM unnest(%(ids)s::bigint[], %(languages)s::text[], %(scores)s::float8[],
            %(starts)s::int[], %(ends)s::int[])
    AS r(id, language, score, sentence_start, sentence_end)
WHERE f.tenant_id = %(tenant)s AND f.id = r.id
"""


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """What somebody said; ``source_id`` is unique among what came from the same source."""

    kind: str
    source_id: str
    occurred_at: datetime
    customer: Customer | None = None
    item: Item | None = None
    order: Order | None = None
    rating: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model read: ``score`` from -1 to 1, None where it does not know the language."""

    language: str
    score: float | None
    start: int = 0
    end: int = 0


@transaction.atomic
def record(*, entries: Sequence[NewFeedback], source: str, by: Actor, at: datetime) -> list[Feedback]:
    """Record feedback and return the rows that are new; publishes ``crm.feedback_recorded``.

    What the source sent before is left alone. Raises ``InvalidInput`` naming every wrong entry.
    """
    by.require(Permission.FEEDBACK_EDIT)
    _check(entries, at)
    wanted = {each.source_id: each for each in entries}
    known = set(
        Feedback.objects.filter(source=source, source_id__in=wanted).values_list("source_id", flat=True)
    )
    fresh = [each for key, each in wanted.items() if key not in known]
    if not fresh:
        return []
    own = feedback_topics.patterns()
    Feedback.objects.bulk_create([_row(each, source, own, at) for each in fresh], ignore_conflicts=True)
    rows = list(
        Feedback.objects.filter(source=source, source_id__in=[each.source_id for each in fresh]).order_by(
            "id"
        )
    )
    recovery_cases.open_for(rows, at=at)
    feedback_traits.refresh({row.customer_id for row in rows if row.customer_id}, at=at)
    if unread := [row.pk for row in rows if row.read_at is None]:
        outbox.publish(topic="crm.feedback_recorded", payload={"feedback_ids": unread}, at=at)
    return rows


def _check(entries: Sequence[NewFeedback], at: datetime) -> None:
    errors = [
        FieldError(f"/{number}{pointer}", code, detail)
        for number, each in enumerate(entries)
        for pointer, code, detail in _flaws(each, at)
    ]
    if errors:
        # One entry needs no number in front of its fields.
        stripped = [FieldError(each.pointer.removeprefix("/0"), each.code, each.detail) for each in errors]
        raise InvalidInput(errors=stripped if len(entries) == 1 else errors)


def _flaws(each: NewFeedback, at: datetime) -> list[tuple[str, str, str]]:
    found = []
    if each.kind not in set(Kind):
        return [("/kind", "invalid_choice", f"One of {', '.join(Kind)}.")]
    if flaw := rating_flaw(Kind(each.kind), each.rating):
        found.append(("/rating", "invalid", flaw))
    if each.rating is None and not each.text.strip():
        found.append(("/text", "required", "A rating or words."))
    if len(each.text) > LONGEST_TEXT or "\0" in each.text:
        found.append(("/text", "invalid", f"At most {LONGEST_TEXT} characters, without U+0000."))
    if each.occurred_at > at + CLOCK_SKEW:
        found.append(("/occurred_at", "in_the_future", "At most one day from now."))
    return found


def _row(each: NewFeedback, source: str, own: Mapping[str, Pattern[str]], at: datetime) -> Feedback:
    text = each.text.strip()
    row: Feedback = Feedback(
        kind=each.kind,
        source=source,
        source_id=each.source_id,
        customer=each.customer,
        item=each.item,
        order=each.order,
        rating=each.rating,
        text=text,
        occurred_at=each.occurred_at,
        received_at=at,
        topics=topics_in(text, own),
    )
    if not text and each.rating is not None:
        row.sentiment = score_of_rating(Kind(each.kind), each.rating)
        row.model_version, row.read_at = FROM_RATING, at
    return row


@transaction.atomic
def write_readings(*, readings: Mapping[int, Reading], model_version: str, at: datetime) -> int:
    """Keep what a model read, by the feedback's id, and return how many rows it was.

    Opens recovery cases and renews the customers' traits.
    """
    ordered = sorted(readings.items())
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "version": model_version,
        "at": at,
        "ids": [key for key, _ in ordered],
        "languages": [reading.language for _, reading in ordered],
        "scores": [reading.score for _, reading in ordered],
        "starts": [reading.start for _, reading in ordered],
        "ends": [reading.end for _, reading in ordered],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, params)
        written = cursor.rowcount
    rows = list(Feedback.objects.filter(pk__in=readings))
    recovery_cases.open_for(rows, at=at)
    feedback_traits.refresh({row.customer_id for row in rows if row.customer_id}, at=at)
    return int(written)


@transaction.atomic
def correct(*, feedback: Feedback, is_positive: bool, by: Actor, at: datetime) -> Feedback:
    """Say what the text really feels like; the label also teaches the tenant's own model."""
    by.require(Permission.FEEDBACK_EDIT)
    row = lock_feedback(feedback.pk)
    before, row.corrected = row.corrected, is_positive
    row.corrected_by, row.corrected_at = by.label[:254], at
    row.save(update_fields=["corrected", "corrected_by", "corrected_at"])
    if row.customer_id:
        feedback_traits.refresh({row.customer_id}, at=at)
    audit.record(
        action="feedback.corrected", target=row, by=by, at=at, diff={"corrected": [before, is_positive]}
    )
    return row


@transaction.atomic
def remove(*, feedback_ids: Sequence[int], at: datetime) -> int:
    """Remove what was recorded by mistake and return how many rows it was.

    What staff corrected, or whose recovery case somebody has taken up, stays. Renews the customers' traits.
    """
    locked = lock_all_feedback(feedback_ids)
    cases = lock_cases_of(feedback_ids)
    taken_up = {case.feedback_id for case in cases if case.state != RecoveryState.OPEN}
    rows = [row for row in locked if row.corrected is None and row.pk not in taken_up]
    Feedback.objects.filter(pk__in=[row.pk for row in rows]).delete()
    feedback_traits.refresh({row.customer_id for row in rows if row.customer_id}, at=at)
    return len(rows)


@transaction.atomic
def forget(*, customer_id: int, at: datetime) -> int:
    """Remove the words of somebody who is erased, and what staff wrote on it; ratings and scores stay."""
    rows = Feedback.objects.filter(customer_id=customer_id)
    RecoveryCase.objects.filter(feedback__in=rows).exclude(note="").update(note="")
    return rows.exclude(text="").update(
        text="", sentence_start=0, sentence_end=0, read_at=Coalesce("read_at", Value(at))
    )
