"""Carrying out decisions: the decision record and its postings, in one transaction and set by set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from rewards.domain.pots import LinePoints, Units, asked_back, wallet_of
from rewards.domain.sources import source_id
from rewards.domain.usage import BudgetBook
from rewards.domain.wallets import RefundPolicy
from rewards.models import DecisionEvent, GiftKind, GiverKind, OwedGift
from rewards.queries import documents, earned_pots
from rewards.queries.documents import Document
from rewards.queries.programs import PublishedRevision
from rewards.services import budgets, effects, ledger, owed_gifts
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Refused, Withheld
from rewards.services.evaluations import Decided
from rewards.services.ledger import Outcome, TakeBack, array_literal
from tenants.domain.actors import Actor
from tenants.scope import active_tenant_id

RETURN_SOURCE = "return"
_INSERT = """
    INSERT INTO rewards_decisionrecord (
        tenant_id, revision_id, event_type, customer_id, event_id, occurred_at, points, record, decided_at
    )
    SELECT %s, %s, %s, t.customer_id, t.event_id, t.occurred_at, t.points, t.record::jsonb, %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::bigint[], string_to_array(%s, E'\\x1e'))
        AS t(customer_id, event_id, occurred_at, points, record)
    ON CONFLICT (tenant_id, event_type, event_id) DO NOTHING
