"""The answer to work that goes on in a job."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Output = serializers.Serializer[Any]


class JobStarted(Output):
    job = serializers.UUIDField()
