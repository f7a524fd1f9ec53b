from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm.models import AttributeDefinition
from crm.models.attribute_definition import AttributeType

# What a column of a file holds, and what an attribute of it is declared as.
_DECLARED_BY_VALUE: Final = {
    "whole": AttributeType.NUMBER,
    "number": AttributeType.NUMBER,
    "boolean": AttributeType.BOOLEAN,
    "day": AttributeType.DATE,
    "moment": AttributeType.DATE,
}


def ensure_types(types: Mapping[str, str], *, subject: str) -> None:
    """Declare attributes by the type of their values; an existing declaration stays as it is."""
    AttributeDefinition.objects.bulk_create(
        [
            AttributeDefinition(
                subject=subject,
                key=key,
                label=key.replace("_", " ").capitalize(),
                value_type=_DECLARED_BY_VALUE.get(value_type, AttributeType.TEXT),
            )
            for key, value_type in types.items()
        ],
        ignore_conflicts=True,
    )
