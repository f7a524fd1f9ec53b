"""The accounts of all members, wallet by wallet, while a revision is played over the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from rewards.domain.shadow_accounts import ShadowAccount
from rewards.domain.shadow_totals import Outstanding, WalletTotals


class ShadowWallets:
    """Accounts by wallet and member, and what moved in each wallet.

    Lots of members who are not ``told_apart`` are merged, of everybody if that is ``None`` none are.
    """

    def __init__(self, told_apart: Collection[int] | None) -> None:
        self._told_apart = told_apart
        self._accounts: dict[str, dict[int, ShadowAccount]] = defaultdict(dict)
        self.totals: dict[str, WalletTotals] = defaultdict(WalletTotals)

    def find(self, customer_id: int, wallet: str) -> ShadowAccount | None:
        """Return a member's account, if there is one yet."""
        return self._accounts[wallet].get(customer_id)

    def account(self, customer_id: int, wallet: str) -> ShadowAccount:
        """Return a member's account as it was left."""
        account = self._accounts[wallet].get(customer_id)
        if account is None:
            merges = self._told_apart is not None and customer_id not in self._told_apart
            account = self._accounts[wallet][customer_id] = ShadowAccount(merges=merges)
        return account

    def settled(self, customer_id: int, wallet: str, at: datetime) -> ShadowAccount:
        """Return a member's account with what is due by a moment done."""
        account = self._accounts[wallet].get(customer_id) or self.account(customer_id, wallet)
        if account.next_at <= at:
            self.totals[wallet].expired += account.settle(at)
        return account

    def of_member(self, customer_id: int) -> Iterator[str]:
        """Yield the wallets in which a member has an account."""
        return (wallet for wallet, accounts in self._accounts.items() if customer_id in accounts)

    def close(self, at: datetime) -> None:
        """Settle everybody at the end."""
        for wallet, accounts in self._accounts.items():
            self.totals[wallet].expired += sum(account.close(at) for account in accounts.values())

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
