"""The sentiment model of one tenant: the shipped one, bent to what staff corrected."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from crm.queries import feedback as feedback_queries
from recommendations.models import ModelVersion
from recommendations.services import feedback_reading, shipped_sentiment
from recommendations.services.model_versions import stored_contents
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant

if TYPE_CHECKING:
    from recommendations.ml.sentiment_training import Corpus

_BATCH = 1_000
Labelled = list[tuple[str, str, bool]]


def read(tenant: Tenant) -> Labelled:
    """Read every corrected text: (language, text, is positive)."""
    return feedback_queries.labelled()


def fit(tenant: Tenant, data: Labelled, current: ModelVersion | None) -> Fitted:
    """Bend the shipped models. Raises NotEnoughData below 30 corrections of each kind in one language."""
    from recommendations.ml.sentiment_training import adapt  # noqa: PLC0415 - imports scikit-learn

    trained = adapt(shipped_sentiment.load(), _corpora(data), stored_contents(current))
    return Fitted(trained, timezone.now().astimezone(tenant.zone).date(), publish)


def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
    """Read all feedback again with the new version."""
    total, last = 0, 0
    while True:
        judged, last = feedback_reading.read_all_again(after_id=last, limit=_BATCH, at=at)
        if not judged:
            return {"feedback": total}
        total += judged


def _corpora(data: Labelled) -> dict[str, Corpus]:
    import numpy as np  # noqa: PLC0415 - slow to import

    from recommendations.ml.sentiment_training import Corpus  # noqa: PLC0415 - imports scikit-learn

    by_language: dict[str, Labelled] = defaultdict(list)
    for row in data:
        by_language[row[0]].append(row)
    return {
        language: Corpus(
            language,
            [text for _, text, _ in rows],
            np.array([positive for _, _, positive in rows], dtype=bool),
        )
        for language, rows in by_language.items()
    }
