"""The form of one challenge, made from its part of the document and back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import choices_of
from rewards.admin.challenge_rows import parts_of, whole
from rewards.admin.challenge_words import KIND_LABELS, LEAVING_LABELS, RECURRENCE_LABELS, WINDOW_LABELS
from rewards.admin.money import to_major, to_minor
from rewards.domain.challenges.definition import WindowKind
from tenants.admin.forms import DayInput, StaffForm, fold, needed, offer
from tenants.admin.pickers import offer_of

PLAIN: Final = frozenset({"count", "sum", "distinct", "streak"})
AMOUNT: Final = "amount_minor"
_MATCHES: Final = [
    ("order", gettext_lazy("Orders")),
    ("event", gettext_lazy("Events")),
]
_UNITS: Final = [("day", gettext_lazy("days")), ("week", gettext_lazy("weeks"))]
_DATE: Final = DayInput()
# What a goal and a time ask for; the rest is folded away.
_KINDS_BY_FIELD: Final = {
    "counts": PLAIN,
    "target": (*PLAIN, "set"),
    "of": ("sum", "distinct"),
    **dict.fromkeys(("unit", "gap"), ("streak",)),
}
_WINDOWS_BY_FIELD: Final = {
    "days": (WindowKind.ROLLING.value, WindowKind.SINCE_JOINING.value),
    **dict.fromkeys(("starts_on", "ends_on"), (WindowKind.DATES.value,)),
}


class ChallengeForm(StaffForm):
    """One challenge. Conditions, steps and milestones are rows beside it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("What members read"), max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    kind = forms.ChoiceField(label=gettext_lazy("Goal"), choices=list(KIND_LABELS.items()))
    counts = forms.ChoiceField(label=gettext_lazy("What counts"), choices=_MATCHES)
    event = forms.CharField(label=gettext_lazy("Name of the event"), max_length=100, required=False)
    categories = forms.CharField(
        label=gettext_lazy("Only these categories"), required=False,
        help_text=gettext_lazy("Separated by commas; empty is all."),
    )  # fmt: skip
    of = forms.CharField(
        label=gettext_lazy("Sum or values of"), max_length=200, required=False,
        help_text=gettext_lazy(
            "Of orders: amount_minor, units, or sku, category, channel. Of events: a property."
        ),
    )  # fmt: skip
    target = forms.DecimalField(
        label=gettext_lazy("Reach"), min_value=1, max_digits=18, decimal_places=3, required=False,
        help_text=gettext_lazy("A number; for the amount of orders, money. Of several tasks, how many."),
    )  # fmt: skip
    unit = forms.ChoiceField(label=gettext_lazy("Streak of"), choices=_UNITS, required=False)
    gap = forms.IntegerField(
        label=gettext_lazy("May be missed"), min_value=0, max_value=30, required=False,
        help_text=gettext_lazy("Days or weeks in between that do not break the streak."),
    )  # fmt: skip
    window = forms.ChoiceField(label=gettext_lazy("When"), choices=list(WINDOW_LABELS.items()))
    days = whole(gettext_lazy("Days"), max_value=3660)
    starts_on = forms.DateField(label=gettext_lazy("First day"), required=False, widget=_DATE)
    ends_on = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=_DATE)
    recurrence = forms.ChoiceField(label=gettext_lazy("Repeats"), choices=list(RECURRENCE_LABELS.items()))
    wallet = forms.ChoiceField(label=gettext_lazy("Into"))
    points = whole(gettext_lazy("Points on completion"))
    coupon = forms.ChoiceField(label=gettext_lazy("Coupon on completion"), required=False)
    message = forms.SlugField(
        label=gettext_lazy("Message on completion"), max_length=60, required=False,
        help_text=gettext_lazy("The key of a message trigger."),
    )  # fmt: skip
    budget = forms.ChoiceField(
        label=gettext_lazy("Paid from budget"), required=False,
        help_text=gettext_lazy("All points of the challenge, those of milestones too."),
    )  # fmt: skip
    opt_in = forms.BooleanField(label=gettext_lazy("Members ask to take part"), required=False)
    segment = forms.ChoiceField(label=gettext_lazy("Only this segment"), required=False)
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tiers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    leaving = forms.ChoiceField(
        label=gettext_lazy("On leaving the segment or tiers"), required=False,
        choices=list(LEAVING_LABELS.items()),
    )  # fmt: skip
    per_customer = whole(gettext_lazy("Completions of one customer"))
    total = whole(gettext_lazy("Completions of all"))
    rolls_back = forms.BooleanField(label=gettext_lazy("Returns take it back"), required=False, initial=True)

    def __init__(
        self, *args: Any, currency: str, choices: Mapping[str, Sequence[tuple[str, str]]], **kwargs: Any
    ) -> None:
        self.currency = currency
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        for name, options in choices.items():
            offer(self, name, options)
        fold(self, "kind", _KINDS_BY_FIELD)
        needed(self, "event", "of", "target", "days")
        fold(self, "counts", {"event": ["event"], "categories": ["order"]})
        fold(self, "window", _WINDOWS_BY_FIELD)
        offer_of(self, "coupon", choices_of.coupons(), none="–")
        offer_of(self, "segment", choices_of.segments(), none="–")

    def of_fields(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    def basics(self) -> list[forms.BoundField]:
        return self.of_fields("name", "description")

    def goal_fields(self) -> list[forms.BoundField]:
        return self.of_fields("kind", "counts", "event", "categories", "of", "target", "unit", "gap")

    def time_fields(self) -> list[forms.BoundField]:
        return self.of_fields("window", "days", "starts_on", "ends_on", "recurrence")

    def reward_fields(self) -> list[forms.BoundField]:
        return self.of_fields("wallet", "points", "coupon", "message", "budget")

    def who_fields(self) -> list[forms.BoundField]:
        return self.of_fields("opt_in", "segment", "tiers", "leaving", "per_customer", "total", "rolls_back")

    def is_money(self) -> bool:
        values = self.cleaned_data
        return bool(values["kind"] == "sum" and values["counts"] == "order" and values["of"] == AMOUNT)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kind = values.get("kind")
        if kind in PLAIN and values.get("counts") == "event" and not values.get("event"):
            self.add_error("event", _("Name the event."))
        if kind in PLAIN and not values.get("target"):
            self.add_error("target", _("Say how much."))
        if kind in {"sum", "distinct"} and not values.get("of"):
            self.add_error("of", _("Say of what."))
        return values

    def target_value(self) -> int:
        target = self.cleaned_data["target"]
        return (to_minor(target, self.currency) if self.is_money() else int(target or 1)) or 1


def initial_of(written: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Return the form's initial values for a challenge as it stands in the document."""
    goal, window, limits = written["goal"], written["window"], written["limits"]
    match = goal.get("match", {})
    is_event = bool(match.get("event"))
    target: Any = goal.get("target") or goal.get("needed")
    if goal["kind"] == "sum" and not is_event and goal.get("of") == AMOUNT:
        target = to_major(target, currency)
    by_kind = {reward["kind"]: reward for reward in written["rewards"]}
    points = by_kind.get("points", {})
    return {
        **{name: written[name] for name in ("name", "description", "recurrence", "opt_in", "rolls_back")},
        "kind": goal["kind"],
        "counts": "event" if is_event else "order",
        "event": match.get("event"),
        "categories": ", ".join(match.get("categories", [])),
        "of": goal.get("of"),
        "target": target,
        "unit": goal.get("unit"),
        "gap": goal.get("gap"),
        "window": window["kind"],
        **{name: window.get(name) for name in ("days", "starts_on", "ends_on")},
        "wallet": points.get("wallet"),
        "points": points.get("points"),
        "coupon": by_kind.get("coupon", {}).get("coupon"),
        "message": by_kind.get("message", {}).get("message"),
        "budget": written.get("budget"),
        "segment": written["audience"]["segment"],
        "tiers": written["audience"]["tiers"],
        "leaving": written["audience"]["leaving"],
        **limits,
    }


def goal_of(form: ChallengeForm, conditions: Any, parts: Any, former: Mapping[str, Any]) -> dict[str, Any]:
    """Return the goal the form describes; what it does not show of a part stays as it was."""
    values = form.cleaned_data
    kind = values["kind"]
    if kind == "sequence":
        return {"kind": kind, "steps": parts_of(parts, former.get("steps", []), is_task=False)}
    if kind == "set":
        tasks = parts_of(parts, former.get("tasks", []), is_task=True)
        return {"kind": kind, "tasks": tasks, "needed": int(values["target"] or len(tasks) or 1)}
    goal: dict[str, Any] = {"kind": kind, "match": _match(values, conditions, former.get("match", {})),
                            "target": form.target_value()}  # fmt: skip
    if kind in {"sum", "distinct"}:
        goal["of"] = values["of"]
    if kind == "streak":
        goal |= {"unit": values["unit"] or "day", "gap": values["gap"] or 0, "each": former.get("each", 1)}
    return goal


def _match(values: Mapping[str, Any], conditions: Any, former: Mapping[str, Any]) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if values["counts"] == "event":
        match["event"] = values["event"]
    else:
        match["categories"] = [part.strip() for part in values["categories"].split(",") if part.strip()]
        match["skus"] = former.get("skus", [])
    wanted = [
        row.condition() for row in conditions if row.cleaned_data and not row.cleaned_data.get("DELETE")
    ]
    found = [condition for condition in wanted if condition]
    if found:
        match["where"] = found[0] if len(found) == 1 else {"all": found}
    return match
