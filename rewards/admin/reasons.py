"""What each rule did in a decision, and why not, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import condition_words, words
from rewards.services.evaluations import TOO_OLD
from rewards.services.owed_gifts import GIVEN, NOT_DUE
from tenants.admin import formats

_CAPS: Final[dict[str, str | Promise]] = {
    "per_order": gettext_lazy("cap per order"),
    "per_event": gettext_lazy("cap per order or event"),
    "per_day": gettext_lazy("cap per day"),
    "per_week": gettext_lazy("cap per week"),
    "per_month": gettext_lazy("cap per month"),
    "per_program": gettext_lazy("cap per member"),
    "times_per_day": gettext_lazy("times per day"),
    "times_per_week": gettext_lazy("times per week"),
    "times_per_month": gettext_lazy("times per month"),
    "times_per_program": gettext_lazy("times per member"),
    "member_per_event": gettext_lazy("cap on all rules per order or event"),
    "member_per_day": gettext_lazy("cap on all rules per day"),
    "member_per_week": gettext_lazy("cap on all rules per week"),
    "member_per_month": gettext_lazy("cap on all rules per month"),
    "member_per_program": gettext_lazy("cap on all rules per member"),
    "budget": gettext_lazy("budget used up"),
    "largest": gettext_lazy("more than a rule gives at once"),
}
_WITHHELD: Final[dict[str, str | Promise]] = {
    "coupon_paused": gettext_lazy("the coupon is paused by an emergency brake"),
    "reward_paused": gettext_lazy("the reward is paused by an emergency brake"),
    "no_codes": gettext_lazy("there was no free code"),
    "not_found": gettext_lazy("it is not offered any more"),
    "out_of_stock": gettext_lazy("out of stock"),
    "reward_limit": gettext_lazy("the customer has taken it as often as one may"),
    "reward_unavailable": gettext_lazy("it is not offered to the customer"),
    "customer_not_active": gettext_lazy("the customer is not active"),
    "account_frozen": gettext_lazy("the points account is frozen"),
    NOT_DUE: gettext_lazy("it is not due any more"),
    GIVEN: gettext_lazy("given"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's part in a decision: what it gave, points and other ``effects``, or why not."""

    rule: str
    is_matched: bool
    points: int
    why: str
    effects: list[str]


def outcomes(record: dict[str, Any], names: dict[str, str], currency: str) -> list[Outcome]:
    """Return what each rule of a decision did; ``names`` maps rule keys to what staff call them.

    What another currency did to the order comes first.
    """
    exchanged = _exchanged(record.get("exchange", {}), currency)
    return [
        *([Outcome(_("Another currency"), False, 0, exchanged, [])] if exchanged else []),
        *_outcomes(record, names, currency),
    ]


def _exchanged(exchange: Mapping[str, str], own: str) -> str:
    if exchange.get("reason"):
        text = _("there is no exchange rate for %(currency)s, so the order's money counts as nothing")
        return text % exchange
    if exchange:
        return _("one %(currency)s counted as %(rate)s %(own)s") % {**exchange, "own": own}
    return ""


def _outcomes(record: dict[str, Any], names: dict[str, str], currency: str) -> list[Outcome]:
    return [
        Outcome(
            names.get(rule["rule"], rule["rule"]),
            rule["matched"],
            rule["points"],
            "; ".join(_whys(rule, names, currency)),
            _given(rule),
        )
        for rule in record.get("rules", [])
    ]


def _whys(rule: dict[str, Any], names: dict[str, str], currency: str) -> list[str]:
    reason = _reason(rule, names, currency)
    return [*([reason] if reason else []), *(withheld_gift(each) for each in rule.get("withheld", ()))]


def withheld_words(reason: str) -> str:
    """Say why something was not given, or that it was."""
    return str(_WITHHELD.get(reason, reason))


def _given(rule: dict[str, Any]) -> list[str]:
    withheld = {each["effect"] for each in rule.get("withheld", ())}
    return [_effect(each) for each in rule.get("effects", ()) if each not in withheld]


def withheld_gift(each: Mapping[str, Any]) -> str:
    """Say what was not given, and why; written as the record of a decision has it."""
    values = {"gift": _effect(each["effect"]), "reason": withheld_words(each["reason"])}
    if each.get("owed"):
        return _("%(gift)s is kept back: %(reason)s. It follows once that ends.") % values
    return _("%(gift)s could not be given: %(reason)s") % values


def _effect(recorded: str) -> str:
    kind, _colon, key = recorded.partition(":")
    return f"{words.GRANT_LABELS.get(kind, kind)}: {key}"


def refusal(record: dict[str, Any]) -> str:
    """Return why no rule was asked at all; empty when they were."""
    if record.get("refused") == TOO_OLD:
        return _("It came later than the program counts late events; no rule was asked.")
    return ""


def _reason(rule: dict[str, Any], names: dict[str, str], currency: str) -> str:
    if rule.get("paused"):
        return _("paused by an emergency brake")
    if skipped_by := rule.get("skipped_by"):
        return _("left out, because “%(rule)s” ends the list") % {"rule": names.get(skipped_by, skipped_by)}
    if excluded_by := rule.get("excluded_by"):
        return _("left out, because “%(rule)s” of its group paid") % {
            "rule": names.get(excluded_by, excluded_by)
        }
    if cap := rule.get("cap"):
        values = {
            "cap": _CAPS.get(cap["kind"], cap["kind"]),
            "asked": formats.number(cap["asked"]),
            "given": formats.number(cap["given"]),
        }
        return _("%(cap)s: %(given)s instead of %(asked)s") % values
    texts = [_failure(failure, currency) for failure in rule.get("failed", [])]
    if secret := rule.get("hidden", {}).get("sensitive"):
        fields = ", ".join(condition_words.field_label(field) for field in secret)
        texts.append(_("sensitive and not read: %(fields)s") % {"fields": fields})
    return "; ".join(texts)


def _failure(failure: dict[str, Any], currency: str) -> str:
    if branches := failure.get("any"):
        texts = [" + ".join(_failure(each, currency) for each in branch) for branch in branches]
        return _(" or ").join(texts)
    field = failure["field"]
    if failure.get("negated"):
        held = condition_words.condition(field, failure["op"], failure["expected"], currency)
        return _("must not be: %(condition)s") % {"condition": held}
    wanted = condition_words.condition(field, failure["op"], failure["expected"], currency)
    values = {"condition": wanted, "actual": condition_words.operand(field, failure["actual"], currency)}
    return _("needs %(condition)s, was %(actual)s") % values
