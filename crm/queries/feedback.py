"""Feedback in numbers: over time, by topic, by item and by segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Avg, Case, Count, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Trunc

from crm.domain.feedback import NEGATIVE_BELOW, Kind
from crm.models import Feedback, RecoveryCase, RecoveryState, Segment
from crm.queries.dashboard import Period
from tenants.scope import active_tenant_id

_SCORE = Case(
    When(corrected=True, then=Value(1.0)),
    When(corrected=False, then=Value(-1.0)),
    default=F("sentiment"),
    output_field=FloatField(),
)


@dataclass(frozen=True, slots=True)
class FeedbackFigures:
    """``sentiment`` is the mean from -1 to 1, ``nps`` from -100 to 100; None where nothing was said."""

    count: int
    sentiment: float | None
    negative: int
    nps: float | None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One period, named by its first local day."""

    starts_on: date
    figures: FeedbackFigures


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Feedback of one topic, item or segment."""

    key: str
    name: str
    figures: FeedbackFigures


def between(*, since: datetime, until: datetime) -> QuerySet[Feedback]:
    """Return the feedback given from ``since`` to before ``until``, each with its ``points`` of feeling."""
    rows: QuerySet[Feedback] = Feedback.objects.filter(occurred_at__gte=since, occurred_at__lt=until)
    return rows.annotate(points=_SCORE)


def figures(rows: QuerySet[Feedback]) -> FeedbackFigures:
    """Return the figures of all ``rows`` together."""
    return _figures(rows.aggregate(**_MEASURES))


def trend(rows: QuerySet[Feedback], *, period: Period, zone: ZoneInfo) -> list[TrendPoint]:
    """Return the figures by local period; empty periods are absent."""
    found: Iterable[Mapping[str, Any]] = (
        rows.annotate(starts=Trunc("occurred_at", period.value, tzinfo=zone))
        .values("starts")
        .annotate(**_MEASURES)
        .order_by("starts")
    )
    return [TrendPoint(row["starts"].date(), _figures(row)) for row in found]


_MEASURES = {
    "entries": Count("pk"),
    "mean": Avg("points"),
    "negatives": Count("pk", filter=Q(points__lt=NEGATIVE_BELOW)),
    "asked": Count("pk", filter=Q(kind=Kind.NPS)),
    "promoters": Count("pk", filter=Q(kind=Kind.NPS, rating__gte=9)),
    "detractors": Count("pk", filter=Q(kind=Kind.NPS, rating__lte=6)),
}


def _figures(measured: Mapping[str, Any]) -> FeedbackFigures:
    asked = measured["asked"]
    return FeedbackFigures(
        count=measured["entries"],
        sentiment=measured["mean"],
        negative=measured["negatives"],
        nps=100 * (measured["promoters"] - measured["detractors"]) / asked if asked else None,
    )


@dataclass(frozen=True, slots=True)
class _Grouping:
    """SQL of one way to group: constants of this module, while values travel as parameters."""

    key: str
    name: str
    join: str


_TOPICS = _Grouping("topic", "topic", "CROSS JOIN LATERAL unnest(f.topics) AS topic")
_ITEMS = _Grouping(
    "i.public_id::text", "i.name", "JOIN crm_item i ON i.tenant_id = f.tenant_id AND i.id = f.item_id"
)
_SEGMENTS = _Grouping(
    "s.key",
    "s.name",
    "JOIN crm_segmentmember m ON m.tenant_id = f.tenant_id AND m.customer_id = f.customer_id "
    "JOIN crm_segment s ON s.tenant_id = m.tenant_id AND s.id = m.segment_id",
)
_GROUP = """
SELECT {key} AS key, {name} AS name, count(*) AS entries, avg(scored.points) AS mean,
       count(*) FILTER (WHERE scored.points < %(bad)s) AS negatives,
       count(*) FILTER (WHERE f.kind = 'nps') AS asked,
       count(*) FILTER (WHERE f.kind = 'nps' AND f.rating >= 9) AS promoters,
       count(*) FILTER (WHERE f.kind = 'nps' AND f.rating <= 6) AS detractors
FROM crm_feedback f
CROSS JOIN LATERAL (
    SELECT CASE WHEN f.corrected IS NULL THEN f.sentiment WHEN f.corrected THEN 1 ELSE -1 END AS points
) scored
{join}
WHERE f.tenant_id = %(tenant)s AND f.occurred_at >= %(since)s AND f.occurred_at < %(until)s
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %(limit)s
"""
_MOST_TOPICS = 50


def by_topic(*, since: datetime, until: datetime) -> list[GroupFigures]:
    """Return the topics spoken of, the most frequent first; one text may count for several."""
    return _grouped(_TOPICS, since, until, _MOST_TOPICS)


def by_item(*, since: datetime, until: datetime, limit: int = 20) -> list[GroupFigures]:
    """Return the items with the most feedback."""
    return _grouped(_ITEMS, since, until, limit)


def by_segment(*, since: datetime, until: datetime, limit: int = 20) -> list[GroupFigures]:
    """Return what the present members of each segment said; somebody in two segments counts in both."""
    return _grouped(_SEGMENTS, since, until, limit)


def _grouped(grouping: _Grouping, since: datetime, until: datetime, limit: int) -> list[GroupFigures]:
    statement = _GROUP.format(key=grouping.key, name=grouping.name, join=grouping.join)
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "since": since,
        "until": until,
        "limit": limit,
        "bad": NEGATIVE_BELOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [GroupFigures(str(row["key"]), str(row["name"]), _figures(row)) for row in rows]


def of_segment(rows: QuerySet[Feedback], segment: Segment) -> QuerySet[Feedback]:
    """Return the part of ``rows`` that the segment's present members gave."""
    return rows.filter(customer__segment_memberships__segment=segment)


def waiting_cases() -> QuerySet[RecoveryCase]:
    """Return the cases nobody has resolved, the longest waiting first, with what a queue shows."""
    found: QuerySet[RecoveryCase] = (
        RecoveryCase.objects.exclude(state=RecoveryState.RESOLVED)
        .select_related("feedback__customer", "feedback__item")
        .prefetch_related("feedback__customer__persons")
        .order_by("opened_at", "id")
    )
    return found


def labelled() -> list[tuple[str, str, bool]]:
    """Return (language, text, is positive) of what staff corrected: a tenant's own model learns from it."""
    rows = Feedback.objects.filter(corrected__isnull=False).exclude(text="").order_by("id")
    return [(row.language, row.text, bool(row.corrected)) for row in rows]


def exported(customer_id: int) -> list[dict[str, Any]]:
    """Return everything this customer said and what was read from it, as JSON-able rows."""
    rows = Feedback.objects.filter(customer_id=customer_id).order_by("occurred_at", "id")
    return [
        {
            "kind": row.kind,
            "given_at": row.occurred_at.isoformat(),
            "rating": row.rating,
            "text": row.text,
            "sentiment": row.score,
            "topics": row.topics,
            "model_version": row.model_version,
        }
        for row in rows
    ]
