"""The section of tiers."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    MOST_POINTS,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.programs import Revision
from rewards.domain.tiers import OF_ORDERS, CostPer, PerkCost, Perks, Tier

_MOST_TIERS: Final = 50


def _read(document: Reader) -> tuple[Tier, ...]:
    return keyed(document, "tiers", _tier)


def _tier(reader: Reader) -> Tier:
    reader.only("key", "name", "threshold_minor", "thresholds", "perks")
    thresholds = reader.integers("thresholds", 0, MOST_MONEY)
    # Without thresholds by criterion the one of spend must be said.
    default = 0 if thresholds else None
    return Tier(
        key=reader.key("key"),
        name=reader.text("name"),
        threshold_minor=reader.integer("threshold_minor", 0, MOST_MONEY, default=default),
        thresholds=MappingProxyType(thresholds),
        perks=_perks(reader.node("perks")),
    )


def _perks(reader: Reader) -> Perks:
    reader.only("free_shipping", "entitlements", "rewards", "price_list", "prices", "costs")
    perks = Perks(
        has_free_shipping=reader.boolean("free_shipping"),
        entitlements=tuple(reader.texts("entitlements")),
        rewards=frozenset(reader.texts("rewards")),
        price_list=reader.text("price_list") if reader.peek("price_list") else "",
        prices=MappingProxyType(reader.integers("prices", 1, MOST_POINTS)),
        costs=MappingProxyType(_costs(reader)),
    )
    for name, cost in perks.costs.items():
        if name not in perks.names:
            reader.refuse(f"costs/{name}", "unknown_perk", f"The tier has no perk {name!r}.")
        elif cost.per is CostPer.ORDER and name not in OF_ORDERS:
            reader.refuse(f"costs/{name}/per", "invalid_choice", "Only what comes with every order.")
    return perks


def _costs(reader: Reader) -> dict[str, PerkCost]:
    if not reader.peek("costs"):
        return {}
    node = reader.node("costs")
    pers = {each.value: each for each in CostPer}
    found = {}
    for name in node.names:
        cost = node.node(name)
        cost.only("cost_minor", "per")
        per = cost.choice("per", pers, default=CostPer.MONTH)
        found[name] = PerkCost(cost.integer("cost_minor", 0, MOST_MONEY), per)
    return found


def _check(document: Reader, revision: Revision) -> None:
    if len(revision.tiers) > _MOST_TIERS:
        document.refuse("tiers", "too_many", f"At most {_MOST_TIERS} tiers.")
        return
    known = {criterion.key for criterion in revision.qualification.criteria}
    needs: list[tuple[int, tuple[tuple[str, int], ...]]] = []
    for index, tier in enumerate(revision.tiers):
        need = (tier.threshold_minor, tuple(sorted(tier.thresholds.items())))
        if need in needs:
            pointer = f"tiers/{index}/threshold_minor"
            document.refuse(pointer, "duplicate", "Two tiers have the same threshold.")
        needs.append(need)
        for key in tier.needs:
            if key not in known:
                document.refuse(
                    f"tiers/{index}/thresholds/{key}", "unknown_criterion", f"There is no criterion {key!r}."
                )
    _check_rise(document, _by_threshold(revision.tiers))


def _check_rise(document: Reader, ladder: tuple[Tier, ...]) -> None:
    """Refuse a step that asks less than one below it: nobody could tell which is higher."""
    highest: dict[str, int] = {}
    for tier in ladder:
        for key, need in tier.needs.items():
            if need < highest.get(key, 0):
                document.refuse("tiers", "not_rising", f"{tier.name} asks less {key} than a tier below it.")
            highest[key] = max(highest.get(key, 0), need)


def _by_threshold(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """By spend where spend decides, else as they are written."""
    return tuple(sorted(tiers, key=lambda tier: tier.threshold_minor))


def _write(tiers: tuple[Tier, ...]) -> list[dict[str, Any]]:
    return [_tier_to_json(tier) for tier in tiers]


def _tier_to_json(tier: Tier) -> dict[str, Any]:
    written: dict[str, Any] = {"key": tier.key, "name": tier.name, "threshold_minor": tier.threshold_minor}
    if tier.thresholds:
        written["thresholds"] = dict(tier.thresholds)
    if tier.perks != Perks():
        written["perks"] = {
            "free_shipping": tier.perks.has_free_shipping,
            "entitlements": list(tier.perks.entitlements),
            "rewards": sorted(tier.perks.rewards),
            "price_list": tier.perks.price_list or None,
        }
        if tier.perks.prices:
            written["perks"]["prices"] = dict(tier.perks.prices)
        if tier.perks.costs:
            written["perks"]["costs"] = {
                name: {"cost_minor": cost.minor, "per": cost.per.value}
                for name, cost in tier.perks.costs.items()
            }
    return written


_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
SECTION: Final = Section(
    "tiers",
    _read,
    _write,
    check=_check,
    arrange=_by_threshold,
    schema={
        "type": "array",
        "maxItems": _MOST_TIERS,
        "items": record(
            ("key", "name"),
            key=KEY_SCHEMA,
            name=TEXT_SCHEMA,
            threshold_minor=whole(0, MOST_MONEY),
            thresholds={"type": "object", "additionalProperties": whole(0, MOST_MONEY)},
            perks=record(
                (),
                free_shipping={"type": "boolean"},
                entitlements=_TEXTS,
                rewards=_TEXTS,
                price_list={"type": ["string", "null"]},
                prices={"type": "object", "additionalProperties": whole(1, MOST_POINTS)},
                costs={
                    "type": "object",
                    "additionalProperties": record(
                        ("cost_minor",), cost_minor=whole(0, MOST_MONEY), per=one_of(CostPer)
                    ),
                },
            ),
        ),
    },
)
