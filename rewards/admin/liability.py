"""What the program owes, in points and money, now and at the month ends."""

from __future__ import annotations

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
        return self.page(
            total=_total(parts),
            groups=_groups(parts),
            chart=_chart(ends, self.access.tenant.currency),
            month_ends=[each.month_end for each in reversed(ends)],
            month_end=end,
            is_valued=any(part.cost_minor for part in parts),
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


def _groups(parts: list[LiabilityPart]) -> list[dict[str, Any]]:
    published = programs.published()
    tiers = {tier.key: tier.name for tier in published.revision.tiers} if published else {}
    wallets = dict(Wallet.objects.values_list("key", "name"))
    return [
        {"title": _("By wallet"), "head": _("Wallet"),
         "rows": [(wallets[row.name], row) for row in liability.added_up(parts, "wallet")]},
        {"title": _("By tier"), "head": _("Tier"),
         "rows": [(tiers.get(row.name, row.name) or _("No tier"), row)
                  for row in liability.added_up(parts, "tier", list(tiers))]},
        {"title": _("By age"), "head": _("Earned"),
         "rows": [(AGE_LABELS[row.name], row) for row in liability.added_up(parts, "age", AGES)]},
    ]  # fmt: skip


def _chart(ends: list[MonthEnd], currency: str) -> Chart:
    is_valued = any(end.liability_minor for end in ends)
    values = [float(end.liability_minor if is_valued else end.points) for end in ends]

    def write(value: float) -> str:
        return formats.money(int(value), currency) if is_valued else formats.number(value)

    def write_scale(value: float) -> str:
        return formats.money(int(value), currency, is_compact=True) if is_valued else formats.compact(value)

    label = _("Expected cost") if is_valued else _("Points")
    return chart(
        title=_("Liability at month ends"),
        labels=[formats.month(end.month_end) for end in ends],
        series=[Series(label, values, write)],
        write_scale=write_scale,
    )
