"""JSON in forms: as the standard has it, and nothing where there is nothing."""

from __future__ import annotations

import json
from typing import Any

from django import forms


def _refuse(constant: str) -> float:
    raise json.JSONDecodeError("JSON has no such number", constant, 0)


class StrictDecoder(json.JSONDecoder):
    """Reads what the standard calls JSON: NaN and infinities are Python's own addition."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"parse_constant": _refuse})


class OptionalJsonField(forms.JSONField):
    """A value as JSON, or none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, decoder=StrictDecoder, **options)

    def prepare_value(self, value: Any) -> Any:
        """Show nothing where there is nothing, rather than JSON's null."""
        return "" if value is None else super().prepare_value(value)
