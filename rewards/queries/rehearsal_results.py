"""What rehearsals said, as it is told outside: members by the name that others know them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from crm.models import Customer
from rewards.domain.revisions import digest_of
from rewards.models import ProgramRevision, Rehearsal


def of_revision(revision: ProgramRevision) -> QuerySet[Rehearsal]:
    """Return the rehearsals of a revision, the newest first."""
    rows: QuerySet[Rehearsal] = Rehearsal.objects.filter(revision=revision).order_by("-id")
    return rows


def told(rows: Sequence[Rehearsal], revision: ProgramRevision) -> list[dict[str, Any]]:
    """Return each rehearsal with its result; ``is_current`` when it played the document as it is now."""
    digest, named = digest_of(revision.document), ("most_won", "most_lost")
    ids = {
        customer_id for row in rows for name in named for customer_id, _points in row.result["members"][name]
    }
    known = dict(Customer.objects.filter(pk__in=ids).values_list("pk", "public_id"))
    return [
        {
            "days": row.days,
            "since": row.result["since"],
            "until": row.until,
            "rehearsed_at": row.rehearsed_at,
            "rehearsed_by": row.rehearsed_by,
            "is_current": row.digest == digest,
            **row.result,
            "members": {
                **row.result["members"],
                **{
                    name: [
                        {"customer": known[customer_id], "points": points}
                        for customer_id, points in row.result["members"][name]
                        if customer_id in known
                    ]
                    for name in named
                },
            },
        }
        for row in rows
    ]
