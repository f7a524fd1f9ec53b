"""The tables that point to a customer, and what a merge does with their rows.

An architecture test compares this list with the models: a new table that is not here fails it. Tables of the
apps above are theirs, with lists like this one; they follow the signals and write into the same journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MergeRule(StrEnum):
    """MOVE re-points rows, REBUILD writes them anew from other rows, STAY leaves them with the absorbed."""

    MOVE = "move"
    REBUILD = "rebuild"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Reference:
    """A table, its key beside the tenant, and what a customer has once at most (``unique``).

    Of two rows that agree in ``unique`` the survivor's stays; the other is taken away into the journal.
    ``key`` has SQL types, for reading it back from there.
    """

    table: str
    rule: MergeRule = MergeRule.MOVE
    key: tuple[tuple[str, str], ...] = (("id", "bigint"),)
    unique: tuple[str, ...] = ()
    column: str = "customer_id"

    @property
    def name(self) -> str:
        """How the journal calls it: a table may point to a customer twice."""
        return self.table if self.column == "customer_id" else f"{self.table}.{self.column}"


_STAY, _REBUILD = MergeRule.STAY, MergeRule.REBUILD
REFERENCES: tuple[Reference, ...] = (
    Reference("crm_identity"),
    Reference("crm_order"),
    Reference("crm_return"),
    Reference("crm_feedback"),
    Reference("crm_event", key=(("message_id", "text"), ("occurred_at", "timestamptz"))),
    Reference("crm_segmentmember", unique=("segment_id",)),
    Reference("crm_computedtrait", unique=("name",)),
    Reference("crm_consentchange", unique=("purpose", "channel", "occurred_at", "is_granted")),
    Reference("crm_segmentdeparture"),
    # The current consents are the newest of the history; totals are the sums of the orders.
    Reference("crm_consent", _REBUILD),
    Reference("crm_ordersummary", _REBUILD),
    # Its own job writes it, for those whom a merge has touched.
    Reference("crm_customerprofile", _REBUILD),
    Reference("crm_customertouch", _STAY),
    Reference("crm_matchkey", _REBUILD),
    Reference("crm_duplicatecandidate", _STAY, column="first_id"),
    Reference("crm_duplicatecandidate", _STAY, column="second_id"),
    # A request is about the record it named.
    Reference("crm_privacyrequest", _STAY),
    # Fields are chosen one by one; both rows are in the journal as they were.
    Reference("crm_person", _REBUILD),
    Reference("crm_customer", _STAY, column="merged_into_id"),
    Reference("crm_customermerge", _STAY, column="survivor_id"),
    Reference("crm_customermerge", _STAY, column="absorbed_id"),
)
MOVED = tuple(each for each in REFERENCES if each.rule is MergeRule.MOVE)
