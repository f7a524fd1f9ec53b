"""What a field that searches finds, as the list below it."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponseBase

from rewards.admin import brakes, choices_of
from tenants.admin.frame import StaffPage
from tenants.admin.pickers import FOUND
from tenants.domain.permissions import Permission

_LONGEST: Final = 100
_SOURCES: Final = {**choices_of.SOURCES, "brake": (Permission.PROGRAM_EDIT, lambda _of: brakes.source())}


class ChoicesPage(StaffPage):
    """The objects of a source that fit what was typed so far."""

    http_method_names = ["get", "head", "options"]

    def _needed(self, request: HttpRequest) -> Permission:
        name = self.kwargs["name"]
        if name not in _SOURCES:
            raise Http404
        return _SOURCES[name][0]

    def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        text, of = (request.GET.get(key, "").replace("\0", "")[:_LONGEST].strip() for key in ("q", "of"))
        source = _SOURCES[name][1](of)
        found = source.find(text, FOUND + 1)
        lines = [(key, label, source.text(key, label)) for key, label in found[:FOUND]]
        return self.fragment("backoffice/parts/found.html", lines=lines, has_more=len(found) > FOUND)
