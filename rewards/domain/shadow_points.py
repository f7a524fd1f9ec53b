"""The points of all members, wallet by wallet, while a revision is played over the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final, NamedTuple

from rewards.domain.effects import Earn
from rewards.domain.expiry import ExpiryKind
from rewards.domain.facts import Due
from rewards.domain.lots import LotBalance
from rewards.domain.programs import Revision
from rewards.domain.shadow_accounts import ShadowAccount
from rewards.domain.wallets import Pending, RefundPolicy, WalletPolicy

_AT_ONCE: Final = Pending()
_OTHERWISE: Final = WalletPolicy("", "")


@dataclass(slots=True)
class WalletTotals:
    """Points of a wallet: what rules gave, what returns asked back and took (as debt, too), what expired."""

    given: int = 0
    asked: int = 0
    taken: int = 0
    expired: int = 0


class Outstanding(NamedTuple):
    """What members have in a wallet."""

    pending: int = 0
    available: int = 0
    debt: int = 0

    @property
    def points(self) -> int:
        return self.pending + self.available - self.debt


class ShadowPoints:
    """Accounts by wallet and member.

    ``told_apart`` are the members who give something back in these days: their lots stay apart. Of everybody
    else lots that end together are one, and so are those that end at ``horizon`` or later. Without a horizon
    all lots of all members stay apart.
    """

    def __init__(self, revision: Revision, *, horizon: datetime | None, told_apart: Collection[int]) -> None:
        self._zone, self._horizon, self._told_apart = revision.time_zone, horizon, told_apart
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
        self._accounts: dict[str, dict[int, ShadowAccount]] = defaultdict(dict)
        self._numbers = count(1)
        self.totals: dict[str, WalletTotals] = defaultdict(WalletTotals)

    def open(self, customer_id: int, wallet: str, lot: LotBalance) -> LotBalance | None:
        """Take over a lot of before; the order in which they come is that of their age."""
        lot.id = next(self._numbers)
        return self._account(customer_id, wallet).credit(lot)

    def open_debt(self, customer_id: int, wallet: str, points: int) -> None:
        """Take over a debt of before, once the lots are open."""
        self._account(customer_id, wallet).debt = points

    def earn(self, due: Due, earned: Earn, at: datetime) -> LotBalance | None:
        """Credit what an event earned, and return the lot as far as it is told apart."""
        wallet, expires_at = earned.wallet, earned.expires_at
        account = self._settled(due.customer_id, wallet, at)
        if account.merges and expires_at is not None and self._horizon and expires_at >= self._horizon:
            expires_at = None
        if wallet not in self._special:
            if account.merges and not account.debt:
                account.add(earned.points, expires_at)
                return None
            return account.credit(
                LotBalance(next(self._numbers), earned.points, expires_at, available_from=due.event.at)
            )
        lot = account.credit(self._lot(due, earned, expires_at, at))
        if (expiry := self._inactive.get(wallet)) is not None:
            until = expiry.ends_at(due.event.at, self._zone)
            if until is not None:
                account.extend(until)
        return lot

    def _lot(self, due: Due, earned: Earn, expires_at: datetime | None, at: datetime) -> LotBalance:
        """Return the lot of points that may have to wait."""
        waiting, earned_at = self._waiting.get(earned.wallet, _AT_ONCE), due.event.at
        activates_at = waiting.activates_at(earned_at, self._zone)
        awaits = waiting.awaits(due.event_type, due.event_id)
        return LotBalance(
            next(self._numbers),
            earned.points,
            expires_at,
            is_pending=awaits is not None or (activates_at is not None and activates_at > at),
            activates_at=activates_at,
            available_from=activates_at or earned_at,
            awaits=awaits or "",
        )

    def take_back(
        self, customer_id: int, wallet: str, own: LotBalance | None, points: int, at: datetime
    ) -> int:
        """Take back what a return asks of a lot, by the wallet's policy; return what was taken."""
        account, totals = self._settled(customer_id, wallet, at), self.totals[wallet]
        taken = account.take_back(own, points, self._policy(wallet), at)
        totals.asked += points
        totals.taken += taken
        return taken

    def release(self, customer_id: int, awaits: str, at: datetime) -> None:
        """Make usable what a member's lots of every wallet waited for."""
        for wallet, pending in self._waiting.items():
            if pending.event and customer_id in self._accounts[wallet]:
                self._settled(customer_id, wallet, at).release(awaits, at)

    def close(self, at: datetime) -> None:
        """Settle everybody at the end."""
        for wallet, accounts in self._accounts.items():
            self.totals[wallet].expired += sum(account.settle(at) for account in accounts.values())

    def outstanding(self, wallet: str) -> Outstanding:
        """Return what all members have together; of those whose accounts are settled."""
        pending = available = debt = 0
        for account in self._accounts[wallet].values():
            debt += account.debt
            for lot in account.lots:
                if lot.is_pending:
                    pending += lot.remaining
                else:
                    available += lot.remaining
        return Outstanding(pending, available, debt)

    def __iter__(self) -> Iterator[tuple[int, str, ShadowAccount]]:
        """Yield (member, wallet, account)."""
        for wallet, accounts in self._accounts.items():
            for customer_id, account in accounts.items():
                yield customer_id, wallet, account

    def _policy(self, wallet: str) -> RefundPolicy:
        return self._policies.get(wallet, _OTHERWISE).refund_policy

    def _account(self, customer_id: int, wallet: str) -> ShadowAccount:
        account = self._accounts[wallet].get(customer_id)
        if account is None:
            merges = self._horizon is not None and customer_id not in self._told_apart
            account = self._accounts[wallet][customer_id] = ShadowAccount(merges=merges)
        return account

    def _settled(self, customer_id: int, wallet: str, at: datetime) -> ShadowAccount:
        account = self._accounts[wallet].get(customer_id) or self._account(customer_id, wallet)
        if account.next_at <= at:
            self.totals[wallet].expired += account.settle(at)
        return account
