"""The form of one wallet: what it is, when its points begin and end, what returns take, what it is worth."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import expiry_fields
from rewards.admin.money import to_major, to_minor
from rewards.admin.program_rows import Row
from rewards.domain.expiry import ExpiryKind
from rewards.domain.wallets import MANUAL, WARNING_DAYS, RefundPolicy, WalletKind
from tenants.admin.forms import DayInput

Text = str | Promise
KIND_LABELS: Final[Mapping[str, Text]] = {
    WalletKind.SPENDABLE.value: gettext_lazy("Points to spend"),
    WalletKind.STATUS.value: gettext_lazy("Status points: they count, nobody spends them"),
    WalletKind.CASHBACK.value: gettext_lazy("Cashback: a point is the smallest unit of your money"),
}
POLICY_LABELS: Final[Mapping[str, Text]] = {
    RefundPolicy.WITHIN_BALANCE.value: gettext_lazy("Take back what is left of what they earned"),
    RefundPolicy.ONLY_PENDING.value: gettext_lazy("Take back pending points only"),
    RefundPolicy.ALLOW_DEBT.value: gettext_lazy("Take back everything; what is spent becomes a debt"),
}
_NOW, _DAYS, _EVENT, _FIRST, _UNTIL, _STAFF = "now", "days", "event", "first", "until", "manual"
_WAITS: Final = [
    (_NOW, gettext_lazy("At once")),
    (_DAYS, gettext_lazy("Some days later")),
    (_EVENT, gettext_lazy("When an event names the order")),
    (_FIRST, gettext_lazy("Days later or by the event, whichever is first")),
    (_UNTIL, gettext_lazy("On a date")),
    (_STAFF, gettext_lazy("When staff release them")),
]
_NEEDED: Final = {
    _DAYS: ("pending_days",),
    _EVENT: ("pending_event",),
    _FIRST: ("pending_days", "pending_event"),
    _UNTIL: ("pending_until",),
}
MOVERS: Final[Mapping[str, Any]] = {
    "support": gettext_lazy("Limit of support"),
    "analyst": gettext_lazy("Limit of analysts"),
    "marketer": gettext_lazy("Limit of marketers"),
    "admin": gettext_lazy("Limit of admins"),
    "owner": gettext_lazy("Limit of owners"),
    "api_key": gettext_lazy("Limit of API keys"),
}
_SHOWN: Final = frozenset(
    {
        "kind", "expiry_months", "expiry", "expiry_by_tier", "pending", "refund_policy", "restore_grace_days",
        "allows_transfers", "thousand_points_minor", "redemption_percent", "adjustment_limits",
        "warning_days",
    }
)  # fmt: skip


class Group(NamedTuple):
    """Fields that belong together; ``is_open`` when the reader should see them without asking."""

    title: Text
    fields: Sequence[forms.BoundField]
    is_open: bool


def _tier_prefix(tier: str) -> str:
    return f"expiry_by_tier_{tier}"


class WalletRow(Row):
    """One wallet; ``tiers`` are (key, name) of the ladder, each of which may have an expiry of its own.

    A wallet among the ``live`` ones may hold points of members, so it cannot be removed.
    """

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(
        label=gettext_lazy("What it holds"), choices=list(KIND_LABELS.items()),
        help_text=gettext_lazy("Do not change it once members have a balance."),
    )  # fmt: skip
    pending = forms.ChoiceField(label=gettext_lazy("Points can be spent"), choices=_WAITS)
    pending_days = forms.IntegerField(
        label=gettext_lazy("Days"), min_value=1, max_value=3650, required=False,
        help_text=gettext_lazy("For instance the days in which an order can be returned."),
    )  # fmt: skip
    pending_event = forms.SlugField(
        label=gettext_lazy("Name of the event"), max_length=60, required=False,
        help_text=gettext_lazy("For instance order_delivered. Its order_id says which order is meant."),
    )  # fmt: skip
    pending_until = forms.DateField(
        label=gettext_lazy("Date"), required=False, widget=DayInput(),
        help_text=gettext_lazy("What is earned later can be spent at once."),
    )  # fmt: skip
    warning_days = forms.CharField(
        label=gettext_lazy("Warn so many days before"), max_length=40, required=False,
        help_text=gettext_lazy("Days, separated by commas: 30, 7. Empty sends no warning."),
    )  # fmt: skip
    refund_policy = forms.ChoiceField(
        label=gettext_lazy("A return"), choices=list(POLICY_LABELS.items()),
        help_text=gettext_lazy("A debt is paid by the next points the member earns."),
    )  # fmt: skip
    restore_grace_days = forms.IntegerField(
        label=gettext_lazy("Days to use points that come back"), min_value=0, max_value=3650, required=False,
        help_text=gettext_lazy("For points whose end passed before a redemption was undone."),
    )  # fmt: skip
    allows_transfers = forms.BooleanField(
        label=gettext_lazy("Members may give points to each other"), required=False
    )
    thousand_points = forms.DecimalField(
        label=gettext_lazy("Cost of 1,000 points"), min_value=0, max_digits=18, decimal_places=3,
        required=False,
        help_text=gettext_lazy("What they cost you when they are spent; needed for budgets in money."),
    )  # fmt: skip
    redemption_percent = forms.IntegerField(
        label=gettext_lazy("Share that is ever spent, in percent"), min_value=0, max_value=100,
        required=False,
        help_text=gettext_lazy("Lowers the liability. Empty is 100."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, tiers: Sequence[tuple[str, str]] = (), live: Collection[str] = (), **kwargs: Any
    ) -> None:
        self.tiers = tiers
        super().__init__(*args, **kwargs)
        self.is_live = self["key"].value() in live
        if not self.is_live:
            self.fields["remove"] = forms.BooleanField(
                label=gettext_lazy("Remove this wallet"), required=False
            )
        expiry_fields.add_to(self, "expiry", label=gettext_lazy("Points end"))
        for key, name in tiers:
            label = _("Points of tier %(tier)s end") % {"tier": name}
            expiry_fields.add_to(
                self, _tier_prefix(key), label=label, without=gettext_lazy("like everybody's")
            )
        for mover, limit_of in MOVERS.items():
            self.fields[f"adjustment_limits_{mover}"] = forms.IntegerField(
                label=limit_of, min_value=0, max_value=1_000_000_000, required=False
            )

    def is_given(self) -> bool:
        return super().is_given() and not self.cleaned_data.get("remove")

    def groups(self) -> Iterator[Group]:
        """Yield the fields in the order people think of them."""
        yield self._group(gettext_lazy("Basics"), ["name", "kind"], is_open=True)
        waits = ["pending", "pending_days", "pending_event", "pending_until"]
        yield self._group(gettext_lazy("When points can be spent"), waits)
        ends = [*expiry_fields.names("expiry"), "warning_days"]
        yield self._group(gettext_lazy("When points end"), ends, is_open=True)
        if self.tiers:
            own = [name for key, _name in self.tiers for name in expiry_fields.names(_tier_prefix(key))]
            yield self._group(gettext_lazy("Another end for some tiers"), own)
        returns = ["refund_policy", "restore_grace_days", "allows_transfers"]
        yield self._group(gettext_lazy("Returns, debt and transfers"), returns, is_open=True)
        yield self._group(gettext_lazy("What points cost"), ["thousand_points", "redemption_percent"])
        limits = [f"adjustment_limits_{mover}" for mover in MOVERS]
        yield self._group(
            gettext_lazy(
                "Points moved by hand, of a member in 24 hours: more needs another person's approval"
            ),
            limits,
        )

    def _group(self, title: Text, names: Sequence[str], *, is_open: bool = False) -> Group:
        fields = [self[name] for name in names]
        return Group(title, fields, is_open or any(field.errors for field in fields))

    def clean_warning_days(self) -> list[int]:
        parts = [part.strip() for part in self.cleaned_data["warning_days"].split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and 0 < int(part) < 366 for part in parts):  # noqa: PLR2004
            raise forms.ValidationError(_("Write whole days up to 365, separated by commas."))
        return sorted({int(part) for part in parts}, reverse=True)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for name in _NEEDED.get(str(values.get("pending")), ()):
            if not values.get(name) and name not in self.errors:
                self.add_error(name, _("This is needed."))
        for prefix in ("expiry", *(_tier_prefix(key) for key, _name in self.tiers)):
            expiry_fields.check(self, prefix)
        return values

    def wallet(self, former: Mapping[str, Any], tiers: Sequence[str]) -> dict[str, Any]:
        """Return the wallet of the document; of ``former`` stays what has no field here.

        ``tiers`` are those that are kept: the expiry of a removed one goes with it.
        """
        values = self.cleaned_data
        by_tier = {key: expiry_fields.written(values, _tier_prefix(key)) for key in tiers}
        limits = {mover: values[f"adjustment_limits_{mover}"] for mover in MOVERS}
        percent = values["redemption_percent"]
        own: dict[str, Any] = {
            "kind": values["kind"],
            **self._expiry(former),
            "expiry_by_tier": {key: expiry for key, expiry in by_tier.items() if expiry},
            "pending": self._pending(),
            "refund_policy": values["refund_policy"],
            "restore_grace_days": values["restore_grace_days"] or 0,
            "allows_transfers": values["allows_transfers"],
            "thousand_points_minor": to_minor(values["thousand_points"], self.currency),
            "redemption_percent": 100 if percent is None else percent,
            "adjustment_limits": {mover: limit for mover, limit in limits.items() if limit is not None},
            "warning_days": values["warning_days"],
        }
        kept = {name: value for name, value in former.items() if name not in _SHOWN}
        return {**kept, "name": values["name"], **own}

    def _expiry(self, former: Mapping[str, Any]) -> dict[str, Any]:
        """Say a rolling or no end the way the document said it before."""
        expiry = expiry_fields.written(self.cleaned_data, "expiry") or {"kind": ExpiryKind.NEVER.value}
        is_short = expiry["kind"] in {ExpiryKind.NEVER.value, ExpiryKind.ROLLING.value}
        if is_short and not former.get("expiry"):
            return {"expiry_months": expiry.get("months")}
        return {"expiry": expiry}

    def _pending(self) -> dict[str, Any]:
        values, wait = self.cleaned_data, self.cleaned_data["pending"]
        if wait == _UNTIL:
            return {"until": values["pending_until"].isoformat()}
        event = MANUAL if wait == _STAFF else values["pending_event"] if wait in {_EVENT, _FIRST} else ""
        days = values["pending_days"] if wait in {_DAYS, _FIRST, _STAFF} else 0
        return {"days": days or 0, "event": event}


def wallet_values(wallet: Mapping[str, Any], tiers: Sequence[str], currency: str) -> dict[str, Any]:
    """Return the initial values of a row, from the document as ``to_json`` writes it."""
    pending = wallet.get("pending", {})
    days, event, until = pending.get("days"), pending.get("event", ""), pending.get("until")
    months = wallet.get("expiry_months")
    rolling = {"kind": ExpiryKind.ROLLING.value, "months": months}
    short = rolling if months else {"kind": ExpiryKind.NEVER.value}
    wait = _UNTIL if until else _STAFF if event == MANUAL else {
        (True, True): _FIRST, (True, False): _DAYS, (False, True): _EVENT,
    }.get((bool(days), bool(event)), _NOW)  # fmt: skip
    values: dict[str, Any] = {
        **wallet,
        "kind": wallet.get("kind", WalletKind.SPENDABLE.value),
        "pending": wait,
        "pending_days": days or None,
        "pending_event": "" if event == MANUAL else event,
        "pending_until": until,
        "warning_days": ", ".join(map(str, wallet.get("warning_days", WARNING_DAYS))),
        "thousand_points": to_major(wallet.get("thousand_points_minor"), currency),
        **expiry_fields.initial(wallet.get("expiry") or short, "expiry"),
    }
    own = wallet.get("expiry_by_tier", {})
    for tier in tiers:
        values |= expiry_fields.initial(own.get(tier), _tier_prefix(tier))
    limits = wallet.get("adjustment_limits", {})
    return values | {f"adjustment_limits_{mover}": limits.get(mover) for mover in MOVERS}
