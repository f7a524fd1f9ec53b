from __future__ import annotations

from typing import Any

from rest_framework import serializers


class DraftedOutput(serializers.Serializer[Any]):
    """What was written into the draft of the program; it takes effect when that is published."""

    draft = serializers.IntegerField(
        source="number", allow_null=True,
        help_text="Number of the draft; null where this is in force already and no draft waits.",
    )  # fmt: skip
    behind = serializers.IntegerField(
        allow_null=True,
        help_text="Revision published since the draft was begun; it is brought up to date first.",
    )
    takes_effect = serializers.SerializerMethodField()
    written = serializers.SerializerMethodField(help_text="The entry as the program's document has it.")

    def get_takes_effect(self, drafted: Any) -> str:
        return "on_publication" if drafted.number else "now"

    def get_written(self, drafted: Any) -> dict[str, Any]:
        (entry,) = drafted.written
        return dict(entry)
