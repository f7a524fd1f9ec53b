from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError

from tenants.api.serializers import NO_SUCH_ID, MomentField
from tenants.domain.moments import EARLIEST, LATEST

# Parameters that belong to paging, not to a list's filters.
_PAGING_PARAMETERS = frozenset({"cursor", "limit"})


class StrictFilterSet(django_filters.FilterSet):
    """Filters of a list; an unknown parameter is an error instead of an unfiltered list."""


class _StrictBooleanField(forms.NullBooleanField):
    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # as the library's own does
        found = super().to_python(value)
        if found is None and value not in self.empty_values:
            raise forms.ValidationError(_("Either true or false."), code="invalid")
        return found


class StrictBooleanFilter(django_filters.BooleanFilter):
    """Yes or no; what is neither is an error instead of an unfiltered list."""

    field_class = _StrictBooleanField

    def __init__(self, **options: Any) -> None:
        # The library's own widget makes of every other word no filter at all.
        super().__init__(**{"widget": forms.TextInput, **options})


class _MomentField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        found: datetime | None = super().to_python(value)
        if found is not None and not EARLIEST <= found < LATEST:
            raise forms.ValidationError(MomentField.default_error_messages["out_of_range"], code="invalid")
        return found


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A moment that the database can be asked about."""

    field_class = _MomentField


class PublicIdFilter(django_filters.UUIDFilter):
    """Names another object by the ``id`` that the list ``of`` tells."""

    def __init__(self, *, of: str, **options: Any) -> None:
        super().__init__(**options, error_messages={"invalid": format_lazy(NO_SUCH_ID, of=of)})


class StrictFilterBackend(DjangoFilterBackend):
    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        known = set(filterset.base_filters) if filterset else set()
        unknown = sorted(set(request.query_params) - known - _PAGING_PARAMETERS)
        if unknown:
            raise ValidationError(
                {
                    name: [f"Unknown parameter; known are: {', '.join(sorted(known)) or 'none'}."]
                    for name in unknown
                }
            )
        return super().filter_queryset(request, queryset, view)
