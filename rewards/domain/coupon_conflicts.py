"""What two offers do to each other that nobody may have meant: told when one of them is saved.

Nothing here forbids an offer. A finding names the field to look at, and the other offer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from rewards.domain.coupon_terms import WHOLE, Base, Benefit, Scope, Terms
from rewards.domain.coupon_validity import Validity

_T = TypeVar("_T")
_OFF_GOODS: Final = frozenset({Benefit.PERCENT, Benefit.AMOUNT, Benefit.FREE_ITEM})
_OFF_PRICE: Final = frozenset({Benefit.PERCENT, Benefit.AMOUNT})


class Clash(StrEnum):
    NEVER_VALID = "never_valid"
    GROUP_WITHOUT_USE = "group_without_use"
    POLICIES_DIFFER = "policies_differ"
    ORDER_UNCLEAR = "order_unclear"
    ALL_OFF = "all_off"
    OVERLAP = "overlap"


FIELD_BY_CLASH: Final = {
    Clash.NEVER_VALID: "valid_until",
    Clash.GROUP_WITHOUT_USE: "exclusive_group",
    Clash.POLICIES_DIFFER: "on_conflict",
    Clash.ORDER_UNCLEAR: "priority",
    Clash.ALL_OFF: "percent_hundredths",
    Clash.OVERLAP: "exclusive_group",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A definition; ``campaign`` is the time of its campaign."""

    key: str
    name: str
    terms: Terms
    campaign: Validity = field(default_factory=Validity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; ``other`` and ``other_key`` name the other offer, empty when there is none."""

    clash: Clash
    other: str = ""
    other_key: str = ""

    @property
    def column(self) -> str:
        return FIELD_BY_CLASH[self.clash]


def findings(offer: Offer, others: Iterable[Offer]) -> list[Finding]:
    """Return what stands out about an offer alone, then beside each of the others."""
    found = list(_alone(offer))
    for other in others:
        found += [Finding(clash, other.name, other.key) for clash in _beside(offer, other)]
    return found


def _alone(offer: Offer) -> Iterator[Finding]:
    if not _times_meet([offer.terms.validity, offer.campaign]):
        yield Finding(Clash.NEVER_VALID)
    if offer.terms.stacking.is_exclusive and offer.terms.stacking.group:
        yield Finding(Clash.GROUP_WITHOUT_USE)


def _beside(offer: Offer, other: Offer) -> Iterator[Clash]:
    mine, theirs = offer.terms, other.terms
    if not _may_meet(offer, other):
        return
    if _are_rivals(mine, theirs):
        if mine.stacking.on_conflict is not theirs.stacking.on_conflict:
            yield Clash.POLICIES_DIFFER
        return
    if _order_matters(mine, theirs) and mine.stacking.priority == theirs.stacking.priority:
        yield Clash.ORDER_UNCLEAR
    if _take_all(mine, theirs):
        yield Clash.ALL_OFF
    elif mine.benefit is theirs.benefit and mine.benefit is not Benefit.STORED_VALUE:
        yield Clash.OVERLAP


def _are_rivals(mine: Terms, theirs: Terms) -> bool:
    """Whether pricing never applies both."""
    if mine.stacking.is_exclusive or theirs.stacking.is_exclusive:
        return True
    return bool(mine.stacking.group) and mine.stacking.group == theirs.stacking.group


def _order_matters(mine: Terms, theirs: Terms) -> bool:
    """Whether the sum depends on which comes first: a percentage of what the other one left."""
    both = (mine, theirs)
    if not {each.benefit for each in both} <= _OFF_PRICE or mine.benefit is theirs.benefit is Benefit.AMOUNT:
        return False
    bases = {each.stacking.base for each in both if each.benefit is Benefit.PERCENT}
    # Two percentages of the rest multiply, and of the original add up, in either order.
    return Base.REMAINING in bases if mine.benefit is not theirs.benefit else len(bases) > 1


def _take_all(mine: Terms, theirs: Terms) -> bool:
    both = (mine, theirs)
    is_of_original = all(
        each.benefit is Benefit.PERCENT and each.stacking.base is Base.ORIGINAL for each in both
    )
    return is_of_original and sum(each.percent_hundredths for each in both) >= WHOLE


def _may_meet(offer: Offer, other: Offer) -> bool:
    """Whether one cart of one customer may get both; in doubt it may."""
    mine, theirs = offer.terms, other.terms
    if not _times_meet([mine.validity, offer.campaign, theirs.validity, other.campaign]):
        return False
    if (
        _exclude(mine.validity.weekdays, theirs.validity.weekdays)
        or _exclude(mine.eligibility.channels, theirs.eligibility.channels)
        or _exclude(mine.eligibility.tiers, theirs.eligibility.tiers)
    ):
        return False
    if mine.benefit in _OFF_GOODS and theirs.benefit in _OFF_GOODS:
        return _scopes_meet(mine.scope, theirs.scope)
    return mine.benefit is theirs.benefit


def _exclude(mine: frozenset[_T], theirs: frozenset[_T]) -> bool:
    return bool(mine and theirs and not mine & theirs)


def _times_meet(spans: list[Validity]) -> bool:
    starts = [span.since for span in spans if span.since is not None]
    ends = [span.until for span in spans if span.until is not None]
    return not starts or not ends or max(starts) < min(ends)


def _scopes_meet(mine: Scope, theirs: Scope) -> bool:
    if _is_left_out(mine, theirs) or _is_left_out(theirs, mine):
        return False
    if _is_everything(mine) or _is_everything(theirs):
        return True
    if mine.skus & theirs.skus or mine.categories & theirs.categories:
        return True
    # The category of a listed item is not looked up.
    return bool((_is_listed(mine) and theirs.categories) or (_is_listed(theirs) and mine.categories))


def _is_everything(scope: Scope) -> bool:
    return not _is_listed(scope) and not scope.categories


def _is_listed(scope: Scope) -> bool:
    return scope.has_items or bool(scope.skus)


def _is_left_out(mine: Scope, theirs: Scope) -> bool:
    """Whether all that one is about is what the other leaves out."""
    return bool(mine.categories) and not _is_listed(mine) and mine.categories <= theirs.excluded_categories
