"""Refusals in the reader's language. The domain speaks English with stable codes; staff read these."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.errors import DomainError

_TEXT_BY_CODE: Final[dict[str, str | Promise]] = {
    "slug_taken": _("Another tenant has this address already. Choose another one."),
    "slug_reserved": _("This address is kept for the platform. Choose another one."),
    "unknown_currency": _("There is no such currency."),
    "zone_unknown": _("The database does not know this time zone. Choose another one of the region."),
    "account_exists": _("This e-mail address has an account already. Sign in with it."),
    "wrong_password": _("This is not the password that was chosen when signing up."),
    "link_not_valid": _("The link is not valid any more. Sign up again to get another one."),
    "too_many_sign_ups": _("Too many attempts. Try again in an hour."),
    "mail_unavailable": _("The e-mail could not be sent. Try again later."),
    "last_owner": _("A tenant needs at least one owner. Make somebody else an owner first."),
    "insufficient_points": _("The customer does not have enough points."),
    "account_frozen": _("The points account is frozen, because its ledger did not add up."),
    "source_reused": _("This form was already sent with other points. Open it again."),
    "revision_not_draft": _("Only a draft can be changed or published."),
    "governed_by_program": _("The program governs this. Change it in a draft of the program."),
    "no_program": _("Write a program first."),
    "review_needed": _("Somebody else has to approve the revision first."),
    "rehearsal_needed": _("This document was not rehearsed. Rehearse it before it is approved."),
    "rehearsal_not_acknowledged": _("Say that you approve it without a rehearsal of this document."),
    "approval_stale": _(
        "Another revision was published since. Give this one back, bring it up to date and send it to review "
        "again."
    ),
    "draft_behind": _("Another revision was published since; bring the draft up to date first."),
    "draft_clashes": _("The draft and what is in force changed the same things. Choose for each."),
    "coupon_paused": _("The coupon is paused by an emergency brake."),
    "reward_paused": _("The reward is paused by an emergency brake."),
    "revision_state": _("The revision's state does not allow this."),
    "never_matches": _("Two conditions exclude each other, so a rule never pays."),
    "negative_margin": _("A rule gives all the money back."),
    "loop": _("Rules without caps cause themselves or each other."),
    "missing_reference": _("This names something that is not there."),
    "not_a_member": _("You do not edit a program there."),
    "reward_unavailable": _("The reward is not offered."),
    "out_of_stock": _("The reward is out of stock."),
    "scope_not_allowed": _("A key of this kind cannot have all of these permissions."),
    "unknown_wallet": _("There is no such wallet."),
    "required": _("This is needed."),
    "too_small": _("This is too small."),
    "out_of_range": _("This is too large or too small."),
    "duplicate": _("This is there twice."),
    "unknown_tier": _("There is no tier with this key."),
    "not_comparable": _("A text is compared with “is”, “is not”, “one of” or “none of”."),
    "code_taken": _("Another coupon has this code already."),
    "code_used": _("The reward's coupon was used already, so it cannot be taken back."),
    "reward_limit": _("The customer has taken this reward as often as allowed."),
    "redemption_state": _("Somebody was faster: the redemption is in another state now."),
    "review_decided": _("Somebody was faster: this was decided already."),
    "coupon_state": _("The code's state does not allow this."),
    "no_codes": _("There is no free code left."),
    "pattern_spelling": _("Up to 40 capital letters, digits, dashes and # for a drawn place."),
    "pattern_places": _("A pattern needs places (#) to draw: 2 to 25."),
    "pattern_too_short": _("So many codes could be guessed. Use a pattern with more places (#)."),
    "before_start": _("The end is after the start."),
    "unknown_items": _("At least one of these items does not exist."),
    "sensitive_value": _("Sensitive values decide nothing. Choose another attribute or property."),
    "unknown_coupon": _("There is no such coupon."),
    "other_campaign": _("At least one of these belongs to another campaign."),
    "campaign_key_taken": _("This key is taken."),
    "wrong_coupon_kind": _("A gift card hands out stored value, and only a gift card does."),
    "not_found": _("It does not exist any more."),
}


def text_of(code: str, detail: str) -> str:
    """Return the translated text of a code, else the domain's own words."""
    return str(_TEXT_BY_CODE.get(code, detail))


def message_of(error: DomainError) -> str:
    return text_of(error.code, error.detail)
