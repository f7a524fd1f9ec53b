"""What the program owes, in points and money, now and at the month ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.models import Account, Wallet
from rewards.queries import liability, programs
from rewards.queries.liability import AGES, LiabilityPart, LiabilitySum, MonthEnd
from rewards.services import verification
from tenants.admin import formats
from tenants.admin.charts import Chart, Series, chart
from tenants.admin.frame import StaffPage
from tenants.domain.permissions import Permission

_FROZEN_SHOWN: Final = 50
AGE_LABELS: Final = {
    "3": gettext_lazy("up to 3 months"),
    "6": gettext_lazy("3 to 6 months"),
    "12": gettext_lazy("6 to 12 months"),
    "24": gettext_lazy("1 to 2 years"),
    "older": gettext_lazy("older than 2 years"),
}


class LiabilityPage(StaffPage):
    """Open points by wallet, tier and age, the stored month ends as a chart, and frozen accounts."""

    permission = Permission.PROGRAM_VIEW
    write_permission = Permission.POINTS_APPROVE
    title = gettext_lazy("Liability")
    template_name = "backoffice/points/liability.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        ends = liability.month_ends()
        stored = {each.month_end.isoformat(): each.month_end for each in ends}
        end = stored.get(request.GET.get("month_end", ""))
        parts = liability.now(at=timezone.now()) if end is None else liability.at_month_end(end)
        frozen = Account.objects.filter(frozen_at__isnull=False).select_related("customer", "wallet")
        is_valued = any(part.cost_minor for part in parts)
        return self.page(
            total=_total(parts),
            groups=_groups(parts, self.access.tenant.currency, is_valued=is_valued),
            chart=_chart(ends, self.access.tenant.currency),
            month_ends=[each.month_end for each in reversed(ends)],
            month_end=end,
            is_valued=is_valued,
            frozen=frozen.prefetch_related("customer__persons").order_by("frozen_at")[:_FROZEN_SHOWN],
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Open a frozen account again; the reason is kept in the audit log."""
        account = get_object_or_404(
            Account.objects.filter(frozen_at__isnull=False), customer__public_id=request.POST.get("customer"),
            wallet__key=request.POST.get("wallet"),
        )  # fmt: skip
        reason = request.POST.get("reason", "").strip()
        if not reason:
            messages.error(request, _("Say why the account may be used again."))
        else:
            verification.unfreeze(account=account, by=self.access.actor, at=timezone.now(), reason=reason)
            messages.success(request, _("The account is open again."))
        return redirect(reverse("liability"))


def _total(parts: list[LiabilityPart]) -> LiabilitySum:
    return LiabilitySum(
        "",
        sum(part.points for part in parts),
        sum(part.cost_minor for part in parts),
        sum(part.liability_minor for part in parts),
    )


def _groups(parts: list[LiabilityPart], currency: str, *, is_valued: bool) -> list[dict[str, Any]]:
    published = programs.published()
    tiers = {tier.key: tier.name for tier in published.revision.tiers} if published else {}
    wallets = dict(Wallet.objects.values_list("key", "name"))
    groups: list[dict[str, Any]] = [
        {"title": _("By wallet"), "head": _("Wallet"),
         "rows": [(wallets[row.name], row) for row in liability.added_up(parts, "wallet")]},
        {"title": _("By tier"), "head": _("Tier"),
         "rows": [(tiers.get(row.name, row.name) or _("No tier"), row)
                  for row in liability.added_up(parts, "tier", list(tiers))]},
        {"title": _("By age"), "head": _("Earned"),
         "rows": [(AGE_LABELS[row.name], row) for row in liability.added_up(parts, "age", AGES)]},
    ]  # fmt: skip
    for group in groups:
        bars = [(str(name), row) for name, row in group["rows"]]
        # One bar says nothing that its row does not.
        group["chart"] = _bars(group, bars, currency, is_valued=is_valued) if len(bars) > 1 else None
    return groups


def _bars(
    group: dict[str, Any], rows: list[tuple[str, LiabilitySum]], currency: str, *, is_valued: bool
) -> Chart:
    write, write_scale = _writers(currency, is_valued=is_valued)
    values = [float(row.liability_minor if is_valued else row.points) for _name, row in rows]
    return chart(
        title=group["title"],
        axis=group["head"],
        labels=[name for name, _row in rows],
        series=[Series(_label(is_valued=is_valued), values, write)],
        write_scale=write_scale,
    )


def _label(*, is_valued: bool) -> str:
    return _("Expected cost") if is_valued else _("Points")


def _writers(currency: str, *, is_valued: bool) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """Return how a value is written, and how the scale beside it."""
    if not is_valued:
        return formats.number, formats.compact
    return (
        lambda value: formats.money(int(value), currency),
        lambda value: formats.money(int(value), currency, is_compact=True),
    )


def _chart(ends: list[MonthEnd], currency: str) -> Chart:
    is_valued = any(end.liability_minor for end in ends)
    values = [float(end.liability_minor if is_valued else end.points) for end in ends]
    write, write_scale = _writers(currency, is_valued=is_valued)
    return chart(
        title=_("Liability at month ends"),
        labels=[formats.month(end.month_end) for end in ends],
        series=[Series(_label(is_valued=is_valued), values, write)],
        write_scale=write_scale,
    )
