from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from crm.models import Segment, SegmentKind, SegmentMember


def rule_segments(keys: Collection[str] | None = None) -> list[Segment]:
    """The rule segments, all or those named, in the order they were made."""
    found = Segment.objects.filter(kind=SegmentKind.RULE).order_by("pk")
    return list(found.filter(key__in=list(keys)) if keys is not None else found)


def members_of(segment: Segment) -> QuerySet[SegmentMember]:
    """The members with their customers, without a query per row."""
    found: QuerySet[SegmentMember] = SegmentMember.objects.filter(segment=segment).select_related("customer")
    return found
