from __future__ import annotations

from recommendations.models.model_version import ModelKind, ModelVersion, VersionState
from recommendations.models.recommendation_list import RecommendationList, Slot

__all__ = ["ModelKind", "ModelVersion", "RecommendationList", "Slot", "VersionState"]
