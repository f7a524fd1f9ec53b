"""Forms of the ladder: what decides tiers, how they are kept and lost, and what each needs and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.money import to_major, to_minor
from rewards.admin.tier_words import METRIC_LABELS
from rewards.domain.tiers import ENTITLEMENT, OF_ORDERS, REWARD, SPEND, CostPer
from tenants.admin.forms import StaffForm
from tenants.admin.keys import key_from
from tenants.admin.pickers import Source, offer_of

MOST_CRITERIA: Final = 3
PER_ORDER: Final = "per order"
_MOST_MONEY: Final = 10**9
_PERKS: Final = ("free_shipping", "entitlements", "rewards", "price_list", "prices", "costs")
COMBINATIONS: Final = [
    ("any", gettext_lazy("one of them is enough")),
    ("all", gettext_lazy("all of them are needed")),
]
_WINDOWS: Final = [
    ("rolling_days", gettext_lazy("the last days")),
    ("rolling_months", gettext_lazy("the last months")),
    ("calendar_year", gettext_lazy("the calendar year")),
    ("half_year", gettext_lazy("the half year")),
    ("quarter", gettext_lazy("the quarter")),
    ("lifetime", gettext_lazy("all time")),
]
VALIDITIES: Final = [
    ("while_qualified", gettext_lazy("as long as it is earned")),
    ("months", gettext_lazy("for a number of months")),
    ("next_period", gettext_lazy("to the end of the next period")),
]
DOWNGRADES: Final = [
    ("full", gettext_lazy("to what is earned")),
    ("single_step", gettext_lazy("one step")),
    ("none", gettext_lazy("never")),
]


def _days(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=3660, required=False, help_text=help_text)


class QualificationForm(StaffForm):
    combination = forms.ChoiceField(label=gettext_lazy("Of several criteria"), choices=COMBINATIONS)
    window = forms.ChoiceField(label=gettext_lazy("Counted over"), choices=_WINDOWS)
    length = forms.IntegerField(
        label=gettext_lazy("Days or months"), min_value=1, max_value=3660, required=False
    )
    validity = forms.ChoiceField(label=gettext_lazy("A tier is safe"), choices=VALIDITIES)
    valid_months = forms.IntegerField(
        label=gettext_lazy("Months"), min_value=1, max_value=120, required=False
    )
    grace_days = _days(gettext_lazy("Days of grace"), gettext_lazy("Kept this long after it is lost."))
    downgrade = forms.ChoiceField(label=gettext_lazy("Who falls, falls"), choices=DOWNGRADES)
    soft_landing_days = _days(
        gettext_lazy("Days of soft landing"), gettext_lazy("The tier fallen to is safe this long.")
    )

    def section(self, criteria: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the section of the document."""
        values = self.cleaned_data
        section = {
            "criteria": criteria,
            **{name: values[name] for name in ("combination", "window", "validity", "downgrade")},
            "grace_days": values["grace_days"] or 0,
            "soft_landing_days": values["soft_landing_days"] or 0,
        }
        if values["window"].startswith("rolling"):
            section["length"] = values["length"] or (365 if values["window"] == "rolling_days" else 12)
        if values["validity"] == "months":
            section["valid_months"] = values["valid_months"] or 12
        return section


