"""Expiry of lots. Spending never waits for it: an expired lot is unavailable from its instant on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from crm.services import customer_touches
from rewards.domain.expiry import Expiry, ExpiryKind, active_stretches
from rewards.domain.wallets import WARNING_DAYS, WalletPolicy
from rewards.models import Account, Wallet
from rewards.queries import expiring, programs, tiers
from rewards.services.ledger import array_literal, fetch_one
from tenants.models import OutboxMessage
from tenants.scope import active_tenant_id
from tenants.services import outbox

_EXPIRE = "SELECT accounts, transactions, points FROM rewards_expire(%s, %s)"
_EXTEND = "SELECT rewards_keep_alive(%s, %s::bigint[], %s::timestamptz[], %s::timestamptz[])"
# Those whose lots a batch expires, seen a moment before it does.
_DUE = """
    SELECT a.customer_id FROM (
        SELECT DISTINCT l.tenant_id, l.account_id FROM rewards_lot l
        JOIN rewards_account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id AND a.frozen_at IS NULL
        WHERE l.tenant_id = %s AND l.is_open AND l.expires_at <= %s AND l.remaining > l.held
        ORDER BY l.account_id LIMIT %s
    ) due JOIN rewards_account a ON a.tenant_id = due.tenant_id AND a.id = due.account_id
"""
ACCOUNTS_A_BATCH = 2_000
WARNING_TOPIC: Final = "rewards.points_expiring"
_WARNINGS_A_MESSAGE = 500
# Longer than a local day, which has 25 hours at most.
_TOLD_FOR: Final = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What one batch expired."""

    accounts: int
    transactions: int
    points: int


def expire_batch(*, at: datetime) -> ExpiryReport:
    """Post the expiry of due lots of the next accounts; ``accounts`` 0 means nothing is left."""
    customer_touches.add_found(_DUE, [active_tenant_id(), at, ACCOUNTS_A_BATCH])
    return ExpiryReport(*(int(value) for value in fetch_one(_EXPIRE, [at, ACCOUNTS_A_BATCH])))


def touch(
    *, wallet_id: int, policy: WalletPolicy, zone: tzinfo, moments: Sequence[tuple[int, datetime]]
) -> int:
    """Let open points of active members live on, where the wallet ends them by inactivity.

    ``moments`` are customer numbers with when they earned or spent; returns how many lots were extended. What
    had ended by then stays ended, whether a sweep has seen it or not.
    """
    if not policy.has_inactivity or not moments:
        return 0
    moments_by_customer: dict[int, list[tuple[datetime, Expiry]]] = defaultdict(list)
    held = tiers.at_moments(moments) if policy.expiry_by_tier else [None] * len(moments)
    for (customer_id, moment), tier in zip(moments, held, strict=True):
        expiry = policy.expiry_for(tier)
        if expiry.kind is ExpiryKind.INACTIVITY:
            moments_by_customer[customer_id].append((moment, expiry))
    stretches = [
        (customer_id, *stretch)
        for customer_id, active in moments_by_customer.items()
        for stretch in active_stretches(active, zone)
    ]
    if not stretches:
        return 0
    return int(fetch_one(_EXTEND, [wallet_id, *map(array_literal, zip(*stretches, strict=True))])[0])


def touch_spender(*, account_id: int, at: datetime) -> int:
    """Let the open points of an account's owner live on, as ``touch`` does; returns how many lots."""
    published = programs.published()
    if published is None:
        return 0
    moving = {
        published.wallet_id_by_key[policy.key]: policy
        for policy in published.revision.wallets
        if policy.has_inactivity
    }
    account = Account.objects.filter(pk=account_id, wallet_id__in=moving).first() if moving else None
    while account is not None and account.moved_to_id is not None:
        account = Account.objects.get(pk=account.moved_to_id)
    if account is None:
        return 0
    policy, zone = moving[account.wallet_id], published.revision.time_zone
    moments = [(account.customer_id, at)]
    return touch(wallet_id=account.wallet_id, policy=policy, zone=zone, moments=moments)


def warn(*, zone: tzinfo, at: datetime) -> int:
    """Tell the messaging side whose points end as many days away as their wallet warns; returns how many.

    Names what ends on that local day, and each day once however often it is asked: a job whose worker was
    killed runs again. An outbox row carries up to 500 members. Points of a wallet that no published program
    has any more are warned of as usual.
    """
    warned = 0
    for days, keys in sorted(_wallets_by_days().items(), reverse=True):
        day = at.astimezone(zone).date() + timedelta(days=days)
        if _is_warned(days, day, at):
            continue
        rows = expiring.on_day(day, wallets=keys, zone=zone, at=at)
        for start in range(0, len(rows), _WARNINGS_A_MESSAGE):
            members = [row.to_json() for row in rows[start : start + _WARNINGS_A_MESSAGE]]
            payload = {"days": days, "day": day.isoformat(), "members": members}
            outbox.publish(topic=WARNING_TOPIC, payload=payload, at=at)
        warned += len(rows)
    return warned


def _is_warned(days: int, day: date, at: datetime) -> bool:
    recent = OutboxMessage.objects.filter(topic=WARNING_TOPIC, created_at__gt=at - _TOLD_FOR)
    return bool(recent.filter(payload__days=days, payload__day=day.isoformat()).exists())


def _wallets_by_days() -> dict[int, set[str]]:
    published = programs.published()
    policies = {wallet.key: wallet for wallet in published.revision.wallets} if published else {}
    found: dict[int, set[str]] = defaultdict(set)
    for key in Wallet.objects.values_list("key", flat=True):
        for days in policies[key].warning_days if key in policies else WARNING_DAYS:
            found[days].add(key)
    return found
