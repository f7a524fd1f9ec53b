"""What a browser sends back of a form that nobody touched, read from its HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self._area: tuple[str, list[str]] | None = None
        self._select: tuple[str, bool, list[tuple[str, bool]]] | None = None
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        name = values.get("name", "")
        if tag == "form":
            self._is_inside = values.get("method") == "post" and "action" not in values
        if not self._is_inside or "disabled" in values:
            return
        if tag == "select" and name:
            self._select = (name, "multiple" in values, [])
        elif tag == "option" and self._select:
            self._select[2].append((values.get("value", ""), "selected" in values))
        elif tag == "textarea" and name:
            self._area = (name, [])
        elif tag == "input" and name:
            self._input(name, values)

    def _input(self, name: str, values: dict[str, Any]) -> None:
        kind = values.get("type", "text")
        if kind in {"checkbox", "radio"}:
            if "checked" in values:
                self.sent.setdefault(name, []).append(values.get("value", "on"))
        elif kind not in {"submit", "file", "button"}:
            self.sent[name] = re.sub(r"[\r\n]", "", values.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        if tag == "textarea" and self._area:
            name, parts = self._area
            # A browser leaves out the first line end, and sends all as they are on a line printer.
            text = re.sub(r"\A(\r\n|\r|\n)", "", "".join(parts))
            self.sent[name] = re.sub(r"\r\n|\r|\n", "\r\n", text)
            self._area = None
        if tag == "select" and self._select:
            name, is_several, options = self._select
            chosen = [value for value, is_chosen in options if is_chosen]
            if is_several:
                self.sent[name] = chosen
            elif options:
                self.sent[name] = chosen[-1] if chosen else options[0][0]
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)


def untouched(html: str) -> dict[str, Any]:
    """Return the fields of the page's own form as they are sent."""
    reader = _Reader()
    reader.feed(html)
    return reader.sent
