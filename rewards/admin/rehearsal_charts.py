"""Charts of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tenants.admin import formats
from tenants.admin.charts import Chart, Series, chart


def of(result: Mapping[str, Any]) -> dict[str, Chart | None]:
    """Return the charts of a result by what they show."""
    return {"points": points(result), "members": spread(result), "challenges": completions(result)}


def completions(result: Mapping[str, Any]) -> Chart | None:
    """Return how often each challenge is completed, rehearsed and really; ``None`` where it never is."""
    rows = result.get("challenges", ())
    compared = [(row["name"], row["completions"], row["actual"]["completions"]) for row in rows]
    return _compared(compared, title=_("Completions by challenge"), axis=_("Challenge"))


def spread(result: Mapping[str, Any]) -> Chart | None:
    """Return how many members get how much more or less; ``None`` where nobody does or it is not kept."""
    steps = result.get("members", {}).get("spread", ())
    drawn = chart(
        title=_("Members by the points they get more or less"),
        axis=_("Points"),
        labels=[_step(step["least"], step["most"]) for step in steps],
        series=[Series(_("Members"), [step["members"] for step in steps], formats.number)],
        write_scale=formats.compact,
    )
    return None if drawn.is_empty else drawn


def _step(least: int | None, most: int | None) -> str:
    if least is None or most is None:
        return _("%(points)s and beyond") % {"points": _signed(most if least is None else least)}
    if least == most:
        return _signed(least)
    return _("%(least)s to %(most)s") % {"least": _signed(least), "most": _signed(most)}


def _signed(value: int | None) -> str:
    return f"{'+' if value and value > 0 else ''}{formats.number(value)}"


def points(result: Mapping[str, Any]) -> Chart | None:
    """Return the points of each rule, rehearsed and really; ``None`` where no rule gives any."""
    rows = result.get("rules", ())
    compared = [(row["name"], row["points"], row["actual_points"]) for row in rows]
    return _compared(compared, title=_("Points by rule"), axis=_("Rule"))


def _compared(rows: Sequence[tuple[str, int, int]], *, title: str, axis: str) -> Chart | None:
    """Draw (name, rehearsed, really); returns can take back more than these days have given."""
    drawn = chart(
        title=title,
        axis=axis,
        labels=[name for name, _ours, _really in rows],
        series=[
            Series(_("In the rehearsal"), [max(ours, 0) for _name, ours, _really in rows], formats.number),
            Series(_("Really"), [max(really, 0) for _name, _ours, really in rows], formats.number),
        ],
        write_scale=formats.compact,
    )
    return None if drawn.is_empty else drawn
