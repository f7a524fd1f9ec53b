"""Emergency brakes that are on."""

from __future__ import annotations

from datetime import datetime

from rewards.domain.brakes import NO_BRAKES, Brakes, holding
from rewards.models import ProgramRevision, RevisionState


def on(at: datetime) -> Brakes:
    """Return the brakes on the program in force; one that belongs to an earlier revision is off."""
    rows = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).values_list("brakes", flat=True)
    documents = rows.first()
    return holding(documents, at) if documents else NO_BRAKES
