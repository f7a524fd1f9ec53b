from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Input of the API: an unknown field is an error, so that a misspelt one is not silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: serializers.ErrorDetail("Unknown field.", code="unknown_field")
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A moment with its offset from UTC, within years that every time zone and the database can hold."""

    default_error_messages = {
        "zone_missing": _("Say the offset from UTC, such as Z or +02:00."),
        "out_of_range": _("Between the years 1900 and 2200."),
    }
    _earliest = datetime(1900, 1, 1, tzinfo=UTC)
    _latest = datetime(2200, 1, 1, tzinfo=UTC)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("zone_missing")
        moment = super().enforce_timezone(value)
        if not self._earliest <= moment < self._latest:
            self.fail("out_of_range")
        return moment
