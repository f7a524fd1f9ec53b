from __future__ import annotations

from collections.abc import Collection, Iterable

from crm.models import AttributeDefinition
from crm.models.attribute_definition import AttributeType


def ensure(*, keys: Iterable[str], subject: str, numbers: Collection[str] = ()) -> None:
    """Declare attributes that are not declared yet; an existing declaration stays as it is."""
    AttributeDefinition.objects.bulk_create(
        [
            AttributeDefinition(
                subject=subject,
                key=key,
                label=key.replace("_", " ").capitalize(),
                value_type=AttributeType.NUMBER if key in numbers else AttributeType.TEXT,
            )
            for key in keys
        ],
        ignore_conflicts=True,
    )
