"""What makes pending points usable before their date, and the frozen accounts in which nothing does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rewards.domain.lots import LotBalance
from rewards.domain.shadow_wallets import ShadowWallets


class ShadowReleases:
    """Releases by events and by staff.

    ``by_staff`` names the credits that staff make usable ahead of what they wait for, of members told apart.
    Of ``frozen`` accounts (member, wallet) nothing is earned, taken back or released, and nothing ends.
    """

    def __init__(self, wallets: ShadowWallets, by_staff: Collection[str]) -> None:
        self._wallets, self._by_staff = wallets, frozenset(by_staff)
        self._lots: dict[str, tuple[str, LotBalance]] = {}
        self.frozen: set[tuple[int, str]] = set()
        # What has happened since a member was frozen first: it releases what waits once the account is open.
        self._heard: dict[int, list[str]] = {}

    def open_frozen(self, customer_id: int, wallet: str) -> None:
        """Take over that an account was frozen before, once its lots and its debt are open."""
        self._wallets.account(customer_id, wallet).freeze()
        self.frozen.add((customer_id, wallet))
        self._heard.setdefault(customer_id, [])

    def freeze(self, customer_id: int, wallet: str, at: datetime) -> None:
        """Freeze an account, with what is due by then done."""
        self._wallets.settled(customer_id, wallet, at)
        self.open_frozen(customer_id, wallet)

    def thaw(self, customer_id: int, wallet: str, at: datetime) -> None:
        """Open a frozen account again."""
        self.frozen.discard((customer_id, wallet))
        self._wallets.account(customer_id, wallet).thaw(at)
        self.hear_again(customer_id, at)

    def remember(self, name: str, wallet: str, lot: LotBalance) -> None:
        """Know a credit, if staff release it one day."""
        if name in self._by_staff:
            self._lots[name] = wallet, lot

    def release(self, customer_id: int, awaits: str, at: datetime) -> None:
        """Make usable what a member's lots of every wallet waited for, or what staff did not wait for."""
        if awaits in self._by_staff:
            self._release_lot(customer_id, awaits, at)
            return
        if customer_id in self._heard:
            self._heard[customer_id].append(awaits)
        self._release(customer_id, awaits, at)

    def hear_again(self, customer_id: int, at: datetime) -> None:
        """Let what happened before an account was open, or before an order was decided, release points."""
        for awaits in self._heard.get(customer_id, ()):
            self._release(customer_id, awaits, at)

    def _release_lot(self, customer_id: int, name: str, at: datetime) -> None:
        wallet, lot = self._lots.pop(name, ("", None))
        if lot is not None and (customer_id, wallet) not in self.frozen:
            self._wallets.settled(customer_id, wallet, at).release_lot(lot, at)

    def _release(self, customer_id: int, awaits: str, at: datetime) -> None:
        for wallet in self._wallets.of_member(customer_id):
            if (customer_id, wallet) not in self.frozen:
                self._wallets.settled(customer_id, wallet, at).release(awaits, at)
