"""The form of a coupon definition: its questions in groups, and what was typed as terms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.money import to_minor
from rewards.admin import choices_of
from rewards.domain.expiry import start_of_day
from rewards.models import CouponBase, CouponConflict, CouponKind, CouponPeriod
from rewards.services.coupons.definition_terms import DefinitionTerms
from tenants.admin.forms import DayInput, StaffForm, fold, needed
from tenants.admin.pickers import LinesFinder, offer_of

WEEKDAYS: Final = [
    ("1", gettext_lazy("Monday")), ("2", gettext_lazy("Tuesday")), ("3", gettext_lazy("Wednesday")),
    ("4", gettext_lazy("Thursday")), ("5", gettext_lazy("Friday")), ("6", gettext_lazy("Saturday")),
    ("7", gettext_lazy("Sunday")),
]  # fmt: skip
MONEY: Final = (
    "amount", "max_discount", "minimum_spend", "limit_discount", "limit_discount_period",
)  # fmt: skip


def lines_of(text: str) -> list[str]:
    return [part.strip() for part in text.replace(",", "\n").splitlines() if part.strip()]


SECTIONS: Final = (
    (gettext_lazy("The offer"), ("name", "description", "campaign", "is_active")),
    (gettext_lazy("What it gives"), ("kind", "percent", "amount", "free_quantity", "max_discount")),
    (
        gettext_lazy("For which carts"),
        ("categories", "excluded_categories", "items", "minimum_spend", "minimum_quantity", "channels"),
    ),
    (gettext_lazy("For whom"), ("segments", "tiers", "is_first_purchase")),
    (
        gettext_lazy("When"),
        ("valid_from", "valid_until", "valid_days", "weekdays", "hour_from", "hour_until"),
    ),
    (
        gettext_lazy("How often"),
        (
            "uses_per_code", "uses_per_customer", "limit_uses", "limit_discount", "period", "uses_per_period",
            "uses_per_code_period", "limit_uses_period", "limit_discount_period",
        ),
    ),
    (
        gettext_lazy("Together with others"),
        ("priority", "base", "exclusive_group", "is_exclusive", "on_conflict"),
    ),
    (gettext_lazy("Codes"), ("generic_code", "code_pattern")),
)  # fmt: skip


MOST_TIMES: Final = 2**31 - 1
MOST_SMALL: Final = 2**15 - 1
# What a kind of coupon asks for; the rest is folded away.
_KINDS_BY_FIELD: Final = {
    "percent": (CouponKind.PERCENT.value,),
    "amount": (CouponKind.AMOUNT.value, CouponKind.SHIPPING.value, CouponKind.STORED_VALUE.value),
    "free_quantity": (CouponKind.FREE_ITEM.value,),
}


class DefinitionForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    campaign = forms.ChoiceField(label=gettext_lazy("Coupon campaign"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What it gives"), choices=CouponKind.choices)
    percent = forms.DecimalField(
        label=gettext_lazy("Percent"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), required=False, min_value=0, max_digits=18,
        help_text=gettext_lazy("For an amount off, stored value, or the most shipping that is free."),
    )  # fmt: skip
    free_quantity = forms.IntegerField(
        label=gettext_lazy("Free pieces"), required=False, min_value=1, max_value=MOST_SMALL,
        help_text=gettext_lazy("For a free item: how many of the cheapest pieces. Empty is one."),
    )  # fmt: skip
    max_discount = forms.DecimalField(
        label=gettext_lazy("Most discount a use"), required=False, min_value=0, max_digits=18
    )
    categories = forms.CharField(
        label=gettext_lazy("Only these categories"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One a line. Empty is every item."),
    )  # fmt: skip
    excluded_categories = forms.CharField(
        label=gettext_lazy("Not these categories"), required=False,
        widget=forms.Textarea(attrs={"rows": 2}), help_text=gettext_lazy("One a line."),
    )  # fmt: skip
    items = forms.CharField(
        label=gettext_lazy("Only these items"), required=False,
        widget=LinesFinder(choices_of.items(), attrs={"rows": 2}),
        help_text=gettext_lazy("Item ids, one a line."),
    )  # fmt: skip
    minimum_spend = forms.DecimalField(
        label=gettext_lazy("Minimum spend"), required=False, min_value=0, max_digits=18
    )
    minimum_quantity = forms.IntegerField(
        label=gettext_lazy("Minimum pieces"), required=False, min_value=0, max_value=MOST_TIMES,
        help_text=gettext_lazy("Of the whole cart."),
    )  # fmt: skip
    channels = forms.CharField(
        label=gettext_lazy("Only these channels"), required=False,
        help_text=gettext_lazy("Separated by commas. Empty is every channel."),
    )  # fmt: skip
    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Only these segments"), required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tiers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_first_purchase = forms.BooleanField(label=gettext_lazy("First purchase only"), required=False)
    valid_from = forms.DateField(label=gettext_lazy("From day"), required=False, widget=DayInput())
    valid_until = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=DayInput())
    valid_days = forms.IntegerField(
        label=gettext_lazy("Days after issue"), required=False, min_value=1, max_value=MOST_SMALL,
        help_text=gettext_lazy("A code given to a customer ends with that day."),
    )  # fmt: skip
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Only on"), required=False, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    hour_from = forms.IntegerField(label=gettext_lazy("From hour"), required=False, min_value=0, max_value=24)
    hour_until = forms.IntegerField(
        label=gettext_lazy("Until hour"), required=False, min_value=0, max_value=24
    )
    uses_per_code = forms.IntegerField(
        label=gettext_lazy("Uses of a code"), required=False, max_value=MOST_TIMES, min_value=1, initial=1,
        help_text=gettext_lazy("Empty does not limit."),
    )  # fmt: skip
    uses_per_customer = forms.IntegerField(
        label=gettext_lazy("Uses by a customer"), required=False, max_value=MOST_TIMES, min_value=1
    )
    uses_per_period = forms.IntegerField(
        label=gettext_lazy("Uses by a customer in a period"),
        required=False,
        max_value=MOST_TIMES,
        min_value=1,
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Period"),
        choices=CouponPeriod.choices,
        initial=CouponPeriod.MONTH,
        help_text=gettext_lazy("Of your calendar; every limit in a period counts over this one."),
    )
    uses_per_code_period = forms.IntegerField(
        label=gettext_lazy("Uses of a code in a period"), required=False, max_value=MOST_TIMES, min_value=1
    )
    limit_uses_period = forms.IntegerField(
        label=gettext_lazy("Redemptions in a period"), required=False, min_value=1, max_value=10**15
    )
    limit_discount_period = forms.DecimalField(
        label=gettext_lazy("Discount in a period"), required=False, min_value=0, max_digits=18
    )
    limit_uses = forms.IntegerField(
        label=gettext_lazy("Redemptions in all"), required=False, min_value=1, max_value=10**15
    )
    limit_discount = forms.DecimalField(
        label=gettext_lazy("Discount in all"), required=False, min_value=0, max_digits=18
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Order of application"), min_value=0, max_value=MOST_SMALL, initial=100,
        help_text=gettext_lazy("Lower comes first."),
    )  # fmt: skip
    base = forms.ChoiceField(
        label=gettext_lazy("Computed on"), choices=CouponBase.choices, initial=CouponBase.REMAINING
    )
    exclusive_group = forms.CharField(
        label=gettext_lazy("Group of which one counts"), required=False, max_length=40
    )
    is_exclusive = forms.BooleanField(label=gettext_lazy("Not with any other coupon"), required=False)
    on_conflict = forms.ChoiceField(
        label=gettext_lazy("On a conflict"), choices=CouponConflict.choices, initial=CouponConflict.BEST_OF
    )
    generic_code = forms.CharField(
        label=gettext_lazy("A code for everybody"), required=False, max_length=60,
        help_text=gettext_lazy("Such as WELCOME10. Leave it empty when every customer gets a code."),
    )  # fmt: skip
    code_pattern = forms.CharField(
        label=gettext_lazy("Pattern of codes"), max_length=40, initial="####-####",
        help_text=gettext_lazy("Each # becomes a letter or digit nobody misreads; the last one checks."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=gettext_lazy("Offered"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: dict[str, list[str]] = {}
        fold(self, "kind", _KINDS_BY_FIELD)
        needed(self, "percent")
        offer_of(self, "campaign", choices_of.campaigns(), none=_("None"))
        for name, source, if_empty in (
            ("segments", choices_of.segments(), _("There are no segments yet.")),
            ("tiers", choices_of.of_program("tier", "tiers"), _("The program has no tiers.")),
        ):
            offer_of(self, name, source)
            if not source.find("", 1):
                self.fields[name].help_text = if_empty

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        begin, end = values.get("valid_from"), values.get("valid_until")
        if begin and end and end < begin:
            self.add_error("valid_until", _("The last day comes before the first."))
        return values

    def sections(self) -> list[tuple[str, list[Any]]]:
        """Return the fields in groups, as the page shows them, each with its warnings."""
        return [(str(title), [self._with_warnings(name) for name in names]) for title, names in SECTIONS]

    def _with_warnings(self, name: str) -> Any:
        field: Any = self[name]
        field.warnings = self.warnings.get(name, [])
        return field

    def warn(self, name: str, text: str) -> None:
        """Put a warning beside a field; unlike an error it does not keep the form from being saved."""
        self.warnings.setdefault(name, []).append(text)

    def terms(self, *, currency: str, zone: Any) -> DefinitionTerms:
        """Return what was typed as the service takes it: minor units, instants of local days."""
        values = self.cleaned_data
        money = {name: None if values[name] is None else to_minor(values[name], currency) for name in MONEY}
        until = values["valid_until"]
        return DefinitionTerms(
            name=values["name"],
            description=values["description"],
            kind=CouponKind(values["kind"]),
            percent_hundredths=int((values["percent"] or 0) * 100),
            amount_minor=money["amount"] or 0,
            max_discount_minor=money["max_discount"],
            categories=lines_of(values["categories"]),
            excluded_categories=lines_of(values["excluded_categories"]),
            free_quantity=values["free_quantity"] or 1,
            minimum_quantity=values["minimum_quantity"] or 0,
            minimum_spend_minor=money["minimum_spend"] or 0,
            channels=lines_of(values["channels"]),
            segments=values["segments"],
            tiers=values["tiers"],
            is_first_purchase=values["is_first_purchase"],
            valid_from=start_of_day(values["valid_from"], zone) if values["valid_from"] else None,
            valid_until=start_of_day(until + timedelta(days=1), zone) if until else None,
            valid_days=values["valid_days"],
            weekdays=[int(day) for day in values["weekdays"]],
            hour_from=values["hour_from"],
            hour_until=values["hour_until"],
            uses_per_code=values["uses_per_code"],
            uses_per_customer=values["uses_per_customer"],
            uses_per_period=values["uses_per_period"],
            uses_per_code_period=values["uses_per_code_period"],
            limit_uses_period=values["limit_uses_period"],
            limit_discount_period_minor=money["limit_discount_period"],
            period=CouponPeriod(values["period"]),
            limit_uses=values["limit_uses"],
            limit_discount_minor=money["limit_discount"],
            priority=values["priority"],
            base=CouponBase(values["base"]),
            exclusive_group=values["exclusive_group"],
            is_exclusive=values["is_exclusive"],
            on_conflict=CouponConflict(values["on_conflict"]),
            code_pattern=values["code_pattern"].strip().upper(),
            is_active=values["is_active"],
        )
