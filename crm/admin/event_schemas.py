"""Event schemas: what was learnt, locking it, and how sensitive each property is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import value_readers
from crm.domain.event_catalogue import KNOWN_BY_NAME
from crm.models import EventSchema, PropertySchema, PropertyType, Sensitivity, ViolationPolicy
from crm.services import event_schemas
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission


class SchemaFilters(FilterForm):
    q = forms.CharField(
        label=gettext_lazy("Search events"),
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Event name")}),
    )
    locked = forms.BooleanField(label=gettext_lazy("Locked"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"


class SchemasPage(ListPage):
    """Every event name seen, with how often and since when."""

    permission = Permission.EVENTS_VIEW
    title = gettext_lazy("Event schemas")
    template_name = "backoffice/events/schemas.html"
    filter_class = SchemaFilters
    orderings = {"name": ("name", "id"), "events": ("count", "id"), "seen": ("last_seen_at", "id")}
    default_ordering = "-events"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Events"), reverse("events"))]

    def rows(self, filters: dict[str, Any]) -> QuerySet[EventSchema]:
        rows = EventSchema.objects.annotate(
            properties_count=Count("properties"),
            sensitive_count=Count("properties", filter=~Q(properties__sensitivity="")),
        )
        if text := filters.get("q"):
            rows = rows.filter(name__icontains=text)
        return rows.filter(is_locked=True) if filters.get("locked") else rows


class SchemaPage(StaffPage):
    """One schema: its properties with types, share missing, examples; locked or open."""

    permission = Permission.EVENTS_VIEW
    write_permission = Permission.EVENTS_MANAGE
    template_name = "backoffice/events/schema.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Events"), reverse("events")), Crumb(_("Event schemas"), reverse("event_schemas"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        schema = self._schema(public_id)
        self.title = schema.name
        properties = PropertySchema.objects.filter(schema=schema).order_by("-present_count", "key")
        for each in properties:
            each.schema = schema
        readers = value_readers.by_key(schema.name, self.access)
        return self.page(
            schema=schema,
            properties=[(each, readers.get(each.key, [])) for each in properties],
            known=KNOWN_BY_NAME.get(schema.name),
            policies=ViolationPolicy.choices,
            types=PropertyType.choices,
            sensitivities=Sensitivity.choices,
        )

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        schema, now, actor = self._schema(public_id), timezone.now(), self.access.actor
        action, policy = request.POST.get("action"), request.POST.get("on_violation", "")
        if action == "lock" and policy in ViolationPolicy.values:
            event_schemas.lock(schema=schema, on_violation=ViolationPolicy(policy), by=actor, at=now)
            messages.success(request, _("“%(name)s” is locked.") % {"name": schema.name})
        elif action == "unlock":
            event_schemas.unlock(schema=schema, by=actor, at=now)
            messages.success(request, _("“%(name)s” is open.") % {"name": schema.name})
        elif action == "property":
            saved = event_schemas.set_property(schema=schema, by=actor, at=now, **_property(request))
            messages.success(request, _("Saved."))
            if saved.sensitivity:
                self._warn(request, saved)
        return redirect("event_schema", public_id=schema.public_id)

    def _warn(self, request: HttpRequest, saved: PropertySchema) -> None:
        """Name what read the property until now."""
        if readers := value_readers.by_key(saved.schema.name, self.access).get(saved.key):
            text = _("“%(key)s” is sensitive and no longer read, at once. It is missing for: %(readers)s.")
            titles = ", ".join(reader.title for reader in readers)
            messages.warning(request, text % {"key": saved.key, "readers": titles})

    def _schema(self, public_id: UUID) -> EventSchema:
        return get_object_or_404(EventSchema.objects.all(), public_id=public_id)


def _property(request: HttpRequest) -> dict[str, Any]:
    """Return what the row's form says; a value that is not offered is left out."""
    given = request.POST
    chosen: dict[str, Any] = {"key": given.get("key", "")}
    if given.get("sensitivity") in Sensitivity.values:
        chosen["sensitivity"] = given["sensitivity"]
    if given.get("value_type") in PropertyType.values:
        chosen["value_type"] = given["value_type"]
    return chosen
