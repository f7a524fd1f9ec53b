"""Charts of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tenants.admin import formats
from tenants.admin.charts import Chart, Series, chart


def completions(result: Mapping[str, Any]) -> Chart | None:
    """Return how often each challenge is completed, rehearsed and really; ``None`` where it never is."""
    rows = result.get("challenges", ())
    drawn = chart(
        title=_("Completions by challenge"),
        axis=_("Challenge"),
        labels=[row["name"] for row in rows],
        series=[
            Series(_("In the rehearsal"), [_times(row) for row in rows], formats.number),
            Series(_("Really"), [_times(row["actual"]) for row in rows], formats.number),
        ],
        write_scale=formats.compact,
    )  # fmt: skip
    return None if drawn.is_empty else drawn


def _times(row: Mapping[str, Any]) -> float:
    # Returns can take back more than these days have completed.
    return float(max(row["completions"], 0))
