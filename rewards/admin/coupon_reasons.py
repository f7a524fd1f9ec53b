"""What coupons would take off a cart and why not, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.queries.coupon_evaluation import Evaluation, Verdict
from tenants.admin import formats

WORDS: Final[dict[Reason, str | Promise]] = {
    Reason.UNKNOWN_CODE: gettext_lazy("there is no such code"),
    Reason.DUPLICATE_CODE: gettext_lazy("named twice"),
    Reason.NOT_OFFERED: gettext_lazy("not offered any more"),
    Reason.PAUSED: gettext_lazy("paused by an emergency brake"),
    Reason.VOID: gettext_lazy("switched off"),
    Reason.EXHAUSTED: gettext_lazy("used up"),
    Reason.RESERVED: gettext_lazy("reserved for somebody"),
    Reason.OTHER_CUSTOMER: gettext_lazy("belongs to another customer"),
    Reason.NOT_TARGETED: gettext_lazy("the customer did not receive the campaign"),
    Reason.CUSTOMER_REQUIRED: gettext_lazy("needs a known customer"),
    Reason.CUSTOMER_NOT_ACTIVE: gettext_lazy("the customer is not active"),
    Reason.NOT_STARTED: gettext_lazy("has not begun"),
    Reason.EXPIRED: gettext_lazy("is over"),
    Reason.WEEKDAY: gettext_lazy("not on this weekday"),
    Reason.HOUR: gettext_lazy("not at this hour"),
    Reason.CURRENCY: gettext_lazy("in another currency"),
    Reason.CHANNEL: gettext_lazy("not in this channel"),
    Reason.MINIMUM_SPEND: gettext_lazy("the cart is worth too little"),
    Reason.MINIMUM_QUANTITY: gettext_lazy("the cart has too few pieces"),
    Reason.NO_ELIGIBLE_ITEMS: gettext_lazy("nothing in the cart is covered"),
    Reason.NO_SHIPPING: gettext_lazy("no shipping is paid"),
    Reason.SEGMENT: gettext_lazy("the customer is in none of its segments"),
    Reason.TIER: gettext_lazy("the customer is in none of its tiers"),
    Reason.FIRST_PURCHASE: gettext_lazy("the customer has ordered before"),
    Reason.CUSTOMER_RULE: gettext_lazy("its rule about the customer is not met"),
    Reason.CUSTOMER_LIMIT: gettext_lazy("the customer has used it as often as one may"),
    Reason.PERIOD_LIMIT: gettext_lazy("the customer has used it as often as one may in the period"),
    Reason.CODE_PERIOD_LIMIT: gettext_lazy("the code was used as often as it may be in the period"),
    Reason.OFFER_LIMIT: gettext_lazy("used as often as it may be"),
    Reason.OFFER_BUDGET: gettext_lazy("its money is used up"),
    Reason.OFFER_PERIOD_LIMIT: gettext_lazy("used as often as it may be in the period"),
    Reason.OFFER_PERIOD_BUDGET: gettext_lazy("its money for the period is used up"),
    Reason.CAMPAIGN_LIMIT: gettext_lazy("its campaign was used as often as it may be"),
    Reason.CAMPAIGN_BUDGET: gettext_lazy("its campaign's money is used up"),
    Reason.CAMPAIGN_PERIOD_LIMIT: gettext_lazy("its campaign was used as often as it may be in the period"),
    Reason.CAMPAIGN_PERIOD_BUDGET: gettext_lazy("its campaign's money for the period is used up"),
    Reason.NOT_COMBINABLE: gettext_lazy("not together with another code"),
    Reason.NOTHING_LEFT: gettext_lazy("nothing is left to take off"),
}
_MONEY: Final = frozenset({
    Reason.MINIMUM_SPEND, Reason.OFFER_BUDGET, Reason.CAMPAIGN_BUDGET, Reason.OFFER_PERIOD_BUDGET,
    Reason.CAMPAIGN_PERIOD_BUDGET,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodeOutcome:
    """One code of a cart: what it takes off in words, or every reason why not."""

    code: str
    offer: str
    is_applied: bool
    discount: str
    why: str


def outcomes(evaluation: Evaluation, currency: str) -> list[CodeOutcome]:
    """Return what each code would do, in the order in which they were typed."""
    return [_outcome(verdict, currency) for verdict in evaluation.verdicts]


def _outcome(verdict: Verdict, currency: str) -> CodeOutcome:
    is_applied = verdict.is_valid and verdict.applied is not None
    total = verdict.applied.total_minor if verdict.applied else 0
    why = "; ".join(_reason(each, currency) for each in verdict.rejections)
    if verdict.is_outdone:
        why = _("another code of its group takes more off")
    return CodeOutcome(
        code=verdict.code,
        offer=verdict.candidate.definition.name if verdict.candidate else "",
        is_applied=is_applied,
        discount=formats.money(-total, currency) if is_applied else "",
        why=why,
    )


def _reason(rejection: Rejection, currency: str) -> str:
    text = str(WORDS[rejection.reason])
    if rejection.missing is not None:
        amount = formats.money(rejection.missing, currency) if rejection.reason in _MONEY else None
        return _("%(reason)s: %(amount)s missing") % {
            "reason": text, "amount": amount or formats.number(rejection.missing)
        }  # fmt: skip
    if rejection.at is not None:
        return _("%(reason)s: %(moment)s") % {"reason": text, "moment": formats.moment(rejection.at)}
    return text
