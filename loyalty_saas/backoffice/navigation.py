"""The frame's navigation: the pages a member's role may open, in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.access import Access
from tenants.domain.permissions import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: its route, its icon, what it needs."""

    title: str | Promise
    route: str
    icon: str
    permission: Permission


GROUPS: Final[tuple[tuple[str | Promise, tuple[Entry, ...]], ...]] = (
    ("", (Entry(_("Dashboard"), "admin:index", "space_dashboard", Permission.CUSTOMERS_VIEW),)),
    (
        _("Customers"),
        (
            Entry(_("Customers"), "customers", "group", Permission.CUSTOMERS_VIEW),
            Entry(_("Duplicates"), "duplicates", "merge", Permission.CUSTOMERS_VIEW),
            Entry(_("Segments"), "segments", "donut_small", Permission.SEGMENTS_VIEW),
            Entry(_("Feedback"), "feedback", "forum", Permission.FEEDBACK_VIEW),
            Entry(_("Cohorts"), "cohorts", "calendar_view_month", Permission.SEGMENTS_VIEW),
            Entry(_("Funnels"), "funnels", "filter_alt", Permission.SEGMENTS_VIEW),
            Entry(_("Orders"), "orders", "receipt_long", Permission.ORDERS_VIEW),
            Entry(_("Items"), "items", "inventory_2", Permission.ITEMS_VIEW),
            Entry(_("Events"), "events", "sensors", Permission.EVENTS_VIEW),
            Entry(_("Imports"), "imports", "upload_file", Permission.CUSTOMERS_VIEW),
            Entry(_("Exports"), "exports", "download", Permission.DATA_EXPORT),
        ),
    ),
    (
        _("Loyalty"),
        (
            Entry(_("Program"), "program", "rule_settings", Permission.PROGRAM_VIEW),
            Entry(_("Coupons"), "coupons", "sell", Permission.COUPONS_VIEW),
            Entry(_("Challenges"), "challenges", "flag", Permission.PROGRAM_VIEW),
            Entry(_("Tiers"), "tiers", "stairs", Permission.PROGRAM_VIEW),
            Entry(_("Rewards"), "rewards", "redeem", Permission.REWARDS_VIEW),
            Entry(_("Redemptions"), "redemptions", "local_shipping", Permission.REWARDS_VIEW),
            Entry(_("Referrals"), "referrals", "group_add", Permission.REWARDS_VIEW),
            Entry(_("Review queue"), "reviews", "verified_user", Permission.REVIEWS_DECIDE),
            Entry(_("Adjustments"), "adjustments", "approval", Permission.POINTS_VIEW),
            Entry(_("Liability"), "liability", "account_balance", Permission.PROGRAM_VIEW),
            Entry(_("Models"), "models", "neurology", Permission.MODELS_VIEW),
        ),
    ),
    (
        _("Workspace"),
        (
            Entry(_("Getting started"), "onboarding", "rocket_launch", Permission.PROGRAM_PUBLISH),
            Entry(_("Jobs"), "jobs", "progress_activity", Permission.JOBS_VIEW),
            Entry(_("Privacy"), "privacy", "shield_person", Permission.PRIVACY_VIEW),
            Entry(_("Team"), "team", "badge", Permission.TEAM_VIEW),
            Entry(_("API keys"), "api_keys", "key", Permission.API_KEYS_MANAGE),
            Entry(_("Audit log"), "audit", "history", Permission.AUDIT_VIEW),
        ),
    ),
)


def entries_of(access: Access) -> list[Entry]:
    """Return the pages this member may open."""
    return [entry for _title, entries in GROUPS for entry in entries if access.can(entry.permission)]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups in the shape the frame reads; ``active`` marks the page that is open."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        return []
    groups = []
    for title, entries in GROUPS:
        items = [_item(request, entry) for entry in entries if access.can(entry.permission)]
        groups.append({"title": title, "items": items, "is_shown": bool(items)})
    return groups


def _item(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    link = reverse(entry.route)
    is_start = entry.route == "admin:index"
    is_here = request.path == link if is_start else request.path.startswith(link)
    return {
        "title": entry.title,
        "icon": entry.icon,
        "link": link,
        # The frame calls what is callable; a plain value would be taken for a path to import.
        "active": lambda _request: is_here,
    }
