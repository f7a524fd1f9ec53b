"""Whether a revision was rehearsed as it is now, and what an approval does about it when it was not."""

from __future__ import annotations

from typing import Any, NamedTuple

from rewards.domain.revisions import Rehearsed, digest_of
from rewards.models import Program, ProgramRevision, Rehearsal, RehearsalPolicy
from tenants.errors import Conflict


class RehearsalNeeded(Conflict):
    """The tenant wants a rehearsal of this very document before an approval; carries ``rehearsed``."""

    code = "rehearsal_needed"
    title = "Rehearse the revision as it is now first"


class RehearsalNotAcknowledged(Conflict):
    """Approving without a rehearsal has to be said; carries ``rehearsed``."""

    code = "rehearsal_not_acknowledged"
    title = "Say that you approve without a rehearsal of this document"


class Check(NamedTuple):
    """The state, the rehearsal it speaks of (that of this document, else the newest), and the policy."""

    rehearsed: Rehearsed
    rehearsal: Rehearsal | None
    policy: RehearsalPolicy

    @property
    def needs_rehearsal(self) -> bool:
        """Whether the policy allows no approval without a rehearsal."""
        return self.policy is RehearsalPolicy.REQUIRED

    @property
    def is_refused(self) -> bool:
        """Whether the document cannot be approved as it was rehearsed."""
        return self.rehearsed is not Rehearsed.CURRENT and self.policy is RehearsalPolicy.REQUIRED

    @property
    def asks(self) -> bool:
        """Whether somebody has to say that it is meant."""
        return self.rehearsed is not Rehearsed.CURRENT and self.policy is RehearsalPolicy.ACKNOWLEDGE


def policy() -> RehearsalPolicy:
    """Return what the tenant wants of approvals without a rehearsal."""
    found = Program.objects.values_list("rehearsal_policy", flat=True).first()
    return RehearsalPolicy(found) if found else RehearsalPolicy.REQUIRED


def check(row: ProgramRevision) -> Check:
    """Compare the revision's document with what its rehearsals played."""
    rehearsals = Rehearsal.objects.filter(revision=row).order_by("-rehearsed_at")
    wanted = RehearsalPolicy(row.program.rehearsal_policy)
    same = rehearsals.filter(digest=digest_of(row.document)).first()
    if same is not None:
        return Check(Rehearsed.CURRENT, same, wanted)
    newest = rehearsals.first()
    return Check(Rehearsed.OLDER if newest else Rehearsed.NEVER, newest, wanted)


def require(row: ProgramRevision, *, acknowledges: bool) -> dict[str, Any]:
    """Return what the audit log says of the rehearsal behind an approval.

    Raises ``RehearsalNeeded`` and ``RehearsalNotAcknowledged``.
    """
    found = check(row)
    if found.is_refused:
        raise RehearsalNeeded(rehearsed=found.rehearsed.value)
    if found.asks and not acknowledges:
        raise RehearsalNotAcknowledged(rehearsed=found.rehearsed.value)
    said: dict[str, Any] = {
        "rehearsed": [None, found.rehearsed.value],
        "digest": [None, digest_of(row.document)],
    }
    if found.rehearsal is not None and found.rehearsed is Rehearsed.CURRENT:
        said["rehearsal"] = [None, {
            "days": found.rehearsal.days, "until": found.rehearsal.until.isoformat(),
            "points": found.rehearsal.result["points"]["given"],
        }]  # fmt: skip
    return said


def of_approval(row: ProgramRevision) -> Rehearsal | None:
    """Return the rehearsal that an approval of the revision rested on, if there was one."""
    if not row.reviewed_digest or row.reviewed_at is None:
        return None
    rows = Rehearsal.objects.filter(
        revision=row, digest=row.reviewed_digest, rehearsed_at__lte=row.reviewed_at
    )
    return rows.order_by("-rehearsed_at").first()
