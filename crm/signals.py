"""What this app tells the apps above while the transaction of the change is still open.

A receiver that fails rolls the change back: what it keeps (points, coupons, scores) moves together with the
customer or not at all. What may happen after the commit goes by outbox topics instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One line of a merge's preview, as text for staff: each side now, and the survivor afterwards."""

    label: str
    survivor: str
    absorbed: str
    merged: str


# merge: CustomerMerge (its row is the journal's head), survivor_id: int, absorbed_id: int, by: Actor,
# at: datetime. Both customers are locked, in id order. Receivers move what is theirs.
customers_merged = Signal()

# The same arguments. Receivers put back what they moved for this merge; what has come since stays.
customers_unmerged = Signal()

# survivor_id: int, absorbed_id: int, at: datetime. Nothing is locked and nothing may be written.
# Receivers return list[PreviewRow].
merge_previewed = Signal()

# customer_id: int. Receivers return {section name: JSON-able rows}; nothing may be written.
customer_exported = Signal()

# customer_id: int, by: Actor, at: datetime. Receivers remove personal data and free text of theirs and keep
# what bookkeeping needs, by number alone. Sent again when erasures are replayed: it must be idempotent.
customer_erased = Signal()
