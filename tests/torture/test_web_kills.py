"""Gunicorn's workers are killed while client apps send: what was acknowledged is there, and there once."""

from __future__ import annotations

import json
import os
import random
from collections import Counter, defaultdict
from itertools import count, takewhile
from threading import Event as Flag

import pytest

from crm.models import Event
from rewards.models import Account, LedgerTransaction
from rewards.services import verification
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.processes import kill
from tests.rewards.factories import NOW, make_customer, make_wallet
from tests.rewards.factories import post as post_points
from tests.torture.callers import Caller, working
from tests.torture.conftest import Web
from tests.torture.kills import kill_child_of, kills, repeatedly

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("web"),
]
CALLERS = 3
BATCH = 20
ATTEMPTS = int(os.environ.get("HOT_ATTEMPTS", "300"))
HELD, COST = 500, 7
# Now and then the machine goes: master and workers at once.
WHOLE_SERVER_EVERY = 40


def kill_web(web: Web, times: int) -> None:
    turn = count(1)

    def strike(chance: random.Random) -> None:
        if next(turn) % WHOLE_SERVER_EVERY:
            kill_child_of(web.child.process.pid, chance)
        else:
            kill(web.child)
            web.start_again()

    repeatedly(strike, times, shortest=0.02, longest=0.25)


def test_acknowledged_events_survive_and_are_recorded_once(web: Web, tenant: Tenant, api: ApiClient) -> None:
    answers: dict[str, set[str]] = defaultdict(set)

    def send(number: int, is_over: Flag) -> None:
        with Caller(web.port, api.key) as caller:
            for turn in takewhile(lambda _: not is_over.is_set(), count()):
                events = [
                    {"message_id": f"{number}-{turn}-{place}", "external_id": f"c-{place % 7}",
                     "name": "viewed", "occurred_at": NOW.isoformat()}
                    for place in range(BATCH)
                ]  # fmt: skip
                status, body = caller.post("/events", {"events": events})
                assert status == 202
                for result in json.loads(body)["results"]:
                    answers[result["message_id"]].add(result["status"])

    with working(send, CALLERS):
        kill_web(web, kills(8, of_a_thousand=300))
    assert answers
    # A batch whose answer was lost is a duplicate when it is sent again.
    assert set().union(*answers.values()) <= {"accepted", "duplicate"}
    with tenant_scope(tenant):
        stored = Counter(Event.objects.values_list("message_id", flat=True))
        published = Counter(
            message_id
            for payload in OutboxMessage.objects.filter(topic="crm.events_recorded").values_list(
                "payload", flat=True
            )
            for message_id in payload["batch"]["message_ids"]
        )
    assert stored == published == Counter(dict.fromkeys(answers, 1))


def test_a_posting_retried_over_kills_has_one_effect_and_one_answer(
    web: Web, tenant: Tenant, api: ApiClient
) -> None:
    with tenant_scope(tenant):
        make_wallet()
        members = [make_customer() for _ in range(CALLERS)]
    answers: dict[str, bytes] = {}

    def post(number: int, is_over: Flag) -> None:
        path = f"/customers/{members[number].public_id}/points"
        with Caller(web.port, api.key) as caller:
            for turn in takewhile(lambda _: not is_over.is_set(), count(1)):
                # Two come and one goes, so that there is always enough.
                action = "earn" if turn % 3 else "spend"
                key = f"{number}-{turn}-{action}"
                request = (f"{path}/{action}", {"points": 1})
                status, answer = caller.post(*request, Idempotency_Key=key)
                assert (status, caller.post(*request, Idempotency_Key=key)) == (201, (201, answer))
                answers[key] = answer

    with working(post, CALLERS):
        kill_web(web, kills(8, of_a_thousand=300))
    with tenant_scope(tenant):
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
        assert LedgerTransaction.objects.count() == len(answers) > 0
        earned = Counter(key.split("-")[0] for key in answers if key.endswith("earn"))
        earned.subtract(key.split("-")[0] for key in answers if key.endswith("spend"))
        balances = Account.objects.order_by("customer_id").values_list("available", flat=True)
        assert list(balances) == [earned[str(number)] for number in range(CALLERS)]


def test_a_hot_balance_over_http_pays_exactly_what_it_holds(web: Web, tenant: Tenant, api: ApiClient) -> None:
    with tenant_scope(tenant):
        member = make_customer()
        post_points(member, make_wallet(), HELD)
    path, granted = f"/customers/{member.public_id}/points/spend", Counter[int]()

    def spend(number: int, _is_over: Flag) -> None:
        with Caller(web.port, api.key) as caller:
            for turn in range(ATTEMPTS // CALLERS):
                status, _body = caller.post(path, {"points": COST}, Idempotency_Key=f"{number}-{turn}")
                granted[status] += 1
            granted[500] += caller.server_errors

    with working(spend, CALLERS):
        pass
    refused = ATTEMPTS // CALLERS * CALLERS - HELD // COST
    assert granted == {201: HELD // COST, 409: refused, 500: 0}
    with tenant_scope(tenant):
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
        assert Account.objects.get().available == HELD % COST
