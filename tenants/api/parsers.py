from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tenants.domain.json_keys import RepeatedKey, refuse_repeated

DEEPEST = 32


class JsonParser(BaseParser):
    """JSON by msgspec: UTF-8 only, no lone surrogate, no number that is none, at most ``DEEPEST`` levels.

    No object has a key twice: readers would not agree on which of the two is meant. What passes can be stored
    and written again. The whole body is read through the request, which caps it.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = parser_context["request"]._request.body  # noqa: SLF001
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        except RecursionError as error:
            raise _too_deep() from error
        level = [data]
        for _ in range(DEEPEST):
            level = [inner for each in level for inner in _within(each) if isinstance(inner, dict | list)]
            if not level:
                _refuse_repeated(body)
                return data
        raise _too_deep()


def _refuse_repeated(body: bytes) -> None:
    try:
        refuse_repeated(body)
    except RepeatedKey as error:
        raise ParseError(f"In the body, the key at {error.pointer} is there twice.") from error


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ParseError:
    return ParseError(f"The body is nested more than {DEEPEST} levels deep.")
