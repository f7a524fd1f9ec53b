"""The ledger of a rehearsal, opened with everything as it was at a moment."""

from __future__ import annotations

from datetime import datetime

from rewards.domain.engine import Engine
from rewards.domain.measures import Measures
from rewards.domain.programs import Revision
from rewards.domain.rehearsals import ShadowLedger, changed_rules
from rewards.domain.rules import GrantKind
from rewards.queries import customer_states, rehearsal_openings, rehearsals


def opened(engine: Engine, live: Engine | None, since: datetime, until: datetime) -> ShadowLedger:
    """Return a ledger that knows what was before: spend, tiers, caps used and budgets paid.

    Everybody is brought to the tier that the revision gives, as when it is published.
    """
    ledger = ShadowLedger(
        engine=engine,
        usage=customer_states.usage_book(engine, since=since, before_moment=since),
        budgets=rehearsal_openings.budget_book(engine, since),
        since=since,
        returned_orders=rehearsals.returned_orders(since, until),
        changed_rules=changed_rules(engine, live) if live else frozenset(),
    )
    ledger.spending_by_customer.update(rehearsal_openings.spending(since))
    ledger.state_by_customer.update(rehearsal_openings.states(engine))
    for customer_id, standing in rehearsal_openings.standings(since):
        ledger.tiers.open(customer_id, standing)
    if ledger.measures is not None:
        _fill(ledger.measures, engine.revision, since)
    ledger.tiers.refresh_all(since)
    return ledger


def _fill(measures: Measures, revision: Revision, since: datetime) -> None:
    for customer_id, amounts in rehearsal_openings.amounts(revision, since):
        measures.open(customer_id, amounts, since)
    if measures.remembers_points:
        for credit in rehearsal_openings.credits_before(revision, since, measures.wallets):
            measures.remember_points(*credit)
    written = {grant.key for rule in revision.rules for grant in rule.grants if grant.kind is GrantKind.TRAIT}
    if written & measures.traits:
        measures.open_traits(rehearsal_openings.traits(measures.traits))
