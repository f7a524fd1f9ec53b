"""Every route of the API, read from the URLconf: a new endpoint is in the table by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import get_resolver

METHODS = ("get", "post", "put", "patch", "delete")
API = "api/v1/"


class Route(NamedTuple):
    method: str
    path: str
    view: Any

    @property
    def noun(self) -> str:
        """The first step of the path: what kind of object its id names."""
        return self.path.split("/")[0]

    def filled(self, public_id: object) -> str:
        # What is numbered within a tenant gets a number that no tenant has come to.
        numbered = re.sub(r"<int:\w+>", "987654321", self.path)
        return "/" + re.sub(r"<(?:uuid:public_id|str:code)>", str(public_id), numbered)

    @property
    def names_an_object(self) -> bool:
        return "<" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _patterns(resolver: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern, path)
        else:
            yield path, pattern.callback


def api_routes() -> list[Route]:
    routes = []
    for path, callback in _patterns(get_resolver("loyalty_saas.urls.root")):
        if not path.startswith(API):
            continue
        view = callback.cls
        actions = getattr(callback, "actions", None) or {m: m for m in METHODS if hasattr(view, m)}
        routes += [Route(method, path[len(API) :], (view, action)) for method, action in actions.items()]
    return routes
