"""How points move, under the terms of a revision that is played over the past."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Final

from rewards.domain.effects import Earn
from rewards.domain.expiry import ExpiryKind
from rewards.domain.facts import Due
from rewards.domain.lots import NEVER, LotBalance
from rewards.domain.programs import Revision
from rewards.domain.shadow_accounts import ShadowAccount
from rewards.domain.shadow_releases import ShadowReleases
from rewards.domain.shadow_totals import Outstanding
from rewards.domain.shadow_wallets import ShadowWallets
from rewards.domain.sources import source_id
from rewards.domain.wallets import (
    CreditTerms,
    Pending,
    RefundPolicy,
    WalletPolicy,
    released_by_staff,
)

_AT_ONCE: Final = Pending()
_OTHERWISE: Final = WalletPolicy("", "")
_BEFORE: Final = datetime.min.replace(tzinfo=UTC)


class ShadowPoints:
    """Credits and debits of all members, under the wallets' terms.

    ``told_apart`` are the members who give something back, or have points held, in these days: their lots
    stay apart. Of everybody else lots that end together are one, and so are those that end at ``horizon`` or
    later. Without a horizon all lots of all members stay apart. ``released_by_staff`` names the credits that
    staff made usable ahead of what they wait for.
    """

    def __init__(
        self, revision: Revision, *, horizon: datetime | None, told_apart: Collection[int],
        released_by_staff: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._zone, self._horizon = revision.time_zone, horizon or NEVER
        self._wallets = ShadowWallets(told_apart if horizon is not None else None)
        self.releases = ShadowReleases(self._wallets, released_by_staff)
        self._policies = {policy.key: policy for policy in revision.wallets}
        self._waiting = {
            key: each.pending for key, each in self._policies.items() if each.pending != _AT_ONCE
        }
        self._inactive = {
            key: expiry
            for key, policy in self._policies.items()
            if (expiry := policy.expiry_for()).kind is ExpiryKind.INACTIVITY
        }
        self._special = self._waiting.keys() | self._inactive.keys()
        self._numbers = count(1)
        self.totals = self._wallets.totals

    def open(self, customer_id: int, wallet: str, lot: LotBalance) -> LotBalance | None:
        """Take over a lot of before; the order in which they come is that of their age."""
        lot.id = next(self._numbers)
        # Nothing is due yet: what became usable in these days is still pending when they begin.
        return self._wallets.account(customer_id, wallet).credit(lot, _BEFORE)

    def empty_lot(self, expires_at: datetime | None, available_from: datetime) -> LotBalance:
        """Return a lot of before that held nothing any more, for what comes back to it."""
        return LotBalance(next(self._numbers), 0, expires_at, available_from=available_from)

    def open_debt(self, customer_id: int, wallet: str, points: int) -> None:
        """Take over a debt of before, once the lots are open."""
        self._wallets.account(customer_id, wallet).debt = points

    def earn(self, due: Due, earned: Earn, at: datetime) -> LotBalance | None:
        """Credit what an event earned, and return the lot as far as it is told apart."""
        customer_id, wallet, earned_at = due.customer_id, earned.wallet, due.event.at
        if self.add(customer_id, wallet, earned.points, earned.expires_at, at):
            return None
        waiting = self._waiting.get(wallet, _AT_ONCE)
        terms = CreditTerms(
            earned.expires_at,
            waiting.activates_at(earned_at, self._zone),
            waiting.awaits(due.event_type, due.event_id),
        )
        return self.credit(
            customer_id, wallet, earned.points, terms, earned_at=earned_at, at=at,
            release=released_by_staff(due.event_type, source_id(due.event_id, earned.pot)),
        )  # fmt: skip

    def add(
        self, customer_id: int, wallet: str, points: int, expires_at: datetime | None, at: datetime
    ) -> bool:
        """Credit points the short way where lots are merged and nothing waits, is due or owed, if so."""
        account = self._wallets.find(customer_id, wallet)
        if account is None or not account.merges or account.debt or account.next_at <= at:
            return False
        if wallet in self._special:
            return False
        account.add(points, self._end(expires_at), at)
        return True

    def terms(self, wallet: str, at: datetime, tier: str | None) -> CreditTerms:
        """Return the terms of a credit that no event of a rule earned."""
        return self._policy(wallet).terms(at, self._zone, tier)

    def credit(
        self, customer_id: int, wallet: str, points: int, terms: CreditTerms, *, earned_at: datetime,
        at: datetime, extends: bool = True, release: str = "",
    ) -> LotBalance | None:  # fmt: skip
        """Credit points; where inactivity ends them, those that were there live on if it ``extends``.

        ``release`` is the name under which staff would make them usable.
        """
        account = self._wallets.settled(customer_id, wallet, at)
        expires_at, activates_at, awaits = terms
        is_pending = awaits is not None or (activates_at is not None and activates_at > at)
        lot = account.credit(
            LotBalance(
                next(self._numbers), points, self._end(expires_at) if account.merges else expires_at, 0,
                is_pending, activates_at, activates_at or earned_at, awaits or "",
            ),
            at,
        )  # fmt: skip
        if lot is not None:
            self.releases.remember(release, wallet, lot)
        if extends and wallet in self._inactive:
            self.extend(customer_id, wallet, earned_at)
        return lot

    def extend(self, customer_id: int, wallet: str, at: datetime) -> None:
        """Let points live on after an activity, where inactivity ends them."""
        if (expiry := self._inactive.get(wallet)) is not None:
            until = expiry.ends_at(at, self._zone)
            if until is not None:
                self._wallets.settled(customer_id, wallet, at).extend(until, at)

    def hold(
        self, customer_id: int, wallet: str, points: int, at: datetime
    ) -> Sequence[tuple[LotBalance, int]]:
        """Set aside what is there of ``points``; return the lots with what is held of each."""
        return self._wallets.settled(customer_id, wallet, at).hold(points, at)

    def unhold(
        self, customer_id: int, wallet: str, parts: Sequence[tuple[LotBalance, int]], at: datetime
    ) -> None:
        """Give what was set aside back to its lots."""
        self._wallets.settled(customer_id, wallet, at).unhold(parts)

    def debit(
        self, customer_id: int, wallet: str, points: int, at: datetime, *,
        held: Sequence[tuple[LotBalance, int]] = (),
    ) -> Sequence[tuple[LotBalance, int]]:  # fmt: skip
        """Spend what is ``held`` for it, and then what is there of ``points``.

        Returns the lots with what was taken of each.
        """
        account = self._wallets.settled(customer_id, wallet, at)
        account.capture(held)
        rest = points - sum(part for _lot, part in held)
        parts = [*held, *(account.debit(rest, at) if rest > 0 else ())]
        taken, totals = sum(part for _lot, part in parts), self.totals[wallet]
        totals.spent += taken
        totals.missing += points - taken
        return parts

    def undo(self, customer_id: int, wallet: str, lot: LotBalance | None, points: int, at: datetime) -> int:
        """Take a credit back that no event of a rule earned; return what was taken."""
        account = self._wallets.settled(customer_id, wallet, at)
        return account.take_back(lot, points, self._policy(wallet).refund_policy, at)

    def cancel(self, customer_id: int, wallet: str, points: int, at: datetime) -> None:
        """Take points away while they are pending."""
        self._wallets.settled(customer_id, wallet, at).cancel(points)

    def restore(
        self, customer_id: int, wallet: str, parts: Sequence[tuple[LotBalance, int]], at: datetime
    ) -> None:
        """Undo a debit: the lots get their points back, with the wallet's grace past their end."""
        account, grace = (
            self._wallets.settled(customer_id, wallet, at),
            self._policy(wallet).grace_until(at, self._zone),
        )
        for lot, points in parts:
            account.restore(lot, points, grace, at)
        self.totals[wallet].spent -= sum(points for _lot, points in parts)

    def receive(
        self, customer_id: int, wallet: str, parts: Sequence[tuple[LotBalance, int]], at: datetime
    ) -> None:
        """Give a member what another one sent: lots with the age and the end of those they come from."""
        account = self._wallets.settled(customer_id, wallet, at)
        for lot, points in parts:
            account.receive(replace(lot, id=next(self._numbers), remaining=points, held=0))
        self.totals[wallet].spent -= sum(points for _lot, points in parts)

    def take_back(
        self, customer_id: int, wallet: str, own: LotBalance | None, points: int, at: datetime, *,
        policy: RefundPolicy | None = None,
    ) -> int:  # fmt: skip
        """Take back what is asked of a lot, by the wallet's policy or another one; return what was taken."""
        account, totals = self._wallets.settled(customer_id, wallet, at), self.totals[wallet]
        taken = account.take_back(own, points, policy or self._policy(wallet).refund_policy, at)
        totals.asked += points
        totals.taken += taken
        return taken

    def close(self, at: datetime) -> None:
        """Settle everybody at the end."""
        self._wallets.close(at)

    def outstanding(self, wallet: str) -> Outstanding:
        """Return what all members have together; of those whose accounts are settled."""
        return self._wallets.outstanding(wallet)

    def __iter__(self) -> Iterator[tuple[int, str, ShadowAccount]]:
        """Yield (member, wallet, account)."""
        return iter(self._wallets)

    def _end(self, expires_at: datetime | None) -> datetime | None:
        """Return when merged points end, as far as that is before the horizon."""
        return expires_at if expires_at is None or expires_at < self._horizon else None

    def _policy(self, wallet: str) -> WalletPolicy:
        return self._policies.get(wallet, _OTHERWISE)
