from __future__ import annotations

from typing import Any

from rest_framework import serializers

from recommendations.models import Slot
from recommendations.queries.recommendations import (
    LONGEST,
    CustomerRecommendations,
    Recommendation,
    RecommendedItem,
)
from tenants.api.serializers import StrictSerializer


class RecommendationsQuery(StrictSerializer):
    """What the URL may ask."""

    slot = serializers.ChoiceField(choices=Slot.values, default=Slot.NEW_FOR_YOU)
    limit = serializers.IntegerField(min_value=1, max_value=LONGEST, default=10)


class RecommendedItemOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    brand = serializers.CharField()
    price_minor = serializers.IntegerField(allow_null=True)


class ReasonOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["liked", "bought", "popular"])
    text = serializers.CharField()
    item = RecommendedItemOutput(allow_null=True)


class RecommendationOutput(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    item = RecommendedItemOutput()
    reason = ReasonOutput()


class RecommendationsOutput(serializers.Serializer[Any]):
    """For the schema only: answers are built by `rendered`, which costs a hundredth of a serializer."""

    slot = serializers.ChoiceField(choices=Slot.values)
    is_personal = serializers.BooleanField()
    model_version = serializers.CharField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    data = RecommendationOutput(many=True)  # type: ignore[assignment]  # the answer's own word, as in every list


def rendered(found: CustomerRecommendations) -> dict[str, Any]:
    """The answer's body."""
    return {
        "slot": found.slot,
        "is_personal": found.is_personal,
        "model_version": found.model_version,
        "computed_at": found.computed_at,
        "data": [_entry(entry) for entry in found.entries],
    }


def _entry(entry: Recommendation) -> dict[str, Any]:
    return {
        "position": entry.position,
        "score": entry.score,
        "item": _item(entry.item),
        "reason": {
            "kind": entry.reason,
            "text": entry.reason_text,
            "item": _item(entry.source) if entry.source and entry.reason == "liked" else None,
        },
    }


def _item(item: RecommendedItem) -> dict[str, Any]:
    return {
        "id": item.public_id,
        "external_id": item.external_id,
        "name": item.name,
        "category": item.category,
        "brand": item.brand,
        "price_minor": item.price_minor,
    }
