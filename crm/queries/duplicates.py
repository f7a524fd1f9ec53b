"""Pairs of customers for staff to review."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from crm.models import CandidateState, DuplicateCandidate
from crm.queries import search

_MOST_FOUND = 200


def with_customers() -> QuerySet[DuplicateCandidate]:
    """Candidates with what a row shows of both customers: a fixed number of queries a page."""
    return DuplicateCandidate.objects.select_related("first", "second").prefetch_related(
        "first__persons", "second__persons", "first__order_summaries", "second__order_summaries"
    )


def concerning(text: str) -> Q:
    """A condition: either customer is found by the beginning of id, name, e-mail or phone."""
    ids = search.customer_ids(text, limit=_MOST_FOUND)
    return Q(first__in=ids) | Q(second__in=ids)


def chosen(public_ids: Collection[UUID | str]) -> list[DuplicateCandidate]:
    """Return the open ones of these, in the order in which they were found."""
    found = DuplicateCandidate.objects.filter(public_id__in=public_ids, state=CandidateState.OPEN)
    return list(found.select_related("first", "second").order_by("pk"))


def count_open() -> int:
    return DuplicateCandidate.objects.filter(state=CandidateState.OPEN).count()
