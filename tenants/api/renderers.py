from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer


def _plain(value: Any) -> Any:
    """Encode what msgspec does not know: lazy translations, and the framework's dict and list classes."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return list(value)
    return str(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain)


class JsonRenderer(BaseRenderer):
    """JSON by msgspec: several times faster than the framework's, and dates in RFC 3339."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else _encoder.encode(data)
