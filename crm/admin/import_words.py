"""What the wizard says: reasons, outcomes of an undo and numbers of a report, in the reader's language."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.services.imports.kinds import all_kinds, kind_of
from tenants.errors import DomainError

Text = str | Promise

REASONS: Final[dict[str, Text]] = {
    "row_malformed": _("The row has more or fewer cells than there are columns"),
    "cell_too_long": _("A cell is too long, or a quote was never closed"),
    "character_unreadable": _("A character cannot be read in the file's encoding"),
    "value_missing": _("A value that is needed is missing"),
    "value_too_long": _("The text is too long"),
    "id_missing": _("Nothing says whom or what the row is about"),
    "id_too_long": _("The id is too long"),
    "number_invalid": _("This is no number"),
    "amount_invalid": _("This is no amount of money"),
    "quantity_invalid": _("This is no whole number"),
    "time_invalid": _("This is no date and time"),
    "date_invalid": _("This is no date"),
    "boolean_invalid": _("This is neither yes nor no"),
    "email_invalid": _("This is no e-mail address"),
    "phone_invalid": _("This is no telephone number"),
    "price_negative": _("The price is below zero"),
    "price_zero": _("The price is zero"),
    "price_missing": _("The price is missing"),
    "price_absurd": _("The price is far from the item's usual one"),
    "quantity_absurd": _("The quantity is far from the item's usual one"),
    "quantity_missing": _("The quantity is missing"),
    "quantity_zero": _("The quantity is zero"),
    "quantity_negative": _("The quantity is below zero"),
    "discount_negative": _("The discount is below zero"),
    "discount_above_price": _("The discount is above the price"),
    "order_missing": _("The order id is missing"),
    "order_already_loaded": _("The order is here already, with other lines"),
    "order_of_two_customers": _("The order names two customers"),
    "not_an_order": _("The order id is not one of an order"),
    "sku_missing": _("The item id is missing"),
    "time_missing": _("The time is missing"),
    "cancellation_of_nothing": _("A cancellation with a quantity above zero"),
    "cancels_unknown_sale": _("No earlier sale fits the cancellation"),
    "cancels_more_than_sold": _("More is cancelled than was sold"),
    "cancels_without_customer": _("The cancellation names no customer"),
    "return_already_loaded": _("The return is here already, with other lines"),
    "exact_duplicate": _("The same row is in the file twice"),
    "same_key": _("A later row of the file is about the same"),
    "already_loaded": _("It was loaded before"),
    "identity_taken": _("An e-mail, phone or card belongs to another customer and stays there"),
    "customer_unknown": _("There is no such customer"),
    "wallet_unknown": _("There is no such wallet"),
    "points_out_of_range": _("Not a number of points above zero"),
    "source_reused": _("The customer has another opening balance already"),
    "unknown_wallet": _("There is no such wallet"),
    "approval_required": _("So many points need the approval of a second person"),
    "account_frozen": _("The customer's points are frozen"),
    "customer_not_editable": _("The customer is merged or anonymised"),
    "purpose_unknown": _("There is no such purpose of consent"),
    "channel_unknown": _("There is no such channel for this purpose"),
    "feedback_empty": _("There is neither a rating nor a text"),
    "feedback_kind_unknown": _("There is no such kind of feedback"),
    "rating_invalid": _("The rating is missing, or not on the scale of this kind"),
    "feedback_id_missing": _("Without a customer, the row needs an id of its own"),
    "feedback_time_out_of_range": _("The feedback lies before 2000 or in the future"),
    "item_unknown": _("There is no such item"),
    "order_unknown": _("There is no such order"),
    "occurred_at_out_of_range": _("The event lies before 2000 or in the future"),
}
REPORT: Final[dict[str, Text]] = {
    "new": _("New"),
    "changed": _("Changed"),
    "unchanged": _("Unchanged"),
    "merged": _("Merged"),
    "rows": _("Rows"),
    "customers_created": _("Customers created"),
    "customers_changed": _("Customers changed"),
    "identities_taken": _("Addresses of other customers"),
    "items_created": _("Items created"),
    "items_changed": _("Items changed"),
    "orders": _("Orders"),
    "lines": _("Lines"),
    "returns": _("Returns"),
    "anonymous_rows": _("Rows without a customer"),
    "coupons_capped": _("Coupons above the price"),
    "minor": _("Amount in cents"),
    "time_zone": _("Time zone"),
    "currency": _("Currency"),
    "seconds": _("Seconds"),
    "read": _("Reading"),
    "clean": _("Cleaning"),
    "load": _("Loading"),
    "quarantine": _("Setting aside"),
    "summaries": _("Totals"),
    "error": _("Error"),
}
UNDONE: Final[dict[str, Text]] = {
    "removed": _("Customers removed"),
    "in_use": _("Kept, because something depends on them"),
    "restored": _("Put back as they were"),
    "changed_since": _("Left, because they were changed since"),
    "retired": _("Items taken off the offer"),
    "orders": _("Orders removed"),
    "returns": _("Returns removed"),
    "orders_in_use": _("Orders kept, because something depends on them"),
    "events": _("Events removed"),
    "feedback": _("Feedback removed"),
    "feedback_in_use": _("Feedback kept, because somebody has worked on it"),
    "reversed": _("Postings reversed"),
    "spent_already": _("Postings whose points were partly spent"),
}
FAULTS: Final[dict[str, Text]] = {
    "unknown_column": _("The file has no such column."),
    "unknown_field": _("There is no such field."),
    "unknown_zone": _("There is no such time zone."),
    "unknown_currency": _("A currency is three capital letters."),
    "fill_missing": _("Say what to fill in."),
    "field_twice": _("Two columns fill the same field."),
    "column_twice": _("The column is planned twice."),
    "field_missing": _("No column fills a field that every row needs."),
    "one_of_missing": _("At least one of these must be filled by a column."),
    "pattern_invalid": _("The pattern is no regular expression."),
}


def reason_of(code: str) -> str:
    """Return a reason in words; an unknown one speaks for itself."""
    return str(REASONS.get(code, code))


def report_label(key: str) -> str:
    """Return the label of a number in a report; a reason is in words too."""
    return str(REPORT[key]) if key in REPORT else reason_of(key)


def kind_label(key: str) -> str:
    """Return a kind of import in words."""
    try:
        return str(kind_of(key).label)
    except DomainError:
        return key


def is_undoable(key: str) -> bool:
    try:
        return kind_of(key).is_undoable
    except DomainError:
        return False


def kind_choices() -> list[tuple[str, Text]]:
    return [(kind.key, kind.label) for kind in all_kinds()]


def field_labels(keys: str, kind: str) -> str:
    """Return the labels of fields named as ``a, b``."""
    labels = kind_of(kind).fields.field_by_key
    return ", ".join(str(labels[key].label) if key in labels else key for key in keys.split(", "))


def undone_in_words(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(str(UNDONE[name]), count) for name, count in report.items() if name in UNDONE]
