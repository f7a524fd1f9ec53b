"""Read new feedback with the tenant's sentiment model, or with the shipped one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from crm.models import Feedback
from crm.services import feedback
from recommendations.models import ModelKind, ModelVersion
from recommendations.queries import model_versions
from recommendations.services import shipped_sentiment
from recommendations.services.model_versions import load_artefact
from tenants.scope import active_tenant

if TYPE_CHECKING:
    from recommendations.ml.sentiment import TextSentiment


def read(*, feedback_ids: Sequence[int], at: datetime) -> int:
    """Judge what is still unread among these and return how many; a second call finds nothing to do."""
    rows = list(Feedback.objects.filter(pk__in=feedback_ids, read_at__isnull=True).exclude(text=""))
    return _judge(rows, at)


def read_all_again(*, after_id: int, limit: int, at: datetime) -> tuple[int, int]:
    """Judge the next ``limit`` texts after ``after_id``; return how many (0 at the end) and the last id."""
    rows = list(Feedback.objects.filter(pk__gt=after_id).exclude(text="").order_by("pk")[:limit])
    return _judge(rows, at), rows[-1].pk if rows else after_id


def _judge(rows: Sequence[Feedback], at: datetime) -> int:
    if not rows:
        return 0
    from recommendations.ml.feedback_reader import FeedbackReader  # noqa: PLC0415 - imports scikit-learn

    version = model_versions.active(ModelKind.SENTIMENT)
    models = _adapted(version) if version else shipped_sentiment.load()
    reader = FeedbackReader(models, expected_language=active_tenant().locale.split("-")[0])
    readings = {
        row.pk: feedback.Reading(judged.language, judged.score, judged.start, judged.end)
        for row, judged in zip(rows, reader.judge([row.text for row in rows]), strict=True)
    }
    origin = version.label if version else shipped_sentiment.ORIGIN
    return feedback.write_readings(readings=readings, model_version=origin, at=at)


def _adapted(version: ModelVersion) -> dict[str, TextSentiment]:
    """Return a version's models; the last ones stay in memory, by the hash of their file."""
    found = _recent.get(version.artefact_sha256)
    if found is None:
        from recommendations.ml.sentiment_training import unpacked  # noqa: PLC0415 - imports scikit-learn

        found = unpacked(load_artefact(version))
        _recent[version.artefact_sha256] = found
        while len(_recent) > _MOST_RECENT:
            _recent.pop(next(iter(_recent)))
    return found


_recent: dict[str, dict[str, TextSentiment]] = {}
_MOST_RECENT = 16
