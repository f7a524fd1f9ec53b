"""The events the product knows by name: what they carry, where they are usual, other names for them.

A tenant may send any other name as well; these are the ones that update customers or are offered in forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IDENTIFIED: Final = "identified"
GROUP_JOINED: Final = "group_joined"
ALIASED: Final = "aliased"
PAGE_VIEWED: Final = "page_viewed"
SCREEN_VIEWED: Final = "screen_viewed"
ORDER_COMPLETED: Final = "order_completed"
ORDER_RETURNED: Final = "order_returned"
FEEDBACK_SUBMITTED: Final = "feedback_submitted"
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """One name. ``verticals`` is empty for what every tenant may have."""

    name: str
    properties: tuple[str, ...] = ()
    verticals: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


_SHOP: Final = ("ecommerce",)
CATALOGUE: Final[tuple[KnownEvent, ...]] = (
    KnownEvent(IDENTIFIED, ("email", "phone", "first_name", "last_name"), aliases=("$identify", "$set")),
    KnownEvent(GROUP_JOINED, ("group_id",), aliases=("$groupidentify",)),
    KnownEvent(ALIASED, (), aliases=("$create_alias",)),
    KnownEvent(PAGE_VIEWED, ("url", "path", "title", "referrer"), aliases=("$pageview", "Page Viewed")),
    KnownEvent(SCREEN_VIEWED, ("name",), aliases=("$screen", "Screen Viewed")),
    KnownEvent("session_started", ("channel",), aliases=("Session Started", "Application Opened")),
    KnownEvent(
        FEEDBACK_SUBMITTED, ("kind", "rating", "text", "sku"), aliases=("Feedback Submitted", "survey sent")
    ),
    KnownEvent(ORDER_COMPLETED, ("order_id", "currency", "lines"), _SHOP, ("Order Completed",)),
    KnownEvent(
        ORDER_RETURNED, ("return_id", "order_id", "lines"), _SHOP, ("Order Refunded", "Order Returned")
    ),
    KnownEvent("product_viewed", ("sku", "name", "price"), _SHOP, ("Product Viewed",)),
    KnownEvent("product_list_viewed", ("list_id", "category"), _SHOP, ("Product List Viewed",)),
    KnownEvent("product_clicked", ("sku",), _SHOP, ("Product Clicked",)),
    KnownEvent("products_searched", ("query",), _SHOP, ("Products Searched",)),
    KnownEvent("product_added", ("sku", "quantity", "price"), _SHOP, ("Product Added",)),
    KnownEvent("product_removed", ("sku", "quantity"), _SHOP, ("Product Removed",)),
    KnownEvent("cart_viewed", ("cart_id",), _SHOP, ("Cart Viewed",)),
    KnownEvent("checkout_started", ("order_id", "value", "currency"), _SHOP, ("Checkout Started",)),
    KnownEvent("coupon_applied", ("coupon_id",), _SHOP, ("Coupon Applied",)),
    KnownEvent("review_posted", ("sku", "rating", "text"), _SHOP, ("Product Reviewed",)),
    KnownEvent("post_created", ("post_id", "topic"), ("social",)),
    KnownEvent("comment_created", ("post_id", "comment_id"), ("social",)),
    KnownEvent("follow", ("followed_id",), ("social",)),
    KnownEvent("invite_accepted", ("invite_id", "inviter_id"), ("social",), ("Invite Accepted",)),
    KnownEvent("lesson_completed", ("lesson_id", "course_id", "minutes"), ("education",)),
    KnownEvent("quiz_passed", ("quiz_id", "course_id", "score"), ("education",)),
    KnownEvent("assignment_submitted", ("assignment_id", "course_id"), ("education",)),
    KnownEvent("account_opened", ("product",), ("finance",)),
    KnownEvent("deposit_made", ("amount_minor", "currency"), ("finance",)),
    KnownEvent("bill_paid", ("amount_minor", "currency", "on_time"), ("finance",)),
    KnownEvent("card_spent", ("amount_minor", "currency", "category"), ("finance",)),
    KnownEvent("kyc_completed", ("level",), ("finance",)),
    KnownEvent("appointment_kept", ("appointment_id",), ("healthcare",)),
    KnownEvent("goal_logged", ("goal", "amount"), ("healthcare",)),
    KnownEvent("prescription_refilled", ("refill_id",), ("healthcare",)),
    KnownEvent("survey_answered", ("survey_id",), ("healthcare",)),
    KnownEvent("prompt_sent", ("model", "tokens"), ("ai",)),
    KnownEvent("generation_rated", ("model", "rating"), ("ai",)),
)
KNOWN_BY_NAME: Final = {event.name: event for event in CATALOGUE}
_NAME_BY_ALIAS: Final = {alias.lower(): event.name for event in CATALOGUE for alias in event.aliases}


def canonical_name(name: str) -> str:
    """Return our name for what a client library calls ``name``; any other name stays as it is."""
    trimmed = name.strip()[:LONGEST_NAME]
    return _NAME_BY_ALIAS.get(trimmed.lower(), trimmed)


def usual_in(vertical: str) -> list[KnownEvent]:
    """Return the known events of a vertical and those of all."""
    return [event for event in CATALOGUE if not event.verticals or vertical in event.verticals]
