"""Two revisions side by side: what changed, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import comparison_words, wallet_words, words
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
_RULE_PARTS: Final = {
    "trigger": gettext_lazy("Answers to"),
    "earning": gettext_lazy("Gives"),
    "grants": gettext_lazy("Also gives"),
    "conditions": gettext_lazy("Conditions"),
    "lines": gettext_lazy("Lines that count"),
    "category_factors": gettext_lazy("Categories that pay more or less"),
    "tier_factors": gettext_lazy("Tiers that earn more"),
    "limits": gettext_lazy("Limits"),
    "schedule": gettext_lazy("Schedule"),
    "expiry": gettext_lazy("Points end"),
    "audience": gettext_lazy("audience"),
}


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
        changes = [self._shown(change, before, after) for change in first]
        others = ProgramRevision.objects.exclude(number=number).order_by("-number")
        numbers = others.values_list("number", flat=True)[:_OTHERS_SHOWN]
        return self.page(row=self.row, other=before_row, changes=changes, others=numbers, rest=rest)

    def _shown(self, change: Change, before: Revision, after: Revision) -> dict[str, Any]:
        parts: list[tuple[Any, str, str]] = []
        if change.section == "rules":
            parts = self._rule_parts(change.key, before, after)
        elif change.section == "wallets" and change.kind is ChangeKind.CHANGED:
            parts = self._wallet_parts(change.key, before, after)
        elif comparison_words.is_told(change.section):
            parts = self._told_parts(change, before, after)
        if not parts:
            # What has no words is shown as the document writes it, rather than as no change at all.
            parts = [(name, _written(old), _written(new)) for name, (old, new) in change.members.items()]
        return {
            "section": SECTION_LABELS.get(change.section, change.section),
            "kind": change.kind.value,
            "kind_label": KIND_LABELS[change.kind],
            "name": change.name if change.key else "",
            "parts": parts,
        }

    def _told_parts(self, change: Change, before: Revision, after: Revision) -> list[tuple[Any, str, str]]:
        currency = self.access.tenant.currency
        old, new = (
            comparison_words.parts_of(change.section, change.key, revision, currency)
            for revision in (before, after)
        )
        if change.kind is not ChangeKind.CHANGED:
            # Of what is new or gone, only that is told which is not as usual.
            usual = comparison_words.usual(change.section, currency)
            old, new = ({k: v for k, v in side.items() if usual.get(k) != v} for side in (old, new))
        return [
            (label, _written(old.get(label)), _written(new.get(label)))
            for label in new or old
            if old.get(label, "") != new.get(label, "")
        ]

    def _wallet_parts(self, key: str, before: Revision, after: Revision) -> list[tuple[Any, str, str]]:
        currency = self.access.tenant.currency
        old, new = (
            wallet_words.wallet_in_words(revision.wallet(key), revision, currency)
            for revision in (before, after)
        )
        return [
            (label, _written(old[name]), _written(new[name]))
            for name, label in wallet_words.LABELS.items()
            if old[name] != new[name]
        ]

    def _rule_parts(self, key: str, before: Revision, after: Revision) -> list[tuple[Any, str, str]]:
        currency = self.access.tenant.currency
        sides: list[dict[str, Any]] = []
        for revision in (before, after):
            rule = next((each for each in revision.rules if each.key == key), None)
            sides.append(words.rule_in_words(rule, revision, currency) if rule else {})
        parts: list[tuple[Any, str, str]] = [
            (label, _written(sides[0].get(name)), _written(sides[1].get(name)))
            for name, label in _RULE_PARTS.items()
            if sides[0].get(name) != sides[1].get(name) and (sides[0].get(name) or sides[1].get(name))
        ]
        if all(sides):
            for label, name in ((_("Name"), "name"), (_("Order"), "priority"), (_("Wallet"), "wallet")):
                old, new = (getattr(side["rule"], name) for side in sides)
                if old != new:
                    parts.append((label, _written(old), _written(new)))
        return parts


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


def _written(value: Any) -> str:
    if not value and value != 0:
        return "–"
    if isinstance(value, list | tuple):
        return "; ".join(_written(part) if not isinstance(part, tuple) else " ".join(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_written(part)}" for key, part in value.items())
    return str(value)
