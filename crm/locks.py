"""The only place with row and advisory locks of this app; always in primary key order."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from crm.models import (
    Customer,
    CustomerMerge,
    EventReject,
    EventSchema,
    Feedback,
    FeedbackTopic,
    ImportRun,
    Order,
    PrivacyRequest,
    RecoveryCase,
    Segment,
)
from tenants.scope import active_tenant_id

_IMPORT_LOCK = 7_201_452
_SEGMENT_RULES_LOCK = 7_201_453
_TOPICS_LOCK = 7_201_454


def lock_imports() -> None:
    """Let one import of the tenant run at a time, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::integer)",
            [_IMPORT_LOCK, active_tenant_id()],
        )


def lock_customers(customer_ids: Iterable[int]) -> list[Customer]:
    return list(Customer.objects.select_for_update().filter(pk__in=list(customer_ids)).order_by("pk"))


def lock_customer(customer_id: int) -> Customer:
    customer: Customer = Customer.objects.select_for_update().get(pk=customer_id)
    return customer


def lock_merge(merge_id: int) -> CustomerMerge:
    """Lock a merge; its two customers must be locked already, in id order."""
    merges = CustomerMerge.objects.select_related("survivor", "absorbed")
    merge: CustomerMerge = merges.select_for_update(of=("self",)).get(pk=merge_id)
    return merge


def lock_privacy_request(request_id: int) -> PrivacyRequest:
    requests = PrivacyRequest.objects.select_related("customer")
    request: PrivacyRequest = requests.select_for_update(of=("self",)).get(pk=request_id)
    return request


def lock_order(order_id: int) -> Order:
    order: Order = Order.objects.select_for_update().get(pk=order_id)
    return order


def lock_segment(segment_id: int) -> Segment:
    segment: Segment = Segment.objects.select_for_update().get(pk=segment_id)
    return segment


def lock_segment_rules() -> None:
    """Let one change of rules that refer to segments happen at a time, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::integer)",
            [_SEGMENT_RULES_LOCK, active_tenant_id()],
        )


def lock_import_run(run_id: int) -> ImportRun:
    run: ImportRun = ImportRun.objects.select_for_update().get(pk=run_id)
    return run


def lock_feedback(feedback_id: int) -> Feedback:
    feedback: Feedback = Feedback.objects.select_for_update().get(pk=feedback_id)
    return feedback


def lock_all_feedback(feedback_ids: Iterable[int]) -> list[Feedback]:
    return list(Feedback.objects.select_for_update().filter(pk__in=list(feedback_ids)).order_by("pk"))


def lock_cases_of(feedback_ids: Iterable[int]) -> list[RecoveryCase]:
    cases = RecoveryCase.objects.select_for_update().filter(feedback__in=list(feedback_ids))
    return list(cases.order_by("pk"))


def lock_feedback_texts(after_id: int, limit: int) -> list[Feedback]:
    rows = Feedback.objects.select_for_update().filter(pk__gt=after_id).exclude(text="")
    return list(rows.order_by("pk")[:limit])


def lock_feedback_topic(topic_id: int) -> FeedbackTopic:
    topic: FeedbackTopic = FeedbackTopic.objects.select_for_update().get(pk=topic_id)
    return topic


def lock_feedback_topics() -> list[FeedbackTopic]:
    """Lock the topics, and those that others are making at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::integer)",
            [_TOPICS_LOCK, active_tenant_id()],
        )
    return list(FeedbackTopic.objects.select_for_update().order_by("pk"))


def lock_recovery_case(case_id: int) -> RecoveryCase:
    case: RecoveryCase = RecoveryCase.objects.select_for_update().get(pk=case_id)
    return case


def lock_event_schema(schema_id: int) -> EventSchema:
    schema: EventSchema = EventSchema.objects.select_for_update().get(pk=schema_id)
    return schema


def lock_event_schemas(names: Iterable[str]) -> list[EventSchema]:
    return list(EventSchema.objects.select_for_update().filter(name__in=list(names)).order_by("pk"))


def lock_event_rejects(reject_ids: Iterable[int]) -> list[EventReject]:
    return list(EventReject.objects.select_for_update().filter(pk__in=list(reject_ids)).order_by("pk"))
