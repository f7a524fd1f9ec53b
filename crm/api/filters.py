from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from crm.domain.feedback import Feeling
from crm.models import (
    Customer,
    CustomerState,
    EventReject,
    EventSchema,
    Feedback,
    FeedbackKind,
    ImportRun,
    ImportState,
    Item,
    Order,
    RecoveryCase,
    RecoveryState,
    Return,
    Segment,
    SegmentKind,
)
from crm.queries import customers
from tenants.api.filters import MomentFilter, PublicIdFilter, StrictBooleanFilter, StrictFilterSet

MOST_FOUND = 200


class CustomerFilter(StrictFilterSet):
    """``search`` finds by the beginning of external id, e-mail, name, phone or card; the best 200."""

    search = django_filters.CharFilter(method="by_search")
    state = django_filters.ChoiceFilter(choices=CustomerState.choices)
    external_id = django_filters.CharFilter()
    email = django_filters.CharFilter(method="by_email")
    segment = django_filters.CharFilter(field_name="segment_memberships__segment__key")
    seen_after = MomentFilter(field_name="last_seen_at", lookup_expr="gte")
    seen_before = MomentFilter(field_name="last_seen_at", lookup_expr="lt")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Customer
        fields: list[str] = []

    def by_search(self, queryset: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return queryset.filter(pk__in=customers.ids_found(value, MOST_FOUND))

    def by_email(self, queryset: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return queryset.filter(persons__email_lower=value.strip().lower())


class ItemFilter(StrictFilterSet):
    external_id = django_filters.CharFilter()
    category = django_filters.CharFilter()
    brand = django_filters.CharFilter()
    is_active = StrictBooleanFilter()

    class Meta:
        model = Item
        fields: list[str] = []


class EventSchemaFilter(StrictFilterSet):
    name = django_filters.CharFilter()
    is_locked = StrictBooleanFilter()

    class Meta:
        model = EventSchema
        fields: list[str] = []


class EventRejectFilter(StrictFilterSet):
    name = django_filters.CharFilter()
    reason = django_filters.CharFilter()
    customer = django_filters.CharFilter(field_name="identity")
    is_waiting = StrictBooleanFilter(field_name="replayed_at", lookup_expr="isnull")
    received_after = MomentFilter(field_name="received_at", lookup_expr="gte")

    class Meta:
        model = EventReject
        fields: list[str] = []


class OrderFilter(StrictFilterSet):
    external_id = django_filters.CharFilter()
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")
    customer_external_id = django_filters.CharFilter(field_name="customer__external_id")
    placed_after = MomentFilter(field_name="placed_at", lookup_expr="gte")
    placed_before = MomentFilter(field_name="placed_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []


class ReturnFilter(StrictFilterSet):
    external_id = django_filters.CharFilter()
    order = PublicIdFilter(of="orders", field_name="order__public_id")
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")
    returned_after = MomentFilter(field_name="returned_at", lookup_expr="gte")
    returned_before = MomentFilter(field_name="returned_at", lookup_expr="lt")

    class Meta:
        model = Return
        fields: list[str] = []


class SegmentFilter(StrictFilterSet):
    key = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=SegmentKind.choices)

    class Meta:
        model = Segment
        fields: list[str] = []


class FeedbackFilter(StrictFilterSet):
    kind = django_filters.ChoiceFilter(choices=FeedbackKind.choices)
    feeling = django_filters.ChoiceFilter(
        choices=[(each.value, each.name) for each in Feeling], method="by_feeling"
    )
    topic = django_filters.CharFilter(
        max_length=20, method="by_topic", help_text="The key of a topic, common or the tenant's own."
    )
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")
    item = PublicIdFilter(of="items", field_name="item__public_id")
    given_after = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    given_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = Feedback
        fields: list[str] = []

    def by_feeling(self, queryset: QuerySet[Feedback], _name: str, value: str) -> QuerySet[Feedback]:
        return queryset.filter(pk__in=Feedback.objects.feeling(Feeling(value)).values("pk"))

    def by_topic(self, queryset: QuerySet[Feedback], _name: str, value: str) -> QuerySet[Feedback]:
        return queryset.filter(topics__contains=[value])


class RecoveryCaseFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=RecoveryState.choices)
    taken_by = django_filters.CharFilter()

    class Meta:
        model = RecoveryCase
        fields: list[str] = []


class ImportFilter(StrictFilterSet):
    kind = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(choices=ImportState.choices)

    class Meta:
        model = ImportRun
        fields: list[str] = []
