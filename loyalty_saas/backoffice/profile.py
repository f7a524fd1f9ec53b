"""Customer 360: one customer from every app's side, read first and changed second."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from crm.admin import profile_words
from crm.admin.privacy import ConsentForm
from crm.admin.trait_labels import in_words
from crm.models import ComputedTrait, Customer, CustomerState, SegmentMember
from crm.queries import behaviour, consents, merges, privacy
from loyalty_saas.backoffice import figures, timeline, why
from recommendations.models import Slot
from recommendations.queries import recommendations
from rewards.admin import tier_words
from rewards.models import Account, Lot
from rewards.queries import challenges, coupons, programs, tiers
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission

TABS: Final = ("overview", "recommendations", "decisions", "data", "coupons", "privacy")
_RECOMMENDED: Final = 8
_HISTORY: Final = 100


class CustomerPage(StaffPage):
    """Profile, balance and tier on top; below, one tab at a time."""

    permission = Permission.CUSTOMERS_VIEW
    template_name = "backoffice/customers/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Customers"), reverse("customers"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        customers = Customer.objects.prefetch_related("persons", "order_summaries")
        customer = get_object_or_404(customers, public_id=public_id)
        self.title = customer.display_name
        wanted = request.GET.get("tab", "")
        tab = wanted if wanted in TABS else TABS[0]
        published = programs.published()
        return self.page(
            customer=customer,
            person=customer.person,
            summary=customer.order_summary,
            tab=tab,
            accounts=Account.objects.filter(customer=customer).select_related("wallet").order_by("pk"),
            tier=_tier(customer, published, self.access.tenant.currency),
            traits=_traits(customer, self.access.tenant.currency),
            **getattr(self, f"_{tab}")(customer, published),
        )

    def _overview(self, customer: Customer, _published: Any) -> dict[str, Any]:
        wanted = self.request.GET.get("kind", "")
        kind = wanted if wanted in timeline.KINDS else "all"
        entries = timeline.entries(customer, self.access, kind=kind, before=self._before())
        history = behaviour.of_customer(customer.pk)
        currency = self.access.tenant.currency
        members = SegmentMember.objects.filter(customer=customer).select_related("segment")
        return {
            "entries": entries,
            "kind": kind,
            "has_more": len(entries) == timeline.PAGE,
            "history": history,
            "behaviour": profile_words.facts(history, customer.order_summary, currency, timezone.now()),
            "memberships": members.order_by("segment__name"),
            "challenges": challenges.of_customer(customer, at=timezone.now()),
        }

    def _before(self) -> datetime | None:
        try:
            moment = parse_datetime(self.request.GET.get("before", ""))
        except ValueError:
            return None
        return moment if moment and moment.tzinfo else None

    def _recommendations(self, customer: Customer, _published: Any) -> dict[str, Any]:
        if not self.access.can(Permission.RECOMMENDATIONS_VIEW):
            return {"slots": []}
        return {
            "slots": [
                (slot.label, recommendations.of_customer(
                    public_id=customer.public_id, slot=slot.value, limit=_RECOMMENDED))
                for slot in Slot
            ]
        }  # fmt: skip

    def _decisions(self, customer: Customer, published: Any) -> dict[str, Any]:
        revision = published.revision if published else None
        tenant = self.access.tenant
        asked = programs.open_revision() or programs.current()
        return {
            "decisions": why.decisions(customer, revision, tenant.currency, tenant.zone),
            "owed": why.owed(customer, revision),
            "ask": asked if self.access.can(Permission.PROGRAM_VIEW) else None,
        }

    def _coupons(self, customer: Customer, _published: Any) -> dict[str, Any]:
        if not self.access.can(Permission.COUPONS_VIEW):
            return {}
        return coupons.of_customer_page(customer, at=timezone.now())

    def _data(self, customer: Customer, _published: Any) -> dict[str, Any]:
        lots = Lot.objects.filter(account__customer=customer, remaining__gt=0)
        return {
            "identities": customer.identities.order_by("kind", "value"),
            "lots": lots.order_by("expires_at", "pk")[:20],
        }

    def _privacy(self, customer: Customer, _published: Any) -> dict[str, Any]:
        return _privacy(customer)


def _privacy(customer: Customer) -> dict[str, Any]:
    return {
        "consents": consents.of_customer(customer.pk),
        "history": consents.history_of(customer.pk)[:_HISTORY],
        "consent_form": ConsentForm(),
        "requests": privacy.requests_of(customer.pk),
        "merges": merges.of_survivor(customer.pk),
        "is_open": customer.state in {CustomerState.ACTIVE, CustomerState.SUSPENDED},
    }


def _tier(customer: Customer, published: Any, currency: str) -> dict[str, Any] | None:
    if published is None or not published.revision.tiers:
        return None
    revision = published.revision
    standing = tiers.of_customers([customer.pk], revision=revision, at=timezone.now()).get(customer.pk)
    if standing is None:
        return None
    criteria = {criterion.key: criterion for criterion in revision.qualification.criteria}
    projection = standing.projection
    reached = projection.reached
    return {
        "name": standing.tier.name if standing.tier else "",
        "membership": standing.membership,
        "is_locked": standing.is_locked,
        "next": projection.next_tier,
        "reached": reached if reached and standing.tier and reached.key != standing.tier.key else None,
        "missing": [
            tier_words.amount(criteria[key], missing, currency)
            for key, missing in projection.missing_by_criterion.items()
            if missing
        ],
        "values": [
            tier_words.amount(criteria[key], value, currency) for key, value in standing.values.items()
        ],
        "share": standing.share(),
        "perks": tier_words.perks_in_words(revision, standing.tier, tier_words.reward_names(revision))
        if standing.tier
        else [],
    }


def _traits(customer: Customer, currency: str) -> list[dict[str, Any]]:
    rows = ComputedTrait.objects.filter(customer=customer).order_by("name")
    return [
        {
            **in_words(row, currency),
            "is_risky": row.name == figures.RISK_TRAIT and (row.number or 0) >= figures.RISKY_FROM,
        }
        for row in rows
    ]
