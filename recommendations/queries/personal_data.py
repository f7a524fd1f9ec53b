"""Personal fields of this app, classified like those of ``crm.domain.personal_data``."""

from __future__ import annotations

from collections.abc import Mapping

from crm.domain.personal_data import Erasure, Sensitivity, Treatment

_PROFILE = Treatment(
    Sensitivity.BEHAVIOUR, "personal lists", "until erasure or the next training", Erasure.ROW_DELETED
)
FIELDS: Mapping[str, Mapping[str, Treatment]] = {
    "recommendations_recommendationlist": {"reasons": _PROFILE},
}
