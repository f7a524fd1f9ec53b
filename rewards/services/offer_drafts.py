"""Rewards, coupons, campaigns, the referral and limits of pace in the draft of the program.

Nothing here touches what is in force: the draft is compared, rehearsed, reviewed and published like the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import transaction

from rewards.domain.coupon_codes import normalised
from rewards.domain.documents import to_json
from rewards.domain.documents.coupon_campaigns import write_campaign
from rewards.domain.documents.offered_coupons import write_coupon
from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.documents.policies import write_velocity
from rewards.domain.documents.referral import write_referral
from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.domain.policies import VelocityLimit
from rewards.domain.programs import Revision
from rewards.models import ProgramRevision, Wallet
from rewards.queries import compiled_revisions, offers
from rewards.queries import programs as program_queries
from rewards.queries.offers import Outside
from rewards.services import drafts, programs
from rewards.services import offers as live_offers
from rewards.services.coupons.definitions import CodeTaken
from rewards.services.offers import Offer
from tenants.domain.actors import Actor, ActorKind
from tenants.errors import FieldError, InvalidInput

# Documents list a campaign's coupons; its form and the API call them definitions.
_CALLED_OTHERWISE: Final = {"coupons": "/definitions"}
_FIRST_WALLET: Final = {"key": "points", "name": "Points"}


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was written, and the number of its draft: ``None`` when that is in force and no draft waits.

    ``behind`` is the revision in force if that was published since the draft was begun.
    """

    number: int | None
    written: list[dict[str, Any]]
    behind: int | None = None

    @classmethod
    def into(cls, row: ProgramRevision | None, written: list[dict[str, Any]]) -> Drafted:
        """Say what was written into a draft, and whether that fell behind."""
        if row is None:
            return cls(None, written)
        current = program_queries.current()
        is_behind = current is not None and not row.is_based_on(current)
        return cls(row.number, written, current.number if current and is_behind else None)


@transaction.atomic
def take_in(*, by: Actor, at: datetime) -> ProgramRevision:
    """Write what is on offer now into the draft, where it is not yet; published, revisions govern it.

    Raises ``InvalidInput``.
    """
    programs.locked(at=at)
    document, revision = _begun()
    _take(document, offers.outside(revision, at=at))
    return _save(document, by=by, at=at)


@transaction.atomic
def govern(*, by: Actor, at: datetime) -> ProgramRevision | None:
    """Bring everything on offer under the program; nobody notices. ``None`` if nothing is outside.

    Where a draft waits it is taken into that; else the revision is published, which says of members and
    prices what is in force already. For the system only: a person sends a draft to review. Raises
    ``InvalidInput``.
    """
    programs.locked(at=at)
    has_draft = program_queries.open_revision() is not None
    current = program_queries.current()
    known = [compiled_revisions.revision_of(current)] if current else []
    if not offers.outside(*known, at=at).count:
        return None
    row = take_in(by=by, at=at)
    if has_draft or current is None or by.kind is not ActorKind.SYSTEM:
        return row
    return programs.publish(revision=row, by=by, at=at)


@transaction.atomic
def put(*changed: Offer, by: Actor, at: datetime, campaign: str | None = None) -> Drafted:
    """Write offers into the draft; one is opened where there is none, and what is outside is taken in first.

    ``campaign`` is the key of the campaign that the coupons belong to, empty for none, ``None`` to leave them
    where they are. Raises ``InvalidInput`` with pointers into the one offer, and what writing it into force
    would raise.
    """
    programs.locked(at=at)
    before = starting_document(at=at)
    # Copied by way of JSON: a document of a thousand coupons takes a hundredth of deepcopy's time.
    document = msgspec.json.decode(msgspec.json.encode(before))
    places = [_put(document, offer) for offer in changed]
    coupons = [each.key for each in changed if isinstance(each, OfferedCoupon)]
    if campaign is not None:
        _move(document, coupons, campaign)
    with _at_entry(places):
        revision = programs.check(document)
    _refuse_codes_of_others(revision, coupons)
    for offer in changed:
        live_offers.try_out(offer, revision, by=by, at=at)
    written = [_found(document, place) for place in places]
    is_same = document == before
    row = program_queries.draft() if is_same else _save(document, by=by, at=at)
    return Drafted.into(row, written)


def _refuse_codes_of_others(revision: Revision, written: Collection[str]) -> None:
    """Raise ``CodeTaken`` where a coupon that was written has the code of another one of the draft."""
    owner_by_code: dict[str, str] = {}
    # Those that were written come last: the others had the code before.
    for coupon in sorted(revision.coupons, key=lambda each: each.key in written):
        code = normalised(coupon.generic_code)
        if code and owner_by_code.setdefault(code, coupon.key) != coupon.key and coupon.key in written:
            raise CodeTaken(owner_by_code[code])


@transaction.atomic
def drop(*, section: str, key: str, by: Actor, at: datetime) -> ProgramRevision | None:
    """Take an entry out of the draft again; what is in force of it then ends with the publication."""
    programs.locked(at=at)
    row = program_queries.draft()
    if row is None:
        return None
    document = to_json(compiled_revisions.revision_of(row))
    document[section] = [each for each in document.get(section, []) if each["key"] != key]
    if section == "coupons":
        _move(document, [key], "")
    return _save(document, by=by, at=at)


def starting_document(*, at: datetime) -> dict[str, Any]:
    """Return what a draft starts from, with everything that is on offer outside of the program taken in.

    That is the draft itself, what waits for review, what is in force, or a first program with a wallet.
    """
    document, revision = _begun()
    current = program_queries.current()
    governed = [compiled_revisions.revision_of(current)] if current else []
    # What the draft leaves out of what is in force it leaves out on purpose.
    _take(document, offers.outside(revision, *governed, at=at))
    return document


