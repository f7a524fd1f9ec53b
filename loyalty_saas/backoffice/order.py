"""One order with its lines, its returns and the points each line earned."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import Order, OrderLine, Return
from rewards.admin import reasons
from rewards.models import DecisionEvent, DecisionRecord, ProgramRevision
from rewards.queries import programs
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission


class OrderPage(StaffPage):
    permission = Permission.ORDERS_VIEW
    template_name = "backoffice/orders/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Orders"), reverse("orders"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        orders = Order.objects.select_related("customer").prefetch_related("customer__persons")
        order = get_object_or_404(orders, public_id=public_id)
        self.title = _("Order %(id)s") % {"id": order.external_id}
        decision = self._decision(order)
        points = _points_by_line(decision)
        lines = OrderLine.objects.filter(order=order).select_related("item").order_by("position")
        published = programs.published()
        names = {rule.key: rule.name for rule in published.revision.rules} if published else {}
        return self.page(
            order=order,
            lines=[(line, points.get(line.position, 0)) for line in lines],
            returns=Return.objects.filter(order=order).order_by("returned_at"),
            decision=decision,
            outcomes=reasons.outcomes(decision.record, names, self.access.tenant.currency)
            if decision
            else [],
            refusal=reasons.refusal(decision.record) if decision else "",
            ask=self._ask(),
        )

    def _ask(self) -> ProgramRevision | None:
        """Return the revision that the simulator opens with."""
        if not self.access.can(Permission.PROGRAM_VIEW):
            return None
        return programs.open_revision() or programs.current()

    def _decision(self, order: Order) -> DecisionRecord | None:
        if not self.access.can(Permission.POINTS_VIEW):
            return None
        found: DecisionRecord | None = (
            DecisionRecord.objects.filter(event_type=DecisionEvent.ORDER, event_id=order.pk)
            .select_related("revision")
            .first()
        )
        return found


def _points_by_line(decision: DecisionRecord | None) -> dict[int, int]:
    """Add up what each line earned over all wallets; lines are named by their position."""
    points: dict[int, int] = {}
    by_wallet: dict[str, Any] = decision.record.get("lines", {}) if decision else {}
    for by_line in by_wallet.values():
        for position, earned in by_line.items():
            points[int(position)] = points.get(int(position), 0) + earned
    return points
