"""The only place of this app with row locks."""

from __future__ import annotations

from recommendations.models import ModelVersion


def lock_versions(kind: str) -> list[ModelVersion]:
    """Lock all versions of a kind, so that two trainings cannot both replace the active one."""
    return list(ModelVersion.objects.filter(kind=kind).select_for_update().order_by("pk"))
