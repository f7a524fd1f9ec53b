from __future__ import annotations

from django_filters import ChoiceFilter

from recommendations.models import ModelKind, ModelVersion, VersionState
from tenants.api.filters import StrictFilterSet


class ModelVersionFilters(StrictFilterSet):
    kind = ChoiceFilter(choices=ModelKind.choices)
    state = ChoiceFilter(choices=VersionState.choices)

    class Meta:
        model = ModelVersion
        fields = ["kind", "state"]
