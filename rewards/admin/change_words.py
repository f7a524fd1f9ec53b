"""Changes between two revisions in the words of staff, part by part."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from rewards.admin import comparison_words, wallet_words, words
from rewards.domain.comparison import Change, ChangeKind
from rewards.domain.programs import Revision

Parts: TypeAlias = "list[tuple[Any, str, str]]"
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


def parts(change: Change, before: Revision, after: Revision, currency: str) -> Parts:
    """Return what a change changes: what it is called, as it was and as it is."""
    found: Parts = []
    if change.section == "rules":
        found = _rule_parts(change.key, before, after, currency)
    elif change.section == "wallets" and change.kind is ChangeKind.CHANGED:
        found = _wallet_parts(change.key, before, after, currency)
    elif comparison_words.is_told(change.section):
        found = _told_parts(change, before, after, currency)
    if not found:
        # What has no words is shown as the document writes it, rather than as no change at all.
        found = [(name, _written(old), _written(new)) for name, (old, new) in change.members.items()]
    return found


def _told_parts(change: Change, before: Revision, after: Revision, currency: str) -> Parts:
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


def _wallet_parts(key: str, before: Revision, after: Revision, currency: str) -> Parts:
    old, new = (
        wallet_words.wallet_in_words(revision.wallet(key), revision, currency) for revision in (before, after)
    )
    return [
        (label, _written(old[name]), _written(new[name]))
        for name, label in wallet_words.LABELS.items()
        if old[name] != new[name]
    ]


def _rule_parts(key: str, before: Revision, after: Revision, currency: str) -> Parts:
    sides: list[dict[str, Any]] = []
    for revision in (before, after):
        rule = next((each for each in revision.rules if each.key == key), None)
        sides.append(words.rule_in_words(rule, revision, currency) if rule else {})
    parts: Parts = [
        (label, _written(sides[0].get(name)), _written(sides[1].get(name)))
        for name, label in _RULE_PARTS.items()
        if sides[0].get(name) != sides[1].get(name) and (sides[0].get(name) or sides[1].get(name))
    ]
    if all(sides):
        for label, name in (
            (_("Name"), "name"),
            (pgettext("sequence", "Order"), "priority"),
            (_("Wallet"), "wallet"),
        ):
            old, new = (getattr(side["rule"], name) for side in sides)
            if old != new:
                parts.append((label, _written(old), _written(new)))
    return parts


def _written(value: Any) -> str:
    if not value and value != 0:
        return "–"
    if isinstance(value, list | tuple):
        return "; ".join(_written(part) if not isinstance(part, tuple) else " ".join(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_written(part)}" for key, part in value.items())
    return str(value)