def _begun() -> tuple[dict[str, Any], Revision]:
    row = program_queries.draft() or program_queries.open_revision() or program_queries.current()
    if row is not None:
        revision = compiled_revisions.revision_of(row)
    else:
        wallets = [{"key": key, "name": name} for key, name in Wallet.objects.values_list("key", "name")]
        revision = programs.check({"wallets": wallets or [_FIRST_WALLET]})
    return to_json(revision), revision


def _take(document: dict[str, Any], outside: Outside) -> None:
    """Add what is outside; what names a wallet or tier that the document does not have stays there."""
    campaigns = [write_campaign(each) for each in offers.campaigns(outside.campaigns)]
    owned = {key for each in document.get("coupon_campaigns", []) for key in each.get("coupons", ())}
    for each in campaigns:
        each["coupons"] = [key for key in each.get("coupons", ()) if key not in owned]
    _add(document, "coupon_campaigns", campaigns)
    _add(document, "coupons", _fitting(document, map(write_coupon, offers.coupons(outside.coupons))))
    _add(document, "rewards", _fitting(document, map(write_reward, offers.rewards(outside.rewards))))
    terms = offers.referral() if outside.has_referral else None
    if terms is not None and (not terms.pays_points or terms.wallet in _keys(document, "wallets")):
        document["referral"] = write_referral(terms)
    limits = [each for each in offers.velocity_limits() if each.kind in outside.paces]
    _add(document["policies"], "velocity_limits", write_velocity(limits))


def _keys(document: Mapping[str, Any], section: str) -> set[str]:
    return {each["key"] for each in document[section]}


def _fitting(document: Mapping[str, Any], entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    wallets, tiers = _keys(document, "wallets"), _keys(document, "tiers")
    return [
        each
        for each in entries
        if tiers.issuperset(each.get("tiers", ()))
        and ("wallet" not in each or wallets.issuperset({each["wallet"], *each.get("prices", ())}))
    ]


def _add(document: dict[str, Any], section: str, entries: list[dict[str, Any]]) -> None:
    if entries:
        document[section] = [*document.get(section, []), *entries]


_Place = tuple[tuple[str, ...], int | None]


def _put(document: dict[str, Any], offer: Offer) -> _Place:
    """Write an offer where it stands or at the end; return the place."""
    if isinstance(offer, ReferralTerms):
        document["referral"] = write_referral(offer)
        return ("referral",), None
    if isinstance(offer, OfferedReward):
        return _replace(document, ("rewards",), write_reward(offer))
    if isinstance(offer, OfferedCampaign):
        return _replace(document, ("coupon_campaigns",), write_campaign(offer))
    if isinstance(offer, VelocityLimit):
        (limit,) = write_velocity([offer])
        return _replace(document, ("policies", "velocity_limits"), limit, by_name="kind")
    return _replace(document, ("coupons",), write_coupon(offer))


def _replace(
    document: dict[str, Any], path: tuple[str, ...], entry: dict[str, Any], by_name: str = "key"
) -> _Place:
    *parents, section = path
    for name in parents:
        document = document.setdefault(name, {})
    there = document.setdefault(section, [])
    places = (index for index, each in enumerate(there) if each[by_name] == entry[by_name])
    place = next(places, len(there))
    there[place : place + 1] = [entry]
    return path, place


def _found(document: dict[str, Any], place: _Place) -> dict[str, Any]:
    path, index = place
    found: Any = document
    for name in path:
        found = found[name]
    return dict(found if index is None else found[index])


def _move(document: dict[str, Any], coupons: Collection[str], campaign: str) -> None:
    """Put coupons under a campaign of the document, and under no other."""
    campaigns = document.get("coupon_campaigns", [])
    if campaign and campaign not in {each["key"] for each in campaigns}:
        wrong = FieldError("/campaign", "unknown_campaign", f"There is no coupon campaign {campaign!r}.")
        raise InvalidInput(errors=[wrong])
    for each in campaigns:
        kept = [key for key in each.get("coupons", ()) if key not in coupons]
        named = [key for key in each.get("coupons", ()) if key in coupons]
        mine = kept if each["key"] != campaign else [*each.get("coupons", ()), *(set(coupons) - set(named))]
        if mine != each.get("coupons", []):
            each["coupons"] = sorted(mine)


@contextmanager
def _at_entry(places: Iterable[_Place]) -> Iterator[None]:
    """Let pointers into what was written begin there: who wrote a coupon knows nothing of its place."""
    prefixes = ["/".join(("/document", *path, *(() if at is None else (str(at),)))) for path, at in places]
    try:
        yield
    except InvalidInput as error:
        errors: dict[str, FieldError] = {}
        for each in error.errors:
            pointer = _without(each.pointer, prefixes)
            errors.setdefault(pointer, FieldError(pointer, each.code, each.detail))
        raise InvalidInput(errors=list(errors.values())) from error


def _without(pointer: str, prefixes: Iterable[str]) -> str:
    for prefix in prefixes:
        if pointer == prefix or pointer.startswith(f"{prefix}/"):
            within = pointer.removeprefix(prefix) or "/"
            return _CALLED_OTHERWISE.get(within.split("/")[1], within) if "campaigns" in prefix else within
    return pointer


def _save(document: dict[str, Any], *, by: Actor, at: datetime) -> ProgramRevision:
    return drafts.save(document=document, by=by, at=at)
