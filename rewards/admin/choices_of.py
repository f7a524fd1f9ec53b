"""What fields of offers and the program choose from: what is in force, and what only waits in the draft."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from django.db.models import Model
from django.utils.translation import gettext as _

from crm.models import Item, Segment
from crm.queries import search
from rewards.domain.rules import GrantKind
from rewards.models import CouponCampaign, CouponDefinition, Reward
from rewards.queries import configured
from tenants.admin.pickers import Listed, Pair, Source
from tenants.domain.permissions import Permission


def _drafted(section: str) -> list[Pair]:
    revision = configured.latest()
    return [(each.key, each.name) for each in reversed(getattr(revision, section))] if revision else []


def _names(model: type[Model]) -> Callable[[Collection[str]], Mapping[str, str]]:
    def named(keys: Collection[str]) -> Mapping[str, str]:
        rows: Any = model._default_manager
        return dict(rows.filter(key__in=keys).values_list("key", "name"))

    return named


def _of_model(name: str, model: type[Model], section: str, **only: Any) -> Source:
    """Return what the draft or the revision in force has, then what is in force beside it, newest first."""
    rows: Any = model._default_manager
    live = rows.filter(**only).order_by("-pk").values_list("key", "name")
    return Listed(name, [*_drafted(section), *live], beyond=_names(model))


def coupons() -> Source:
    return _of_model("coupon", CouponDefinition, "coupons", is_active=True)


def live_coupons() -> Source:
    """Return the coupons that may have codes already."""
    rows = CouponDefinition.objects.filter(is_active=True).order_by("-pk")
    return Listed("live_coupon", rows.values_list("key", "name"))


def campaigns() -> Source:
    return _of_model("campaign", CouponCampaign, "coupon_campaigns")


def rewards() -> Source:
    return _of_model("reward", Reward, "rewards")


def segments(chosen: Collection[str] = ()) -> Source:
    """Return the segments; one that is gone stays chosen until somebody takes it out.

    Without it what was for its members would be for everybody.
    """

    def gone(keys: Collection[str]) -> Mapping[str, str]:
        return {key: _("%(key)s (does not exist)") % {"key": key} for key in keys if key in chosen}

    return Listed("segment", Segment.objects.order_by("name").values_list("key", "name"), beyond=gone)


def of_program(name: str, section: str, *, without: str = "") -> Source:
    """Return rules, challenges or tiers of the draft, or else of what is in force, in their order."""
    revision = configured.latest()
    entries: Iterable[Any] = getattr(revision, section) if revision else ()
    return Listed(name, [(each.key, each.name) for each in entries if each.key != without])


def free_coupons(campaign: str = "") -> Source:
    """Return the coupons of a campaign and those without one, the newest first."""
    revision = configured.latest()
    drafted = revision.coupon_campaigns if revision else ()
    taken = {key for each in drafted for key in each.coupons if each.key != campaign}
    named = dict(_drafted("coupons"))
    for key, name, owner in CouponDefinition.objects.order_by("-pk").values_list(
        "key", "name", "campaign__key"
    ):
        if key not in named and owner in {None, campaign}:
            named[key] = name
    query = f"?of={campaign}" if campaign else ""
    return Listed("free_coupon", [pair for pair in named.items() if pair[0] not in taken], query=query)


class _Items(Source):
    """Products, by the beginning of their id, name or brand."""

    name = "item"

    def find(self, text: str, most: int) -> list[Pair]:
        rows = search.items(text).order_by("name", "pk")[:most] if text else ()
        return [(row.external_id, row.name or row.external_id) for row in rows]

    def named(self, keys: Collection[str]) -> Mapping[str, str]:
        rows = Item.objects.filter(external_id__in=keys).values_list("external_id", "name")
        return {key: name or key for key, name in rows}

    def few(self) -> list[Pair] | None:
        return None


def items() -> Source:
    return _Items()


# What a search needs, and what it looks through; ``of`` narrows some.
SOURCES: Final[Mapping[str, tuple[Permission, Callable[[str], Source]]]] = {
    "coupon": (Permission.COUPONS_VIEW, lambda _of: coupons()),
    "live_coupon": (Permission.COUPONS_VIEW, lambda _of: live_coupons()),
    "free_coupon": (Permission.COUPONS_VIEW, free_coupons),
    "campaign": (Permission.COUPONS_VIEW, lambda _of: campaigns()),
    "reward": (Permission.REWARDS_VIEW, lambda _of: rewards()),
    "segment": (Permission.SEGMENTS_VIEW, lambda _of: segments()),
    "item": (Permission.ITEMS_VIEW, lambda _of: items()),
    "rule": (Permission.PROGRAM_VIEW, lambda of: of_program("rule", "rules", without=of)),
    GrantKind.CHALLENGE.value: (Permission.PROGRAM_VIEW, lambda _of: of_program("challenge", "challenges")),
    GrantKind.TIER.value: (Permission.PROGRAM_VIEW, lambda _of: of_program("tier", "tiers")),
}


def source(name: str, of: str = "") -> Source:
    return SOURCES[name][1](of)