"""


class _Record(NamedTuple):
    customer_id: int
    event_id: int
    occurred_at: datetime
    points: int
    record: str


def carry_out(decided: Sequence[Decided], *, published: PublishedRevision, by: Actor, at: datetime) -> int:
    """Do what events earned and store why; returns how many events were decided.

    Events of frozen accounts stay undecided, so that the next run finds them again.
    """
    given = [
        Given(due.customer_id, due.event_type, due.event_id, due.event.at, effect)
        for due, evaluation in decided
        for effect in evaluation.effects
    ]
    refused = effects.carry_out(given, published=published, by=by, at=at)
    kept = [item for item in decided if item.due.event_id not in refused.events]
    owed_gifts.note([_owed(each, at) for each in refused.effects if each.is_owed])
    if published.engine.needs.budgets:
        _pay(kept, published)
    by_type: dict[str, list[Decided]] = defaultdict(list)
    for item in kept:
        by_type[item.due.event_type].append(item)
    return sum(
        _store(
            DecisionEvent(event_type), [_record(item, refused) for item in items], published=published, at=at
        )
        for event_type, items in by_type.items()
    )


def _owed(withheld: Withheld, at: datetime) -> OwedGift:
    given = withheld.given
    kind, _colon, key = withheld.effect.partition(":")
    return OwedGift(
        customer_id=given.customer_id, kind=GiftKind(kind), key=key, giver_kind=GiverKind.RULE,
        giver=given.effect.rule, source=f"{given.event_type}:{given.event_id}", reason=withheld.reason,
        earned_at=given.occurred_at, owed_at=at,
    )  # fmt: skip


def _pay(decided: Sequence[Decided], published: PublishedRevision) -> None:
    revision = published.revision
    book = BudgetBook({budget.key: budget for budget in revision.budgets}, revision.time_zone)
    for due, evaluation in decided:
        book.book(due.event.at, evaluation)
    budgets.pay(book.fresh)


_encode = msgspec.json.Encoder().encode


def _record(decided: Decided, refused: Refused) -> _Record:
    due, evaluation = decided
    record = evaluation.decision.to_json()
    for each in refused.effects:
        if (each.given.event_type, each.given.event_id) == (due.event_type, due.event_id):
            _tell(record, each)
    if due.event.name:
        record["event"] = due.event.name
    if due.source:
        record["source"] = due.source
    return _Record(due.customer_id, due.event_id, due.event.at, evaluation.points, _encode(record).decode())


def _tell(record: dict[str, Any], withheld: Withheld) -> None:
    """Say beside what the rule gave what of it could not be carried out, and whether it is owed."""
    for outcome in record["rules"]:
        if outcome["rule"] == withheld.given.effect.rule:
            outcome.setdefault("withheld", []).append(withheld.to_json())


def _store(
    event: DecisionEvent, records: Sequence[_Record], *, published: PublishedRevision, at: datetime
) -> int:
    if not records:
        return 0
    *columns, texts = zip(*records, strict=True)
    # One text instead of an array: quoting thousands of JSON elements costs more than inserting them. The
    # record separator cannot stand unescaped in JSON.
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                active_tenant_id(),
                published.id,
                event.value,
                at,
                *map(array_literal, columns),
                "\x1e".join(texts),
            ],
        )
        return int(cursor.rowcount)


def carry_out_returns(
    returns: Sequence[Document], *, published: PublishedRevision, by: Actor, at: datetime
) -> int:
    """Take back exactly what the returned lines earned and store why; returns how many were decided.

    Returns of orders that have no decision yet stay undecided.
    """
    if not returns:
        return 0
    order_ids = {document.order_id for document in returns}
    earned = earned_pots.of_orders(order_ids)
    known = [document for document in returns if document.order_id in earned]
    asked = _points_asked(known, earned)
    earn_ids = earned_pots.transactions(earned)
    wanted = [
        TakeBack(earn_ids[source_id(document.order_id, pot)], sum(by_line.values()),
                 source_id(document.id, pot), document.happened_at, _policy(published, wallet_of(pot)))
        for document in known
        for pot, by_line in asked[document.id].items()
        if sum(by_line.values())
    ]  # fmt: skip
    taken = ledger.take_back_batch(
        source_type=RETURN_SOURCE, returns=wanted, by=by, at=at, revision_id=published.id
    )
    records = []
    for document in known:
        outcomes = {pot: taken.get(source_id(document.id, pot)) for pot in asked[document.id]}
        if any(outcome and outcome[0] is Outcome.FROZEN for outcome in outcomes.values()):
            continue
        records.append(_return_record(document, asked[document.id], outcomes))
    return _store(DecisionEvent.RETURN, records, published=published, at=at)


def _policy(published: PublishedRevision, wallet: str) -> RefundPolicy:
    """A wallet that a later revision dropped keeps the default policy."""
    policies = {policy.key: policy.refund_policy for policy in published.revision.wallets}
    return policies.get(wallet, RefundPolicy.WITHIN_BALANCE)


def _points_asked(returns: Sequence[Document], earned: Mapping[int, LinePoints]) -> dict[int, LinePoints]:
    """Points each return gives back by pot and line, counting earlier returns of the same units."""
    lines_by_return: dict[int, list[documents.ReturnedLine]] = defaultdict(list)
    returned_before: dict[tuple[int, int], int] = defaultdict(int)
    for line in documents.returned_lines({document.order_id for document in returns}):
        if line.is_decided:
            returned_before[line.order_id, line.position] += line.returned
        else:
            lines_by_return[line.return_id].append(line)
    asked: dict[int, LinePoints] = {}
    for document in returns:
        units = []
        for line in lines_by_return[document.id]:
            before = returned_before[line.order_id, line.position]
            units.append(Units(line.position, line.bought, before, line.returned))
            returned_before[line.order_id, line.position] = before + line.returned
        asked[document.id] = asked_back(earned[document.order_id], units)
    return asked


def _return_record(
    document: Document, asked: LinePoints, outcomes: Mapping[str, tuple[Outcome, int] | None]
) -> _Record:
    lines: dict[str, dict[str, int]] = defaultdict(dict)
    taken: dict[str, int] = defaultdict(int)
    for pot, by_line in asked.items():
        wallet, outcome = wallet_of(pot), outcomes[pot]
        taken[wallet] -= outcome[1] if outcome else 0
        for position, points in by_line.items():
            lines[wallet][str(position)] = lines[wallet].get(str(position), 0) + points
    record: dict[str, Any] = {
        "order_id": document.order_id,
        "lines": lines,
        "asked": {wallet: sum(by_line.values()) for wallet, by_line in lines.items()},
        "taken": taken,
    }
    return _Record(
        document.customer_id,
        document.id,
        document.happened_at,
        -sum(taken.values()),
        msgspec.json.encode(record).decode(),
    )
