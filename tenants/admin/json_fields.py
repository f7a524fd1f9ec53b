"""JSON in forms: as the standard has it, and nothing where there is nothing."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tenants.domain.json_keys import RepeatedKey, refuse_repeated


def _refuse(constant: str) -> float:
    raise json.JSONDecodeError("JSON has no such number", constant, 0)


class StrictDecoder(json.JSONDecoder):
    """Reads what the standard calls JSON: NaN and infinities are Python's own addition.

    Raises ``JSONDecodeError``; of a key that an object has twice ``RepeatedKey``, which is one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"parse_constant": _refuse})

    def decode(self, s: str, *args: Any) -> Any:
        try:
            found = super().decode(s, *args)
            refuse_repeated(s)
        except RecursionError as error:
            raise json.JSONDecodeError("nested too deep", s, 0) from error
        return found


class OptionalJsonField(forms.JSONField):
    """A value as JSON, or none; a key that is there twice is named."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, decoder=StrictDecoder, **options)

    def prepare_value(self, value: Any) -> Any:
        """Show nothing where there is nothing, rather than JSON's null."""
        return "" if value is None else super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            if isinstance(error.__context__, RepeatedKey):
                raise forms.ValidationError(repeated_text(error.__context__)) from error
            raise


def repeated_text(error: RepeatedKey) -> str:
    """Say which key is there twice."""
    return _("The key at %(pointer)s is there twice. Keep one of the two.") % {"pointer": error.pointer}