class CriterionRow(StaffForm):
    """One criterion; its key is what the thresholds of tiers are kept under."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    metric = forms.ChoiceField(
        label=gettext_lazy("Metric"), required=False, choices=[("", "–"), *METRIC_LABELS.items()]
    )
    of = forms.CharField(
        label=gettext_lazy("Of"), required=False, max_length=300,
        help_text=gettext_lazy(
            "Points: the wallet's key. Events: the name. A score: trait = weight, separated by commas."
        ),
    )  # fmt: skip

    def criterion(self, taken: set[str]) -> dict[str, Any] | None:
        values = self.cleaned_data
        metric, of = values.get("metric"), values.get("of", "")
        if not metric:
            return None
        is_first_spend = metric == SPEND and SPEND not in taken
        key = values["key"] or (SPEND if is_first_spend else key_from(of or metric, taken, fallback=metric))
        taken.add(key)
        written: dict[str, Any] = {"key": key, "metric": metric}
        if metric == "points":
            written["wallet"] = of
        elif metric == "events":
            written["event"] = of
        elif metric == "score":
            pairs = [part.partition("=") for part in of.split(",") if "=" in part]
            written["weights"] = {name.strip(): weight.strip() for name, _equals, weight in pairs}
        return written


class LadderRow(StaffForm):
    """One tier with a field for each criterion."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    name = forms.CharField(label=gettext_lazy("Tier"), max_length=200, required=False)
    free_shipping = forms.BooleanField(label=gettext_lazy("Free shipping"), required=False)
    entitlements = forms.CharField(
        label=gettext_lazy("Entitlements"), required=False, max_length=500,
        help_text=gettext_lazy("Words your own systems understand, separated by commas."),
    )  # fmt: skip
    rewards = forms.MultipleChoiceField(
        label=gettext_lazy("Exclusive rewards"), required=False, widget=forms.CheckboxSelectMultiple
    )
    price_list = forms.CharField(
        label=gettext_lazy("Price list"), required=False, max_length=200,
        help_text=gettext_lazy("A name your own systems understand; it changes no price here."),
    )  # fmt: skip
    prices = forms.CharField(
        label=gettext_lazy("Own prices of rewards"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "mug = 300"}),
        help_text=gettext_lazy("One a line: the reward's key = points. They hold for higher tiers, too."),
    )  # fmt: skip

    costs = forms.CharField(
        label=gettext_lazy("Costs of its perks"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "lounge = 12.50"}),
        help_text=gettext_lazy(
            "One a line: the perk = what it costs you for a member and month. Of free_shipping and "
            "price_list also: = 3.00 per order."
        ),
    )  # fmt: skip

    def __init__(
        self, *args: Any, criteria: Sequence[Mapping[str, Any]], rewards: Source,
        currency: str, **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        self.criteria, self.currency = criteria, currency
        self._rewards = rewards
        offer_of(self, "rewards", rewards)
        for criterion in criteria:
            self.fields[f"need_{criterion['key']}"] = forms.DecimalField(
                label=need_label(criterion, currency), min_value=0, max_digits=18, decimal_places=3,
                required=False,
            )  # fmt: skip
        self.order_fields(["key", "name", *(f"need_{criterion['key']}" for criterion in criteria)])

    def needs_fields(self) -> list[forms.BoundField]:
        """Return the name, what the tier needs, and the tick that removes it."""
        return [each for each in self.visible_fields() if each.name not in {*_PERKS, "ORDER"}]

    def perk_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in _PERKS]

    def has_perks(self) -> bool:
        """Whether the tier gives anything, or something of that is wrong."""
        return any(self[name].value() or self[name].errors for name in _PERKS)

    def clean_prices(self) -> dict[str, int]:
        """Read lines of ``reward = points``."""
        found: dict[str, int] = {}
        for line in filter(None, (line.strip() for line in self.cleaned_data["prices"].splitlines())):
            key, separator, points = (part.strip() for part in line.rpartition("="))
            if not separator or not (points.isascii() and points.isdigit() and int(points)):
                raise forms.ValidationError(_("Write each line as: reward = points."))
            if key not in self._rewards.named([key]):
                raise forms.ValidationError(_("There is no reward “%(key)s”."), params={"key": key})
            found[key] = int(points)
        return found

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        try:
            values["costs"] = self._costs(values.get("costs", ""))
        except forms.ValidationError as error:
            self.add_error("costs", error)
        return values

    def _costs(self, text: str) -> dict[str, Any]:
        """Read lines of ``perk = money``, or ``perk = money per order``."""
        found: dict[str, Any] = {}
        for line in filter(None, (line.strip() for line in text.splitlines())):
            name, separator, said = (part.strip() for part in line.rpartition("="))
            money, per_order, rest = said.partition(PER_ORDER)
            minor = _minor(money.strip(), self.currency)
            if not separator or rest or minor is None:
                raise forms.ValidationError(_("Write each line as: perk = money."))
            per = CostPer.ORDER if per_order else CostPer.MONTH
            perk = self._perk(name)
            if per_order and perk not in OF_ORDERS:
                raise forms.ValidationError(_("Only what comes with every order costs something per order."))
            found[perk] = {"cost_minor": minor, "per": per.value}
        return found

    def _perk(self, name: str) -> str:
        values = self.cleaned_data
        if name in OF_ORDERS:
            return name
        if name in _words(values.get("entitlements", "")):
            return f"{ENTITLEMENT}{name}"
        if name in values.get("rewards", ()):
            return f"{REWARD}{name}"
        raise forms.ValidationError(_("The tier has no perk “%(name)s”."), params={"name": name})

    def needs(self) -> dict[str, int]:
        found = {}
        for criterion in self.criteria:
            value: Decimal | None = self.cleaned_data.get(f"need_{criterion['key']}")
            if value:
                is_money = criterion["metric"] == SPEND
                found[criterion["key"]] = (to_minor(value, self.currency) or 0) if is_money else int(value)
        return found

    def tier(self, key: str, *, is_plain: bool) -> dict[str, Any]:
        values, needs = self.cleaned_data, self.needs()
        written: dict[str, Any] = {
            "key": key,
            "name": values["name"],
            "threshold_minor": needs.get(SPEND, 0),
            "perks": {
                "free_shipping": values["free_shipping"],
                "entitlements": _words(values["entitlements"]),
                "rewards": values["rewards"],
                "price_list": values["price_list"] or None,
                **{name: values[name] for name in ("prices", "costs") if values[name]},
            },
        }
        if not is_plain and needs:
            written |= {"thresholds": needs, "threshold_minor": 0}
        return written


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _minor(text: str, currency: str) -> int | None:
    """Read an amount of money; ``None`` for what is none."""
    try:
        amount = Decimal(text)
    except ArithmeticError:
        return None
    return to_minor(amount, currency) if amount.is_finite() and 0 <= amount < _MOST_MONEY else None


