from __future__ import annotations

from typing import Any

import django_filters
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError

# Parameters that belong to paging and format, not to a list's filters.
_FRAMEWORK_PARAMETERS = frozenset({"cursor", "limit", "ordering"})


class StrictFilterSet(django_filters.FilterSet):  # type: ignore[misc]  # the library ships no types
    """Filters of a list; an unknown parameter is an error instead of an unfiltered list."""


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # the library ships no types
    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        known = set(filterset.base_filters) if filterset else set()
        unknown = sorted(set(request.query_params) - known - _FRAMEWORK_PARAMETERS)
        if unknown:
            raise ValidationError(
                {
                    name: [f"Unknown parameter; known are: {', '.join(sorted(known)) or 'none'}."]
                    for name in unknown
                }
            )
        return super().filter_queryset(request, queryset, view)
