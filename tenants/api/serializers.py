from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from tenants.domain.moments import EARLIEST, LATEST


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
    """A moment with its offset from UTC, within the years that we can reckon with."""

    default_error_messages = {
        "zone_missing": _("Say the offset from UTC, such as Z or +02:00."),
        "out_of_range": _("Between the years 1900 and 2200."),
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("zone_missing")
        moment = super().enforce_timezone(value)
        if not EARLIEST <= moment < LATEST:
            self.fail("out_of_range")
        return moment


class DayField(serializers.DateField):
    """A day, within the years that we can reckon with."""

    default_error_messages = {"out_of_range": MomentField.default_error_messages["out_of_range"]}

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not EARLIEST.date() <= day < LATEST.date():
            self.fail("out_of_range")
        return day


# Both inputs that name an object, fields of bodies and filters of lists, refuse in the same words.
NO_SUCH_ID: Final = _("This is no id. Send the `id` of one of those that GET /api/v1/{of} lists.")


class PublicIdField(serializers.UUIDField):
    """The ``id`` by which a request names another object; ``of`` is the list that tells it: `customers`."""

    default_error_messages = {"invalid": NO_SUCH_ID}

    def __init__(self, *, of: str, **options: Any) -> None:
        options.setdefault("help_text", f"An `id` of `GET /{of}`.")
        super().__init__(**options)
        self.of = of

    def fail(self, key: str, **named: Any) -> NoReturn:
        super().fail(key, of=self.of, **named)


class FieldErrorOutput(serializers.Serializer[Any]):
    """One thing that is wrong in a request; ``pointer`` is a JSON pointer into its body."""

    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemOutput(serializers.Serializer[Any]):
    """A failure (RFC 9457); ``code`` names its kind, further members are facts such as ``missing``."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldErrorOutput(many=True, required=False)  # type: ignore[assignment]  # fields leave the class
