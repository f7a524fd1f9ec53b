"""Personal fields of this app, classified like those of ``crm.domain.personal_data``.

The books stay by number (DOMAIN section 2, rule 6): points, tiers and codes say nothing about a person once
nobody can tell whose number it is. Reasons are typed by staff; receivers of ``customer_erased`` empty them,
save where the row is append-only: reasons of adjustments and tier changes belong to the books.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.domain.personal_data import Erasure, Sensitivity, Treatment

_BOOKS = Treatment(Sensitivity.BEHAVIOUR, "bookkeeping", "for ever", Erasure.KEPT_BY_NUMBER)
_REASON = Treatment(Sensitivity.FREE_TEXT, "accountability of staff", "until erasure", Erasure.EMPTIED)
_STAFF = Treatment(Sensitivity.NONE, "accountability of staff", "for ever", Erasure.KEPT_BY_NUMBER)

FIELDS: Mapping[str, Mapping[str, Treatment]] = {
    "rewards_abusereview": {
        **dict.fromkeys(("subject", "details"), _BOOKS),
        "reason": _REASON,
        "decided_by": _STAFF,
    },
    "rewards_referral": {"findings": _BOOKS, "reason": _REASON},
    "rewards_referralcode": {"code": _BOOKS},
    "rewards_adjustmentrequest": {
        "key": _BOOKS,
        **dict.fromkeys(("reason", "decision_note"), _REASON),
        **dict.fromkeys(("requested_by", "requested_ref", "decided_by", "decided_ref"), _STAFF),
    },
    "rewards_challengecontribution": dict.fromkeys(
        ("challenge_key", "part", "source_id", "source_type", "value"), _BOOKS
    ),
    "rewards_challengeparticipation": {"challenge_key": _BOOKS},
    "rewards_challengeprogress": dict.fromkeys(
        ("challenge_key", "grants", "period", "value_by_task"), _BOOKS
    ),
    "rewards_couponcode": {
        **dict.fromkeys(("code", "former_owners", "source_id", "source_type"), _BOOKS),
        "void_reason": _REASON,
    },
    "rewards_couponredemption": {
        **dict.fromkeys(("lines", "order_reference", "source_id", "source_type"), _BOOKS),
        "reason": _REASON,
    },
    "rewards_decisionrecord": {"record": _BOOKS},
    "rewards_owedgift": dict.fromkeys(("key", "giver", "source", "reason", "outcome"), _BOOKS),
    "rewards_postingactor": {"actor_ref": _STAFF},
    "rewards_redemption": {
        **dict.fromkeys(("granted_by", "gift_source"), _BOOKS),
        **dict.fromkeys(("cancel_reason", "tracking"), _REASON),
    },
    "rewards_tierchange": {
        **dict.fromkeys(("from_key", "to_key", "reason"), _BOOKS),
        "actor_label": _STAFF,
    },
    "rewards_tiermembership": {
        **dict.fromkeys(("tier_key", "values"), _BOOKS),
        "lock_reason": _REASON,
        "locked_by": _STAFF,
    },
}
