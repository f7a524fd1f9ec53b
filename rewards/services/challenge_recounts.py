"""After a revision has changed challenges: the progress of everybody under way, read again page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.participation import Pair
from rewards.queries import programs
from rewards.services import challenge_counting
from rewards.services.challenge_progress import Batch, Counted
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import active_tenant_id, tenant_scope

JOB: Final = "rewards.recount_challenges"
_PAGE: Final = 1_000
# How a challenge is called and explained changes nobody's progress.
_WORDS: Final = frozenset({"name", "description"})
_UNDER_WAY: Final = """
    SELECT DISTINCT p.customer_id, p.challenge_key
    FROM rewards_challengeprogress p
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = p.customer_id AND c.state = 'active'
    WHERE p.tenant_id = %(tenant)s AND p.challenge_key = ANY(%(keys)s)
      AND p.state IN ('in_progress', 'expired')
      AND (p.challenge_key <> ALL(%(asking)s) OR EXISTS (
        SELECT FROM rewards_challengeparticipation j
        WHERE j.tenant_id = %(tenant)s AND j.customer_id = p.customer_id
          AND j.challenge_key = p.challenge_key AND j.is_opted_in))
      AND (p.customer_id, p.challenge_key) > (%(customer)s, %(key)s)
    ORDER BY p.customer_id, p.challenge_key LIMIT %(limit)s
"""


def changed_keys(former: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """Return the challenges of both documents that count otherwise in the second one."""
    before, after = _terms(former), _terms(document)
    return sorted(key for key in before.keys() & after.keys() if before[key] != after[key])


def _terms(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        written["key"]: {name: value for name, value in written.items() if name not in _WORDS}
        for written in document.get("challenges", ())
    }


def recount(
    *, tenant: Tenant, keys: Collection[str], by: Actor, at: datetime,
    progress: Callable[[int, int, str], None],
) -> Counted:  # fmt: skip
    """Bring periods that are not completed up to date with the revision in force, one scope a page.

    Safe to repeat; what is completed already stays so.
    """
    total, done, last = Counted(), 0, Pair(0, "")
    while True:
        with tenant_scope(tenant):
            published = programs.published()
            offered = published.revision.challenges if published else ()
            pairs = _page([each for each in offered if each.key in keys], last)
            if published is None or not pairs:
                return total
            counted = challenge_counting.recompute(pairs, Batch(published, by, at))
        total.completed, total.given = total.completed + counted.completed, total.given + counted.given
        last, done = pairs[-1], done + len(pairs)
        progress(done, done, "")


def _page(challenges: Sequence[Challenge], last: Pair) -> list[Pair]:
    """Return the next participants who have not completed a period, apart from those who have opted out."""
    with connection.cursor() as cursor:
        cursor.execute(
            _UNDER_WAY,
            {
                "tenant": active_tenant_id(), "keys": [each.key for each in challenges],
                "asking": [each.key for each in challenges if each.needs_opt_in],
                "customer": last.customer_id, "key": last.challenge_key, "limit": _PAGE,
            },
        )  # fmt: skip
        return [Pair(*row) for row in cursor.fetchall()]
