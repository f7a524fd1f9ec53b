from __future__ import annotations

from datetime import date, datetime
from typing import Any

from recommendations.models import ModelKind, ModelVersion, VersionState


def stored_version(
    *,
    at: datetime,
    kind: str = ModelKind.RECOMMENDER,
    number: int = 1,
    state: str = VersionState.ACTIVE,
    **fields: Any,
) -> ModelVersion:
    return ModelVersion.objects.create(
        kind=kind,
        number=number,
        state=state,
        **{
            "method": "ease",
            "cut_off_on": date(2026, 3, 1),
            "rows": 1000,
            "customers": 100,
            "parameters": {"popular": []},
            "metrics": {"ndcg_at_10": 0.2},
            "baselines": {"ndcg_at_10": 0.1},
            "gate_reason": "first",
            "gate_report": "accepted: first",
            "duration_seconds": 1.5,
            "trained_by": "owner@example.com",
            "trained_at": at,
            "activated_at": at if state == VersionState.ACTIVE else None,
            **fields,
        },
    )
