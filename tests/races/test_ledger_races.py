"""Real connections, real commits: what must hold when many do the same thing at the same moment."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections

from rewards.models import Account, Redemption, Reward, RewardKind, TransactionKind, Wallet
from rewards.services import (
    catalogue,
    expiries,
    ledger,
    mergers,
    redemption_states,
    redemptions,
    verification,
)
from rewards.services.errors import InsufficientPoints
from rewards.services.ledger import Credit, Source
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
ATTEMPTS = int(os.environ.get("RACE_ATTEMPTS", "1200"))


def together(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Run ``work(number)`` on its own connection in each thread, all starting at once."""
    barrier, answers = Barrier(threads), [None] * threads

    def run(number: int) -> None:
        try:
            barrier.wait()
            answers[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            answers[number] = error
        finally:
            connections.close_all()

    workers = [Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return answers


@pytest.fixture
def wallet(tenant: Tenant, other_tenant: Tenant) -> Iterator[Wallet]:
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 777, "one")
    with tenant_scope(tenant):
        wallet = make_wallet()
    yield wallet
    for each, findings in ((tenant, ()), (other_tenant, ())):
        with tenant_scope(each):
            assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == findings
    with tenant_scope(other_tenant):
        assert Account.objects.get().available == 777


def test_a_hot_balance_grants_exactly_what_it_has(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        for part in range(5):
            post(customer, wallet, 200, f"lot-{part}")

    def attempts(number: int) -> int:
        granted = 0
        for attempt in range(ATTEMPTS // THREADS):
            try:
                with tenant_scope(tenant):
                    post(customer, wallet, -1, f"{number}-{attempt}")
            except InsufficientPoints:
                continue
            granted += 1
        return granted

    assert sum(together(attempts)) == 1000
    with tenant_scope(tenant):
        account = Account.objects.get(customer=customer)
        assert (account.available, account.seq) == (0, 1005)


def test_twins_of_one_source_post_once(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customer = make_customer()

    def credit(_number: int) -> tuple[int | None, bool]:
        with tenant_scope(tenant):
            posting = post(customer, wallet, 50, "same")
            return posting.transaction_id, posting.is_new

    answers = together(credit)
    assert Counter(is_new for _, is_new in answers) == {True: 1, False: THREADS - 1}
    assert len({transaction_id for transaction_id, _ in answers}) == 1
    with tenant_scope(tenant):
        assert Account.objects.get(customer=customer).available == 50


def test_the_last_rewards_go_to_as_many_as_there_are(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customers = [make_customer() for _ in range(THREADS)]
        for customer in customers:
            post(customer, wallet, 100)
        reward = catalogue.save_reward(
            key="rare",
            name="Rare",
            kind=RewardKind.PRODUCT,
            wallet_key="points",
            cost_points=60,
            stock=3,
            by=SYSTEM,
            at=NOW,
        )

    def redeem(number: int) -> str:
        try:
            with tenant_scope(tenant):
                redemptions.redeem(customer=customers[number], reward=reward, by=SYSTEM, at=NOW)
        except redemption_states.OutOfStock:
            return "none left"
        return "redeemed"

    assert Counter(together(redeem)) == {"redeemed": 3, "none left": THREADS - 3}
    with tenant_scope(tenant):
        assert (Reward.objects.get().stock, Redemption.objects.count()) == (0, 3)
        assert sorted(Account.objects.values_list("available", "held")) == [(40, 0)] * 3 + [(100, 0)] * 5


def test_a_batch_that_waits_for_a_members_first_points_posts_its_own(tenant: Tenant, wallet: Wallet) -> None:
    """Found by the kill tests: the account was made meanwhile, and the batch took nobody for its member."""
    with tenant_scope(tenant):
        customer = make_customer()
    options: dict[str, Any] = {
        "wallet_id": wallet.pk, "kind": TransactionKind.EARN, "source_type": "race", "by": SYSTEM, "at": NOW,
    }  # fmt: skip

    def post_batch() -> Any:
        try:
            with tenant_scope(tenant):
                return ledger.post_batch(credits=[Credit(customer.pk, 5, "second", NOW, None)], **options)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as other:
        with tenant_scope(tenant):
            post(customer, wallet, 3, "first")
            second = other.submit(post_batch)
            wait_until(is_anybody_waiting)
        assert second.result(PATIENCE_SECONDS).posted == 1
    with tenant_scope(tenant):
        assert Account.objects.get(customer=customer).available == 8


def is_anybody_waiting() -> bool:
    """Whether a connection to this database waits for another's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_locks o ON o.pid = l.pid
               JOIN pg_database d ON d.oid = o.database AND d.datname = current_database()
               WHERE NOT l.granted AND l.locktype = 'transactionid')"""
        )
        return bool(cursor.fetchone()[0])


def test_batches_over_the_same_customers_in_any_order_do_not_deadlock(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customers = [make_customer().pk for _ in range(20)]

    def batches(number: int) -> int:
        order = customers if number % 2 else customers[::-1]
        posted = 0
        for turn in range(5):
            batch = [Credit(pk, 3, f"{turn}:{pk}", NOW, None) for pk in order]
            with tenant_scope(tenant):
                posted += ledger.post_batch(
                    wallet_id=wallet.pk,
                    kind=TransactionKind.EARN,
                    source_type="race",
                    credits=batch,
                    by=SYSTEM,
                    at=NOW,
                ).posted
        return posted

    assert sum(together(batches)) == 100
    with tenant_scope(tenant):
        assert set(Account.objects.values_list("available", "seq")) == {(15, 5)}


def test_expiry_spending_and_reversal_at_once_keep_the_books(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        for part in range(20):
            post(customer, wallet, 10, f"lot-{part}", expires_at=NOW)

    def work(number: int) -> int:
        moved = 0
        for step in range(10):
            with tenant_scope(tenant):
                if number % 2:
                    moved += expiries.expire_batch(at=NOW).points
                else:
                    source = Source("late", f"{number}-{step}")
                    moved += post(customer, wallet, 1, source=source).points and 0
        return moved

    assert sum(together(work)) == 200
    with tenant_scope(tenant):
        assert Account.objects.get(customer=customer).available == 40


def test_a_late_activation_happens_once_among_many_spenders(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        for _ in range(3):
            post(customer, wallet, 10, activates_at=NOW + timedelta(days=1))

    def spend(number: int) -> int:
        granted = 0
        for attempt in range(6):
            try:
                with tenant_scope(tenant):
                    post(customer, wallet, -1, f"late-{number}-{attempt}", at=NOW + timedelta(days=1))
            except InsufficientPoints:
                continue
            granted += 1
        return granted

    assert sum(together(spend)) == 30


def test_spending_on_both_sides_of_a_merge_loses_nothing(tenant: Tenant, wallet: Wallet) -> None:
    with tenant_scope(tenant):
        survivor, absorbed = make_customer(), make_customer()
        for customer in (survivor, absorbed):
            for _ in range(5):
                post(customer, wallet, 10)

    def work(number: int) -> int:
        if number == 0:
            with tenant_scope(tenant):
                mergers.merge(survivor_id=survivor.pk, absorbed_id=absorbed.pk, by=SYSTEM, at=NOW)
            return 0
        granted = 0
        for attempt in range(20):
            customer = (survivor, absorbed)[(number + attempt) % 2]
            try:
                with tenant_scope(tenant):
                    post(customer, wallet, -1, f"merge-{number}-{attempt}")
            except InsufficientPoints:
                continue
            granted += 1
        return granted

    answers = together(work)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sum(answers) == 100
