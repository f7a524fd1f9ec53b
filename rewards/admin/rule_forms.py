"""The form of one earning rule, made from its part of the document and back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from rewards.admin import choices_of, expiry_fields, rule_texts
from rewards.admin.money import to_major, to_minor
from rewards.admin.rule_conditions import ALL, ANY, GROUPS, LINES, MODES
from rewards.admin.words import TRIGGER_LABELS
from rewards.domain.expiry import ExpiryKind
from rewards.domain.rules import Rounding, Trigger
from tenants.admin.forms import StaffForm, fold, needed, offer
from tenants.admin.moments import MomentField
from tenants.admin.pickers import offer_of

_NONE: Final = "none"
# Inactivity moves the end of a whole wallet; one rule cannot have it for itself.
_OWN_EXPIRY: Final = (ExpiryKind.NEVER.value, ExpiryKind.ROLLING.value, ExpiryKind.CALENDAR.value)
POINTS_LABELS: Final = [
    ("once", gettext_lazy("A fixed number of points")),
    ("per_minor", gettext_lazy("Points for each amount of money")),
    ("per_units", gettext_lazy("Points for each unit")),
    ("per_property", gettext_lazy("Points for a number in the event")),
    ("multiplier", gettext_lazy("A multiple of the points of other rules")),
    ("formula", gettext_lazy("A formula over traits")),
    (_NONE, gettext_lazy("No points")),
]
_GIFTS: Final = ("once", "per_minor", "per_units", "per_property")
# What a kind of points asks for; the rest is folded away.
_KINDS_BY_FIELD: Final = {
    "wallet": (*_GIFTS, "multiplier", "formula"),
    "per_amount": _GIFTS[1:],
    "per_property": ("per_property",),
    **dict.fromkeys(("points", "category_percent", "tier_percent"), _GIFTS),
    **dict.fromkeys(("percent", "of_rules"), ("multiplier",)),
    **dict.fromkeys(("terms", "constant", "rounding", "at_least", "at_most"), ("formula",)),
}
_ROUNDING: Final = [
    (Rounding.DOWN.value, gettext_lazy("down")),
    (Rounding.NEAREST.value, gettext_lazy("to the nearest")),
    (Rounding.UP.value, gettext_lazy("up")),
]


def _whole(label: Any, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, **options)


class RuleForm(StaffForm):
    """One earning rule; its conditions, caps and other effects are rows beside it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    trigger = forms.ChoiceField(label=gettext_lazy("Answers to"), choices=list(TRIGGER_LABELS.items()))
    event = forms.CharField(
        label=gettext_lazy("Name of the event"), max_length=100, required=False,
        help_text=gettext_lazy("As the client sends it, for instance review_posted."),
    )  # fmt: skip
    points_kind = forms.ChoiceField(label=gettext_lazy("Gives"), choices=POINTS_LABELS)
    wallet = forms.ChoiceField(label=gettext_lazy("Into"), required=False)
    points = _whole(gettext_lazy("Points"), min_value=1)
    per_amount = forms.DecimalField(
        label=gettext_lazy("For each"), min_value=0, max_digits=18, decimal_places=3, required=False,
        help_text=gettext_lazy("Amount of money, number of units, or amount of the property."),
    )  # fmt: skip
    per_property = forms.CharField(label=gettext_lazy("Property"), max_length=200, required=False)
    category_percent = forms.CharField(
        label=gettext_lazy("Categories that pay more or less"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "GROCERY = 200"}),
        help_text=gettext_lazy("One a line, in percent: 200 doubles."),
    )  # fmt: skip
    tier_percent = forms.CharField(
        label=gettext_lazy("Tiers that earn more"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "gold = 125"}),
        help_text=gettext_lazy("One a line, by the tier's key, in percent."),
    )  # fmt: skip
    percent = _whole(gettext_lazy("Multiple in percent"), min_value=101,
                     help_text=gettext_lazy("200 gives as much again."))  # fmt: skip
    of_rules = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Of these rules"), required=False,
        help_text=gettext_lazy("None chosen means all rules before this one."),
    )  # fmt: skip
    terms = forms.CharField(
        label=gettext_lazy("Weights"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "trait clv = 0.05"}),
        help_text=gettext_lazy("One a line: trait, attribute, order, member or property; name = weight."),
    )  # fmt: skip
    constant = forms.CharField(label=gettext_lazy("Plus"), required=False, max_length=40)
    rounding = forms.ChoiceField(label=gettext_lazy("Rounded"), choices=_ROUNDING, required=False)
    at_least = _whole(gettext_lazy("At least"), min_value=0)
    at_most = _whole(gettext_lazy("At most"), min_value=0)
    match = forms.ChoiceField(
        label=gettext_lazy("The rule pays when"), required=False,
        choices=[(ALL, gettext_lazy("all groups hold")), (ANY, gettext_lazy("any group holds"))],
    )  # fmt: skip
    lines_match = forms.ChoiceField(
        label=gettext_lazy("A line counts when"), required=False,
        choices=[(ALL, gettext_lazy("all groups hold")), (ANY, gettext_lazy("any group holds"))],
    )  # fmt: skip
    audience = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Only members of these segments"), required=False,
        help_text=gettext_lazy("None chosen means everybody."),
    )  # fmt: skip
    starts_at = MomentField(label=gettext_lazy("From"), required=False)
    ends_at = MomentField(label=gettext_lazy("Until"), required=False)
    priority = forms.IntegerField(
        label=pgettext_lazy("sequence", "Order"), min_value=0, max_value=10_000, initial=100,
        help_text=gettext_lazy("Small numbers come first."),
    )  # fmt: skip
    group = forms.SlugField(
        label=gettext_lazy("Exclusive group"), max_length=60, required=False,
        help_text=gettext_lazy("Of the rules of a group only the first that gives something counts."),
    )  # fmt: skip
    stops = forms.BooleanField(label=gettext_lazy("Ends the list when it gives something"), required=False)
    budget = forms.ChoiceField(label=gettext_lazy("Paid from budget"), required=False)

    def __init__(
        self,
        *args: Any,
        currency: str,
        choices: Mapping[str, Sequence[tuple[str, str]]],
        key: str = "",
        audience: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.currency = currency
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        expiry_fields.add_to(
            self, "expiry", label=gettext_lazy("Points end"), without=gettext_lazy("as the wallet says"),
            kinds=_OWN_EXPIRY,
        )  # fmt: skip
        fold(self, "trigger", {"event": [Trigger.EVENT.value]})
        fold(self, "points_kind", _KINDS_BY_FIELD)
        needed(self, "event", "wallet", "points", "per_amount", "per_property", "percent", "terms")
        for prefix in ("", LINES):
            for letter in GROUPS:
                self.fields[f"{prefix}mode_{letter}"] = forms.ChoiceField(
                    label=_("Group %(letter)s holds when") % {"letter": letter}, choices=MODES, required=False
                )
        for name, options in choices.items():
            offer(self, name, options)
        offer_of(self, "audience", choices_of.segments(audience))
        offer_of(self, "of_rules", choices_of.of_program("rule", "rules", without=key))

    def of(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    def basics(self) -> list[forms.BoundField]:
        return self.of("name", "trigger", "event")

    def amount(self) -> list[forms.BoundField]:
        return self.of("points_kind", "wallet", "points", "per_amount", "per_property")

    def factors(self) -> list[forms.BoundField]:
        return self.of("category_percent", "tier_percent", "percent", "of_rules")

    def formula(self) -> list[forms.BoundField]:
        return self.of("terms", "constant", "rounding", "at_least", "at_most")

    def modes(self) -> list[forms.BoundField]:
        return self.of("match", *(f"mode_{letter}" for letter in GROUPS))

    def line_modes(self) -> list[forms.BoundField]:
        return self.of("lines_match", *(f"{LINES}mode_{letter}" for letter in GROUPS))

    def are_modes_usual(self) -> bool:
        return _are_usual(self.modes())

    def are_line_modes_usual(self) -> bool:
        return _are_usual(self.line_modes())

    def ends(self) -> list[forms.BoundField]:
        return self.of(*expiry_fields.names("expiry"))

    def place(self) -> list[forms.BoundField]:
        return self.of("audience", "starts_at", "ends_at", "priority", "group", "budget", "stops")

    def clean_category_percent(self) -> dict[str, int]:
        return rule_texts.percents(self.cleaned_data["category_percent"])

    def clean_tier_percent(self) -> dict[str, int]:
        return rule_texts.percents(self.cleaned_data["tier_percent"])

    def clean_terms(self) -> list[dict[str, str]]:
        return rule_texts.terms(self.cleaned_data["terms"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kind = values.get("points_kind")
        needed = {
            "multiplier": ("percent",),
            "formula": ("terms",),
            "per_minor": ("points", "per_amount"),
            "per_units": ("points", "per_amount"),
            "per_property": ("points", "per_property"),
            "once": ("points",),
        }.get(str(kind), ())
        for name in needed:
            if not values.get(name) and name not in self.errors:
                self.add_error(name, _("This is needed."))
        amount = values.get("per_amount")
        if kind in {"per_units", "per_property"} and amount is not None and amount % 1:
            self.add_error("per_amount", _("Enter a whole number."))
        expiry_fields.check(self, "expiry")
        return values

    def modes_of(self, prefix: str = "") -> dict[str, str]:
        """Return how each group is read, by its letter."""
        return {letter: self.cleaned_data[f"{prefix}mode_{letter}"] or ALL for letter in GROUPS}

    def points_effect(self) -> dict[str, Any] | None:
        """Return the effect that gives points, as JSON."""
        values = self.cleaned_data
        kind, wallet = values["points_kind"], values["wallet"]
        if kind == _NONE:
            return None
        if kind == "multiplier":
            return {"type": kind, "wallet": wallet, "percent": values["percent"], "rules": values["of_rules"]}
        if kind == "formula":
            return {
                "type": kind,
                "wallet": wallet,
                "terms": values["terms"],
                "constant": values["constant"] or "0",
                "rounding": values["rounding"] or Rounding.DOWN.value,
                "at_least": values["at_least"] or 0,
                "at_most": values["at_most"],
            }
        return {**self._gift(values), "wallet": wallet}

    def _gift(self, values: Mapping[str, Any]) -> dict[str, Any]:
        effect: dict[str, Any] = {"type": "points", "points": values["points"]}
        if values["points_kind"] == "per_minor":
            effect["per_minor"] = to_minor(values["per_amount"], self.currency)
        if values["points_kind"] == "per_units":
            effect["per_units"] = int(values["per_amount"])
        if values["points_kind"] == "per_property":
            effect["per_property"] = values["per_property"]
            effect["per_amount"] = int(values["per_amount"] or 1)
        for name in ("category_percent", "tier_percent"):
            if values[name]:
                effect[name] = values[name]
        return effect


def _are_usual(modes: Sequence[forms.BoundField]) -> bool:
    """Whether all conditions have to hold, so that nobody needs to see how groups are read."""
    return all(mode.value() in {None, "", ALL} for mode in modes)


def rule_values(rule: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Return the initial values of the form."""
    values: dict[str, Any] = {**rule, "points_kind": _NONE}
    values |= expiry_fields.initial(rule.get("expiry"), "expiry")
    for name in ("starts_at", "ends_at"):
        values[name] = datetime.fromisoformat(rule[name]) if rule.get(name) else None
    for effect in rule["effects"]:
        if effect["type"] == "points":
            values |= _gift_values(effect, currency)
        elif effect["type"] == "multiplier":
            values |= {**effect, "points_kind": "multiplier", "of_rules": effect["rules"]}
        elif effect["type"] == "formula":
            lines = [rule_texts.term_line(term) for term in effect["terms"]]
            values |= {**effect, "points_kind": "formula", "terms": "\n".join(lines)}
            values["constant"] = rule_texts.exact(effect["constant"])
    return values


def _gift_values(effect: Mapping[str, Any], currency: str) -> dict[str, Any]:
    kind = next((name for name in ("per_minor", "per_units", "per_property") if effect.get(name)), "once")
    amount: Any = {
        "per_minor": to_major(effect.get("per_minor"), currency),
        "per_units": effect.get("per_units"),
        "per_property": effect.get("per_amount"),
    }.get(kind)
    return {
        "points_kind": kind,
        "wallet": effect["wallet"],
        "points": effect["points"],
        "per_amount": amount,
        "per_property": effect.get("per_property", ""),
        "category_percent": rule_texts.percent_lines(effect.get("category_percent", {})),
        "tier_percent": rule_texts.percent_lines(effect.get("tier_percent", {})),
    }


def moment(value: datetime | None) -> str | None:
    """Write a moment as the document holds it."""
    return None if value is None else value.astimezone(UTC).isoformat()
