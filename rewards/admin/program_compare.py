"""Two revisions side by side: what changed, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from rewards.admin import change_words
from rewards.admin.program import OneRevisionPage
from rewards.admin.section_words import KIND_LABELS, SECTION_LABELS
from rewards.domain.comparison import Change, ChangeKind, compare
from rewards.domain.programs import Revision
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions
from tenants.admin.frame import Crumb

_OTHERS_SHOWN: Final = 30
# Changes of one section and kind that are shown in full.
_MOST_SHOWN: Final = 20


class ComparePage(OneRevisionPage):
    """What a revision changes against another one."""

    template_name = "backoffice/program/compare.html"

    def crumbs(self) -> list[Crumb]:
        title = _("Revision %(number)s") % {"number": self.kwargs["number"]}
        return [*super().crumbs(), Crumb(title, reverse("program_revision", args=[self.kwargs["number"]]))]

    def get(self, request: HttpRequest, number: int, other: int) -> HttpResponseBase:
        before_row = get_object_or_404(ProgramRevision.objects.all(), number=other)
        before, after = compiled_revisions.revision_of(before_row), compiled_revisions.revision_of(self.row)
        self.title = _("Revision %(number)s against %(other)s") % {"number": number, "other": other}
        first, rest = _first_and_rest(compare(before, after))
        currency = self.access.tenant.currency
        changes = [_shown(change, before, after, currency) for change in first]
        others = ProgramRevision.objects.exclude(number=number).order_by("-number")
        numbers = others.values_list("number", flat=True)[:_OTHERS_SHOWN]
        return self.page(row=self.row, other=before_row, changes=changes, others=numbers, rest=rest)


def _shown(change: Change, before: Revision, after: Revision, currency: str) -> dict[str, Any]:
    return {
        "section": SECTION_LABELS.get(change.section, change.section),
        "kind": change.kind.value,
        "kind_label": KIND_LABELS[change.kind],
        "name": change.name if change.key else "",
        "parts": change_words.parts(change, before, after, currency),
    }


def _first_and_rest(changes: Iterable[Change]) -> tuple[list[Change], list[dict[str, Any]]]:
    """Return the first changes of each section and kind, and of the rest the names."""
    first: list[Change] = []
    names_by_group: dict[tuple[str, ChangeKind], list[str]] = defaultdict(list)
    seen: Counter[tuple[str, ChangeKind]] = Counter()
    for change in changes:
        group = change.section, change.kind
        seen[group] += 1
        if seen[group] <= _MOST_SHOWN:
            first.append(change)
        else:
            names_by_group[group].append(change.name)
    rest = [
        {
            "section": SECTION_LABELS.get(section, section),
            "kind": kind.value,
            "kind_label": KIND_LABELS[kind],
            "names": names,
        }
        for (section, kind), names in names_by_group.items()
    ]
    return first, rest
