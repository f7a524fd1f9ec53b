"""Privacy requests and what the nightly purge removed."""

from __future__ import annotations

from django.db.models import QuerySet, Sum

from crm.models import PrivacyArchive, PrivacyRequest, RetentionRun


def requests() -> QuerySet[PrivacyRequest]:
    return PrivacyRequest.objects.select_related("customer").order_by("-pk")


def requests_of(customer_id: int) -> QuerySet[PrivacyRequest]:
    return requests().filter(customer_id=customer_id)


def archive_of(request: PrivacyRequest) -> PrivacyArchive | None:
    """Return the archive of a request, or None before it is made and after it has expired."""
    return PrivacyArchive.objects.filter(request=request).first()


def requests_with_archive(request_ids: list[int]) -> set[int]:
    found = PrivacyArchive.objects.filter(request__in=request_ids)
    return set(found.values_list("request_id", flat=True))


def purges(limit: int = 50) -> QuerySet[RetentionRun]:
    """The latest purges that removed something."""
    return RetentionRun.objects.filter(removed__gt=0).order_by("-ran_at", "data_class")[:limit]


def removed_by_class() -> dict[str, int]:
    """How many rows each class has lost to the purge so far."""
    found = RetentionRun.objects.values_list("data_class").annotate(total=Sum("removed")).order_by()
    return {str(data_class): int(total) for data_class, total in found}
