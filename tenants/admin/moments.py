"""A field for a moment: to the second, and of an hour that comes twice the first one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone


class MomentInput(forms.DateTimeInput):
    """The browser's field for day and time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M:%S")


class MomentField(forms.DateTimeField):
    """A moment in the page's time zone. What the clock skips in spring is read by the clock of before."""

    widget = MomentInput

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(UTC):
            found = super().to_python(value)
        if found is None or (isinstance(value, datetime) and timezone.is_aware(value)):
            return found
        return found.replace(tzinfo=timezone.get_current_timezone())
