"""Every personal field of this app: what it is, why it is kept, how long, and what an erasure does to it.

``tests/architecture/test_personal_data.py`` reads all models and fails on a text, JSON or date field of a
personal table that is not declared here, or in the app above that owns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Sensitivity(StrEnum):
    """How close a value is to a person."""

    DIRECT = "direct"  # names or reaches somebody
    PERSONAL = "personal"  # describes somebody who is named elsewhere
    BEHAVIOUR = "behaviour"  # what somebody did, by number
    FREE_TEXT = "free_text"  # whatever somebody typed or a client sent
    NONE = "none"  # says nothing about the customer


class Erasure(StrEnum):
    """What an erasure does to the value."""

    ROW_DELETED = "row_deleted"
    EMPTIED = "emptied"
    REDUCED = "reduced"  # to what is listed as harmless
    KEPT_BY_NUMBER = "kept_by_number"


@dataclass(frozen=True, slots=True)
class Treatment:
    """``purpose`` and ``retention`` in words; retention names a class of the retention rules or an event."""

    sensitivity: Sensitivity
    purpose: str
    retention: str
    erasure: Erasure


_UNTIL_ERASURE = "until erasure or inactive_customers"
_CONTACT = Treatment(Sensitivity.DIRECT, "identify and reach", _UNTIL_ERASURE, Erasure.ROW_DELETED)
_DESCRIPTION = Treatment(Sensitivity.PERSONAL, "serve and segment", _UNTIL_ERASURE, Erasure.ROW_DELETED)
_PROFILE = Treatment(Sensitivity.BEHAVIOUR, "profiling", _UNTIL_ERASURE, Erasure.ROW_DELETED)
_BOOKS = Treatment(Sensitivity.BEHAVIOUR, "bookkeeping", "for ever", Erasure.KEPT_BY_NUMBER)
_STAFF = Treatment(Sensitivity.NONE, "accountability of staff", "for ever", Erasure.KEPT_BY_NUMBER)
_PROOF = Treatment(Sensitivity.BEHAVIOUR, "proof of consent", "for ever", Erasure.KEPT_BY_NUMBER)

FIELDS: Mapping[str, Mapping[str, Treatment]] = {
    "crm_person": {
        **dict.fromkeys(
            ("email", "phone", "given_name", "family_name", "email_lower", "given_name_lower",
             "family_name_lower"), _CONTACT),
        **dict.fromkeys(("birth_on", "postcode", "city", "country", "locale"), _DESCRIPTION),
    },
    "crm_identity": {"value": _CONTACT, "given": _CONTACT},
    "crm_matchkey": {"key": _CONTACT},
    "crm_customer": {
        "external_id": Treatment(Sensitivity.DIRECT, "identify", _UNTIL_ERASURE, Erasure.EMPTIED),
        "attributes": Treatment(Sensitivity.PERSONAL, "serve and segment", _UNTIL_ERASURE, Erasure.REDUCED),
    },
    "crm_event": {
        "message_id": _BOOKS,
        "name": Treatment(Sensitivity.BEHAVIOUR, "profiling", "events", Erasure.KEPT_BY_NUMBER),
        "properties": Treatment(Sensitivity.FREE_TEXT, "profiling", "events", Erasure.REDUCED),
    },
    "crm_eventreject": dict.fromkeys(
        ("message_id", "name", "identity", "source", "reason", "detail", "payload"),
        Treatment(Sensitivity.FREE_TEXT, "repair", "event_rejects", Erasure.ROW_DELETED),
    ),
    "crm_propertyschema": {
        **dict.fromkeys(("key", "types"), _STAFF),
        "examples": Treatment(Sensitivity.PERSONAL, "repair", _UNTIL_ERASURE, Erasure.EMPTIED),
    },
    "crm_quarantinedrow": dict.fromkeys(
        ("reason", "raw", "column"),
        Treatment(Sensitivity.FREE_TEXT, "repair", "import_rows", Erasure.ROW_DELETED),
    ),
    "crm_stagedrow": dict.fromkeys(
        ("key", "match_kind", "fields", "reason", "column"),
        Treatment(Sensitivity.FREE_TEXT, "import", "end of the import", Erasure.ROW_DELETED),
    ),
    "crm_importchange": {
        "subject": _STAFF,
        **dict.fromkeys(
            ("before", "after"), Treatment(Sensitivity.PERSONAL, "undo imports", "import", Erasure.EMPTIED)
        ),
    },
    "crm_feedback": {
        "text": Treatment(Sensitivity.FREE_TEXT, "listen", _UNTIL_ERASURE, Erasure.EMPTIED),
        **dict.fromkeys(("source", "source_id", "language", "model_version"), _BOOKS),
        "corrected_by": _STAFF,
    },
    "crm_recoverycase": {
        "note": Treatment(Sensitivity.FREE_TEXT, "win back", _UNTIL_ERASURE, Erasure.EMPTIED),
        "taken_by": _STAFF,
    },
    "crm_order": dict.fromkeys(("external_id", "currency", "channel"), _BOOKS),
    "crm_return": {"external_id": _BOOKS},
    "crm_computedtrait": dict.fromkeys(("name", "text", "model_version"), _PROFILE),
    "crm_customerprofile": dict.fromkeys(
        ("favourite_category", "category_shares", "favourite_channel", "first_touch", "last_touch"), _PROFILE
    ),
    "crm_segmentmember": {"reason": _PROFILE},
    "crm_consentchange": {
        **dict.fromkeys(("source", "wording"), _PROOF),
        "recorded_by": Treatment(Sensitivity.NONE, "proof of consent", "for ever", Erasure.EMPTIED),
        "address": Treatment(Sensitivity.DIRECT, "proof of consent", _UNTIL_ERASURE, Erasure.EMPTIED),
    },
    "crm_customermerge": {
        **dict.fromkeys(
            ("reason", "choices", "before", "after"),
            Treatment(Sensitivity.DIRECT, "undo merges", "merge_journals", Erasure.EMPTIED),
        ),
        **dict.fromkeys(("moved", "merged_by", "undone_by"), _STAFF),
    },
    "crm_mergedrow": dict.fromkeys(
        ("table", "row_key", "taken"),
        Treatment(Sensitivity.PERSONAL, "undo merges", "merge_journals", Erasure.ROW_DELETED),
    ),
    "crm_duplicatecandidate": {
        "reasons": _PROFILE,
        "decided_by": Treatment(Sensitivity.NONE, "accountability", _UNTIL_ERASURE, Erasure.ROW_DELETED),
    },
    "crm_privacyrequest": dict.fromkeys(("requested_by", "report"), _STAFF),
    "crm_privacyarchive": {
        "sha256": Treatment(Sensitivity.DIRECT, "right of access", "archives", Erasure.ROW_DELETED),
    },
    "tenants_auditentry": {
        **dict.fromkeys(
            ("target_label", "diff"),
            Treatment(Sensitivity.DIRECT, "accountability of staff", "for ever", Erasure.EMPTIED),
        ),
        **dict.fromkeys(
            ("actor_kind", "actor_label", "action", "target_type", "target_id", "address", "request_id"),
            _STAFF,
        ),
    },
    "tenants_outboxmessage": {
        "topic": _STAFF,
        "last_error": Treatment(Sensitivity.FREE_TEXT, "repair", "messages", Erasure.ROW_DELETED),
        "payload": Treatment(Sensitivity.DIRECT, "act on changes", "messages", Erasure.ROW_DELETED),
    },
    "tenants_idempotencyrecord": dict.fromkeys(
        ("key", "endpoint", "fingerprint", "body"),
        Treatment(Sensitivity.FREE_TEXT, "answer retries", "api_answers", Erasure.ROW_DELETED),
    ),
}  # fmt: skip
# Tables without a reference to a customer that may hold personal data all the same.
PERSONAL_BY_CONTENT = frozenset(
    {
        "crm_eventreject",
        "crm_importchange",
        "crm_mergedrow",
        "crm_privacyarchive",
        "crm_propertyschema",
        "crm_quarantinedrow",
        "crm_recoverycase",
        "crm_stagedrow",
        "tenants_auditentry",
        "tenants_idempotencyrecord",
        "tenants_outboxmessage",
    }
)
# What an event may keep of an erased person: which thing, how many, how much. Everything else goes.
HARMLESS_PROPERTIES = frozenset(
    {
        "item", "item_id", "item_external_id", "product_id", "sku", "category", "brand", "price",
        "price_minor", "quantity", "currency", "order_id", "total", "total_minor", "value", "revenue",
        "channel", "rating", "duration_seconds",
    }
)  # fmt: skip