def need_label(criterion: Mapping[str, Any], currency: str) -> str:
    """Name the field of what a tier needs: “Needs spend (USD)”, “Needs points earned in status”."""
    metric = str(METRIC_LABELS[criterion["metric"]])
    of = currency if criterion["metric"] == SPEND else criterion.get("wallet") or criterion.get("event") or ""
    values = {"metric": metric, "of": of}
    return _("Needs %(metric)s (%(of)s)") % values if of else _("Needs %(metric)s") % values


CriterionRows = forms.formset_factory(CriterionRow, extra=1, max_num=MOST_CRITERIA)
LadderRows = forms.formset_factory(LadderRow, extra=1, can_delete=True, can_order=True)


def criterion_row(criterion: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initial values of a criterion's row."""
    weights = criterion.get("weights", {})
    of = criterion.get("wallet") or criterion.get("event") or ", ".join(
        f"{name} = {weight}" for name, weight in weights.items()
    )  # fmt: skip
    return {"key": criterion["key"], "metric": criterion["metric"], "of": of}


def tier_row(tier: Mapping[str, Any], criteria: Sequence[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    """Return the initial values of a tier's row."""
    perks = tier.get("perks", {})
    needs = tier.get("thresholds") or ({SPEND: tier["threshold_minor"]} if tier["threshold_minor"] else {})
    row: dict[str, Any] = {
        "key": tier["key"],
        "name": tier["name"],
        "free_shipping": perks.get("free_shipping", False),
        "entitlements": ", ".join(perks.get("entitlements", [])),
        "rewards": perks.get("rewards", []),
        "price_list": perks.get("price_list") or "",
        "prices": "\n".join(f"{key} = {points}" for key, points in perks.get("prices", {}).items()),
        "costs": "\n".join(_cost_line(name, cost, currency) for name, cost in perks.get("costs", {}).items()),
    }
    for criterion in criteria:
        need = needs.get(criterion["key"])
        row[f"need_{criterion['key']}"] = to_major(need, currency) if criterion["metric"] == SPEND else need
    return row


def _cost_line(name: str, cost: Mapping[str, Any], currency: str) -> str:
    per = f" {PER_ORDER}" if cost.get("per") == CostPer.ORDER else ""
    return f"{name.rpartition(':')[2]} = {to_major(cost['cost_minor'], currency)}{per}"
