"""Wallets in the words staff use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rewards.admin import expiry_fields
from rewards.domain.programs import Revision
from rewards.domain.wallets import MANUAL, Pending, RefundPolicy, WalletKind, WalletPolicy
from tenants.admin import formats
from tenants.models import Membership

_REFUNDS: Final = {
    RefundPolicy.WITHIN_BALANCE: gettext_lazy("a return takes back what is left of what they earned"),
    RefundPolicy.ONLY_PENDING: gettext_lazy("a return takes back pending points only"),
    RefundPolicy.ALLOW_DEBT: gettext_lazy("a return takes back everything; what is spent becomes a debt"),
}
_KINDS: Final = {
    WalletKind.SPENDABLE: gettext_lazy("points to spend"),
    WalletKind.STATUS: gettext_lazy("status points"),
    WalletKind.CASHBACK: gettext_lazy("cashback"),
}
LABELS: Final[Mapping[str, str | Promise]] = {
    "name": gettext_lazy("Name"),
    "kind": gettext_lazy("What it holds"),
    "ends": gettext_lazy("Points end"),
    "tier_ends": gettext_lazy("Another end for some tiers"),
    "warnings": gettext_lazy("Warnings"),
    "begins": gettext_lazy("Points can be spent"),
    "refund": gettext_lazy("A return"),
    "transfers": gettext_lazy("Transfers"),
    "grace": gettext_lazy("Days to use points that come back"),
    "cost": gettext_lazy("Cost of 1,000 points"),
    "share": gettext_lazy("Share that is ever spent, in percent"),
    "limits": gettext_lazy("Limits by hand"),
}
# Limits by hand belong to roles of the team, and to keys.
_MOVERS: Final[Mapping[str, Any]] = {**dict(Membership.ROLE_CHOICES), "api_key": gettext_lazy("API key")}
_SAID: Final = ("kind", "ends", "tier_ends", "begins", "refund", "transfers")


def wallet_in_words(wallet: WalletPolicy, revision: Revision, currency: str) -> dict[str, Any]:
    """Return what pages show of a wallet, by the names of ``LABELS``; ``facts`` is the short version."""
    tiers = {tier.key: tier.name for tier in revision.tiers}
    words: dict[str, Any] = {
        "name": wallet.name,
        "kind": str(_KINDS[wallet.kind]),
        "ends": expiry_fields.in_words(wallet.expiry_for()),
        "tier_ends": "; ".join(
            f"{tiers.get(key, key)}: {expiry_fields.in_words(expiry)}"
            for key, expiry in sorted(wallet.expiry_by_tier.items())
        ),
        "warnings": _warnings(wallet.warning_days),
        "begins": _begins(wallet.pending),
        "refund": str(_REFUNDS[wallet.refund_policy]),
        "transfers": _("members may give points to each other") if wallet.allows_transfers else "",
        "grace": str(wallet.restore_grace_days or ""),
        "cost": _cost(wallet, currency),
        "share": str(wallet.redemption_percent),
        "limits": "; ".join(
            f"{_MOVERS.get(mover, mover)}: {formats.number(limit)}"
            for mover, limit in sorted(wallet.adjustment_limits.items())
        ),
    }
    return {**words, "facts": [words[name] for name in _SAID if words[name]]}


def _begins(pending: Pending) -> str:
    if pending.until is not None:
        return _("can be spent from %(day)s") % {"day": formats.day(pending.until)}
    days = ngettext("%(n)s day", "%(n)s days", pending.days) % {"n": pending.days}
    if pending.event == MANUAL:
        return _("can be spent when staff release them")
    if pending.event and pending.days:
        return _("can be spent after %(days)s or %(event)s") % {"days": days, "event": pending.event}
    if pending.event:
        return _("can be spent after %(event)s") % {"event": pending.event}
    return _("can be spent after %(days)s") % {"days": days} if pending.days else _("can be spent at once")


def _warnings(days: tuple[int, ...]) -> str:
    if not days:
        return _("no warning")
    return _("%(days)s days before") % {"days": ", ".join(map(str, days))}


def _cost(wallet: WalletPolicy, currency: str) -> str:
    minor = wallet.thousand_points_minor
    return "" if minor is None else formats.money(minor, currency)
