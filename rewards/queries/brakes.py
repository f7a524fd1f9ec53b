"""Emergency brakes that are on."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

from django.db.models import Model, QuerySet, Subquery

from rewards.domain.brakes import NO_BRAKES, Brakes, holding
from rewards.models import ProgramRevision, RevisionState

# As the models that are read with brakes call them.
_PULLED: Final = "pulled"
_Row = TypeVar("_Row", bound=Model)


def read_with(rows: QuerySet[_Row]) -> QuerySet[_Row]:
    """Let the statement that reads rows bring along the brakes on the program in force, as ``pulled``."""
    in_force = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED)
    found: QuerySet[_Row] = rows.annotate(**{_PULLED: Subquery(in_force.values("brakes")[:1])})
    return found


def on(at: datetime) -> Brakes:
    """Return the brakes on the program in force; one that belongs to an earlier revision is off."""
    rows = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).values_list("brakes", flat=True)
    documents = rows.first()
    return holding(documents, at) if documents else NO_BRAKES
