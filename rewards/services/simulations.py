"""One case played through a revision: nothing is written, nothing is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.utils import timezone

from crm.models import Customer, Event, Item, Order, Return
from rewards.domain.carts import Cart as CouponCart
from rewards.domain.carts import CartLine as CouponLine
from rewards.domain.decisions import Evaluation
from rewards.domain.effects import Effect, GrantReward, IssueCoupon
from rewards.domain.facts import Due, Happening, Line, order_placed
from rewards.domain.rules import Trigger
from rewards.domain.sources import event_number
from rewards.models import DecisionEvent, DecisionRecord
from rewards.queries import (
    coupon_evaluation,
    customer_states,
    documents,
    member_days,
    outlooks,
    paused,
)
from rewards.queries.coupon_evaluation import Evaluation as CouponVerdicts
from rewards.queries.documents import ORDER, Document
from rewards.queries.outlooks import NEWCOMER, Outlook
from rewards.queries.paused import KeptBack
from rewards.queries.programs import PublishedRevision
from rewards.services import evaluations
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant

_IMAGINED: Final = 0


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line of an imagined order: an item of the catalogue, or just a category."""

    amount_minor: int
    quantity: int = 1
    item: str = ""
    category: str = ""


class Case(NamedTuple):
    """What rules give, and what something that is only imagined would do to challenges and the tier.

    ``kept_back`` are the gifts among the effects that an emergency brake would keep back now.
    """

    evaluation: Evaluation
    outlook: Outlook | None = None
    kept_back: tuple[KeptBack, ...] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The effects that would be carried out."""
        kept = {(each.giver, each.effect) for each in self.kept_back}
        return tuple(
            effect
            for effect in self.evaluation.effects
            if not isinstance(effect, IssueCoupon | GrantReward) or (effect.rule, effect.recorded) not in kept
        )

    @property
    def record(self) -> dict[str, Any]:
        """The record of the decision as it would be stored."""
        record = self.evaluation.decision.to_json()
        for outcome in record["rules"]:
            if withheld := [each.to_json() for each in self.kept_back if each.giver == outcome["rule"]]:
                outcome["withheld"] = withheld
        return record


def newcomer() -> Customer:
    """Return somebody who is no customer yet, for cases: without orders, points, traits or segments."""
    return Customer(pk=NEWCOMER)


def known_items(external_ids: Sequence[str]) -> list[str]:
    """Return which of the words are items of the catalogue."""
    return list(Item.objects.filter(external_id__in=external_ids).values_list("external_id", flat=True))


def of_order(*, order: Order, revision: PublishedRevision) -> Case:
    """Ask a revision about an order that was placed, with the orders, tier, caps and budgets of then.

    Attributes, traits and segments are today's. Raises ``InvalidInput`` when its customer is not known.
    """
    if order.customer_id is None:
        raise InvalidInput(errors=[FieldError("/order", "no_customer", "The order's customer is not known.")])
    lines = documents.lines_by_order([order.pk], with_items=True).get(order.pk, [])
    document = Document(
        ORDER, order.pk, order.customer_id, order.placed_at, order.total_minor, order.channel, order.pk,
        order.currency, is_decided=False,
    )  # fmt: skip
    return _recorded(documents.due_order(document, lines, revision.revision.exchange), revision)


def of_cart(
    *, customer: Customer, lines: Sequence[CartLine], channel: str, at: datetime, revision: PublishedRevision
) -> Case:
    """Ask a revision about an order the customer might place. Raises ``InvalidInput`` for unknown items."""
    known = {item.external_id: item for item in Item.objects.filter(external_id__in=[x.item for x in lines])}
    errors = [
        FieldError(f"/lines/{index}/item", "unknown_item", f"There is no item {line.item!r}.")
        for index, line in enumerate(lines)
        if line.item and line.item not in known
    ]
    if errors:
        raise InvalidInput(errors=errors)
    found = [_line(position, line, known.get(line.item)) for position, line in enumerate(lines, start=1)]
    event = order_placed(
        at, sum(line.amount_minor for line in found), channel, found, exchange=revision.revision.exchange
    )
    evaluation = _ask(Due(DecisionEvent.ORDER.value, _IMAGINED, customer.pk, event), revision)
    return _case(customer, event, evaluation, revision)


def of_coupons(
    *,
    customer: Customer,
    lines: Sequence[CartLine],
    shipping_minor: int,
    channel: str,
    codes: Sequence[str],
    at: datetime,
) -> CouponVerdicts:
    """Price the cart with the codes as a redemption would; nothing is taken, and no guess is counted."""
    bought = [
        # An amount that its pieces do not divide is one piece.
        CouponLine(line.item, line.quantity, line.amount_minor // line.quantity, line.category)
        if line.amount_minor % line.quantity == 0
        else CouponLine(line.item, 1, line.amount_minor, line.category)
        for line in lines
    ]
    return coupon_evaluation.evaluate(
        codes=codes,
        cart=CouponCart(bought, shipping_minor, channel),
        customer=None if customer.pk == NEWCOMER else customer,
        tenant=active_tenant(),
        at=at,
    )


def _line(position: int, line: CartLine, item: Item | None) -> Line:
    if item is None:
        return Line(position, line.category, line.amount_minor, line.quantity)
    return Line(
        position, line.category or item.category, line.amount_minor, line.quantity, item.external_id,
        item.subcategory, item.brand, item.attributes,
    )  # fmt: skip


def of_return(*, document: Return, revision: PublishedRevision) -> Case:
    """Ask the rules about returns, as ``of_order`` does. Raises ``InvalidInput`` without a known customer."""
    due = documents.due_returns([document.pk])
    if not due:
        unknown = FieldError("/return_id", "no_customer", "The return's customer is not known.")
        raise InvalidInput(errors=[unknown])
    return _recorded(due[0], revision)


def of_recorded_event(*, event: Event, revision: PublishedRevision) -> Case:
    """Ask a revision about an event that was received, as ``of_order`` does."""
    happening = Happening(Trigger.EVENT, event.occurred_at, event.name, properties=event.properties)
    number = event_number(event.message_id)
    return _recorded(Due(DecisionEvent.EVENT.value, number, event.customer_id, happening), revision)


def of_event(
    *,
    customer: Customer,
    trigger: Trigger,
    name: str,
    properties: dict[str, Any],
    at: datetime,
    revision: PublishedRevision,
) -> Case:
    """Ask a revision about an event that might happen."""
    event = Happening(trigger, at, name, properties=properties)
    number = _number(customer, trigger, at, revision)
    evaluation = _ask(Due(trigger.value, number, customer.pk, event), revision)
    return _case(customer, event, evaluation, revision)


def _recorded(due: Due, revision: PublishedRevision) -> Case:
    evaluation = _ask(due, revision)
    return Case(evaluation, kept_back=_kept_back(evaluation, revision))


def _kept_back(evaluation: Evaluation, revision: PublishedRevision) -> tuple[KeptBack, ...]:
    # Whatever the moment of the case is, it would be decided now, as rules that are paused now are.
    return paused.gifts(evaluation.effects, revision=revision, at=timezone.now())


def _case(customer: Customer, event: Happening, evaluation: Evaluation, revision: PublishedRevision) -> Case:
    outlook = outlooks.of_case(customer=customer, case=event, evaluation=evaluation, published=revision)
    return Case(evaluation, outlook, _kept_back(evaluation, revision))


def _number(customer: Customer, trigger: Trigger, at: datetime, revision: PublishedRevision) -> int:
    """Return the number under which the day of a member is decided; other events are only imagined."""
    if trigger is Trigger.ENROLMENT:
        return customer.pk
    if trigger in {Trigger.BIRTHDAY, Trigger.ANNIVERSARY}:
        return member_days.number_of(customer.pk, at.astimezone(revision.revision.time_zone).year)
    return _IMAGINED


def _ask(due: Due, revision: PublishedRevision) -> Evaluation:
    engine = revision.engine
    states = customer_states.before(engine, [due])
    if due.customer_id == NEWCOMER:
        joins_on = due.event.at.astimezone(engine.revision.time_zone).date()
        states = [state._replace(enrolled_on=joins_on) for state in states]
    (decided,) = evaluations.decide(
        [due], engine=engine, states=states, locks_budgets=False, before_id=_decision_of(due)
    )
    return decided.evaluation


def _decision_of(due: Due) -> int | None:
    """Return the number of the decision that was made; what only might happen has none."""
    if due.event_id == _IMAGINED:
        return None
    made = DecisionRecord.objects.filter(event_type=due.event_type, event_id=due.event_id)
    number: int | None = made.values_list("pk", flat=True).first()
    return number
