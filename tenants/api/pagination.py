from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.response import Response


def is_natural(text: str, *, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def _unknown_cursor() -> ValidationError:
    return ValidationError({"cursor": "Not a cursor of ours: follow next or previous."})


class CursorPages(CursorPagination):
    """Pages by cursor, without a count: their cost does not grow with the table."""

    page_size = 25
    max_page_size = 100
    page_size_query_param = "limit"
    ordering = "-id"

    def get_page_size(self, request: Any) -> int | None:
        given = request.query_params.get(self.page_size_query_param)
        if given is not None and not (is_natural(given, digits=3) and 1 <= int(given) <= self.max_page_size):
            raise ValidationError({"limit": f"A whole number from 1 to {self.max_page_size}."})
        return int(given) if given else self.page_size

    def decode_cursor(self, request: Any) -> Cursor | None:
        """Read the cursor; a forged one is an error of the request, not of the database."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise _unknown_cursor() from error
        if cursor and cursor.position is not None and not is_natural(str(cursor.position), digits=18):
            raise _unknown_cursor()
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "data": data,
                "has_more": self.has_next,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["data", "has_more", "next", "previous"],
            "properties": {
                "data": schema,
                "has_more": {"type": "boolean"},
                "next": link,
                "previous": link,
            },
        }
