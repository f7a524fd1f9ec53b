"""Rows of a challenge: conditions, steps or tasks, and milestones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import condition_values
from tenants.admin.forms import StaffForm
from tenants.admin.keys import key_from

_OPS: Final = [
    ("gte", gettext_lazy("at least")),
    ("lte", gettext_lazy("at most")),
    ("eq", gettext_lazy("is")),
    ("ne", gettext_lazy("is not")),
]
_SIGNS: Final = {"gte": ">=", "lte": "<=", "eq": "=", "ne": "!="}
_OP_BY_SIGN: Final = {sign: op for op, sign in _SIGNS.items()}
_CONDITION: Final = re.compile(r"([\w.-]+)\s*(>=|<=|!=|=)\s*(\S.*)")


def whole(label: Any, **options: Any) -> forms.IntegerField:
    """Return a field for a number from one up that may stay empty."""
    return forms.IntegerField(label=label, required=False, min_value=1, **options)


class _Row(StaffForm):
    """Rows show no labels; an empty field says in itself what it is for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField | forms.IntegerField):
                field.widget.attrs.setdefault("placeholder", field.label)


class ConditionRow(_Row):
    """A condition on a property of the event, or on a fact of the order."""

    property = forms.CharField(
        label=gettext_lazy("Property"), max_length=200, required=False,
        help_text=gettext_lazy("Of orders: total_minor, channel, lines, weekday, hour."),
    )  # fmt: skip
    op = forms.ChoiceField(label=gettext_lazy("Comparison"), choices=_OPS, required=False)
    value = forms.CharField(label=gettext_lazy("Value"), max_length=200, required=False)

    def condition(self) -> dict[str, Any] | None:
        values = self.cleaned_data
        if not values.get("property"):
            return None
        return {
            "property": values["property"],
            "op": values["op"],
            "value": condition_values.read(values["value"]),
        }


class PartRow(_Row):
    """One step of a sequence, or one task of a set."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    name = forms.CharField(label=gettext_lazy("Step or task"), max_length=200, required=False)
    event = forms.CharField(
        label=gettext_lazy("Event"), max_length=100, required=False,
        help_text=gettext_lazy("Empty is an order."),
    )  # fmt: skip
    times = whole(gettext_lazy("Times"))
    categories = forms.CharField(
        label=gettext_lazy("Only these categories"), max_length=500, required=False,
        help_text=gettext_lazy("Of orders; separated by commas."),
    )  # fmt: skip
    where = forms.CharField(
        label=gettext_lazy("Conditions: score >= 70; level = 2"), max_length=500, required=False,
        help_text=gettext_lazy("Properties of the event or facts of the order; all of them hold."),
    )  # fmt: skip

    def clean_where(self) -> list[dict[str, Any]]:
        texts = (text.strip() for text in self.cleaned_data["where"].split(";"))
        return [_condition_of(text) for text in texts if text]


class MilestoneRow(_Row):
    at = whole(gettext_lazy("At"))
    points = whole(gettext_lazy("Points"))


ConditionRows = forms.formset_factory(ConditionRow, extra=2, can_delete=True)
PartRows = forms.formset_factory(PartRow, extra=2, can_delete=True)
MilestoneRows = forms.formset_factory(MilestoneRow, extra=1, can_delete=True)


def given(rows: Any) -> list[dict[str, Any]]:
    """Return the values of the rows that are not to be removed."""
    return [row.cleaned_data for row in rows if row.cleaned_data and not row.cleaned_data.get("DELETE")]


def _condition_of(text: str) -> dict[str, Any]:
    """Read “score >= 70”."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise forms.ValidationError(_("Write conditions as: property >= value; another = value."))
    return {"property": found[1], "op": _OP_BY_SIGN[found[2]], "value": condition_values.read(found[3])}


def _in_text(match: Mapping[str, Any]) -> str:
    """Write conditions as they are typed; nothing for a tree that cannot be typed, which is kept."""
    where = match.get("where")
    leaves = [] if where is None else where.get("all", [where])
    if not all(isinstance(leaf, dict) and leaf.get("op") in _SIGNS for leaf in leaves):
        return ""
    texts = [f"{leaf.get('property')} {_SIGNS[leaf['op']]} {_written(leaf.get('value'))}" for leaf in leaves]
    is_same = all(_CONDITION.fullmatch(text) for text in texts) and list(map(_condition_of, texts)) == leaves
    return "; ".join(texts) if is_same and not any(";" in text for text in texts) else ""


def _match_of(values: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if values["event"]:
        match["event"] = values["event"]
    else:
        match["categories"] = [part.strip() for part in values["categories"].split(",") if part.strip()]
        match["skus"] = was.get("skus", [])
    wanted = values["where"]
    if wanted:
        match["where"] = wanted[0] if len(wanted) == 1 else {"all": wanted}
    elif was.get("where") and not _in_text(was):
        match["where"] = was["where"]
    return match


def parts_of(rows: Any, former: Sequence[Mapping[str, Any]], *, is_task: bool) -> list[dict[str, Any]]:
    """Return the steps or tasks of the document; what rows do not show of one stays as it was."""
    by_key = {part["key"]: part for part in former}
    taken = {values["key"] for values in given(rows) if values.get("key")}
    found = []
    for values in given(rows):
        if not values.get("name"):
            continue
        key = values["key"] or key_from(values["name"], taken, fallback="part")
        taken.add(key)
        before = by_key.get(key, {})
        was = before.get("goal", before).get("match", {})
        match = _match_of(values, was)
        part: dict[str, Any] = {"key": key, "name": values["name"]}
        if is_task:
            goal = {"kind": "count", **before.get("goal", {}), "match": match}
            part["goal"] = {**goal, "target": values["times"] or goal.get("target") or 1}
        else:
            part["match"] = match
        found.append(part)
    return found


def part_rows(goal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the initial rows of steps or tasks."""
    rows = []
    for part in goal.get("steps") or goal.get("tasks") or []:
        inner = part.get("goal", part)
        rows.append(
            {"key": part["key"], "name": part["name"], "event": inner["match"].get("event"),
             "times": inner.get("target"), "categories": ", ".join(inner["match"].get("categories", [])),
             "where": _in_text(inner["match"])}
        )  # fmt: skip
    return rows


def condition_rows(goal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the initial rows of conditions; raises ``ValueError`` for a tree that rows cannot say."""
    where = goal.get("match", {}).get("where")
    leaves = [] if where is None else where.get("all", [where])
    if not all(set(leaf) == {"property", "op", "value"} and leaf["op"] in dict(_OPS) for leaf in leaves):
        raise ValueError
    return [{**leaf, "value": _written(leaf["value"])} for leaf in leaves]


def _written(value: Any) -> str:
    # Lists and nothing are no values of a row; what is typed for them reads as another one.
    return condition_values.write(value) if isinstance(value, str | int | float) else str(value)
