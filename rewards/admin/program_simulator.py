"""The simulator: one customer and one order, cart or event, played through a revision."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, Event, Order, Return
from rewards.admin import coupon_reasons, reasons
from rewards.admin.challenge_words import reward_in_words
from rewards.admin.coupon_reasons import CodeOutcome
from rewards.admin.money import to_minor
from rewards.admin.program import OneRevisionPage
from rewards.admin.tier_words import amount
from rewards.domain.coupon_pricing import MOST_CODES
from rewards.domain.programs import Revision
from rewards.domain.rules import Trigger
from rewards.models import ProgramRevision
from rewards.queries import programs, reports
from rewards.queries.outlooks import Outlook
from rewards.services import simulations
from rewards.services.simulations import CartLine, Case
from tenants.admin.forms import StaffForm, fold
from tenants.admin.frame import Crumb, show_errors
from tenants.admin.json_fields import OptionalJsonField
from tenants.errors import InvalidInput

_ORDER, _CART, _EVENT = "order", "cart", "event"
_RETURNED, _RECEIVED = "returned", "received"
_MOST_REVISIONS: Final = 10
_MOST_UNITS: Final = 1_000_000
_MOST_MONEY: Final = 10**12
_MOMENT: Final = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


_DAYS: Final = (Trigger.BIRTHDAY.value, Trigger.ANNIVERSARY.value, Trigger.ENROLMENT.value)
# What a kind of case asks for; the rest is folded away.
_KINDS_BY_FIELD: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("cart", "channel", "codes", "shipping"), (_CART,)),
    **dict.fromkeys(("customer", "at"), (_CART, _EVENT, Trigger.RETURN.value, *_DAYS)),
    "recorded": (_ORDER, _RETURNED, _RECEIVED),
    "event": (_EVENT,),
    "properties": (_EVENT, Trigger.RETURN.value),
}
_ASKED: Final = frozenset({"kind", "customer", "recorded", "at"})


class CaseForm(StaffForm):
    """Who, and what happens. A cart is typed a line at a time."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What happens"),
        choices=[
            (_CART, gettext_lazy("A cart you write")),
            (_ORDER, gettext_lazy("An order that was placed")),
            (_RETURNED, gettext_lazy("A return that was recorded")),
            (_RECEIVED, gettext_lazy("An event that was received")),
            (_EVENT, gettext_lazy("An event by its name")),
            (Trigger.RETURN.value, gettext_lazy("A return")),
            (Trigger.BIRTHDAY.value, gettext_lazy("The birthday")),
            (Trigger.ANNIVERSARY.value, gettext_lazy("The anniversary of joining")),
            (Trigger.ENROLMENT.value, gettext_lazy("Joining the program")),
        ],
    )
    customer = forms.CharField(
        label=gettext_lazy("Customer"), max_length=200, required=False,
        help_text=gettext_lazy("External id or e-mail; empty for somebody new or what was recorded."),
    )  # fmt: skip
    recorded = forms.CharField(
        label=gettext_lazy("Id of the order, return or event"), max_length=200, required=False,
        help_text=gettext_lazy("As it was sent; of an event the message id."),
    )  # fmt: skip
    at = forms.DateTimeField(
        label=gettext_lazy("When"), required=False, widget=_MOMENT,
        help_text=gettext_lazy("Now unless said; what was recorded has its own moment."),
    )  # fmt: skip
    cart = forms.CharField(
        label=gettext_lazy("Cart"), required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "GROCERY; 2; 12.50"}),
        help_text=gettext_lazy("A line each: item id or category; units; amount of the line."),
    )  # fmt: skip
    channel = forms.CharField(label=gettext_lazy("Channel"), max_length=60, required=False)
    codes = forms.CharField(
        label=gettext_lazy("Coupon codes"), max_length=620, required=False,
        help_text=gettext_lazy("For a cart you write: up to ten, separated by commas."),
    )  # fmt: skip
    shipping = forms.DecimalField(
        label=gettext_lazy("Shipping"), required=False, min_value=0, max_digits=18, decimal_places=3
    )
    event = forms.CharField(label=gettext_lazy("Name of the event"), max_length=100, required=False)
    properties = OptionalJsonField(
        label=gettext_lazy("Properties as JSON"), initial=dict,
        widget=forms.Textarea(attrs={"rows": 2, "class": "b-mono", "placeholder": '{"stars": 5}'}),
    )  # fmt: skip

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)
        fold(self, "kind", _KINDS_BY_FIELD)

    def clean_properties(self) -> dict[str, Any]:
        found = self.cleaned_data["properties"]
        if found in (None, ""):
            return {}
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Write an object: {…}."))
        return found

    def clean_cart(self) -> list[CartLine]:
        texts = filter(None, (line.strip() for line in self.cleaned_data["cart"].splitlines()))
        lines = [self._line(text) for text in texts]
        if not lines and self.cleaned_data.get("kind") == _CART:
            raise forms.ValidationError(_("Write at least one line."))
        known = set(simulations.known_items([what for what, _units, _minor in lines]))
        return [
            CartLine(minor, units, item=what if what in known else "", category="" if what in known else what)
            for what, units, minor in lines
        ]

    def _line(self, text: str) -> tuple[str, int, int]:
        """Return what is bought, how many and for how much in minor units."""
        try:
            what, units, amount = (part.strip() for part in text.split(";"))
            quantity, money = int(units), Decimal(amount)
            is_possible = what and 1 <= quantity <= _MOST_UNITS and 0 <= money <= _MOST_MONEY
        except (ValueError, InvalidOperation) as error:
            raise forms.ValidationError(_("Write each line as: item or category; units; amount.")) from error
        if not is_possible:
            raise forms.ValidationError(
                _("“%(line)s”: one unit or more, and an amount that can be paid."), params={"line": text[:80]}
            )
        return what, quantity, to_minor(money, self.currency) or 0

    def clean_codes(self) -> list[str]:
        codes = [code.strip() for code in self.cleaned_data["codes"].split(",") if code.strip()]
        if len(codes) > MOST_CODES:
            raise forms.ValidationError(_("At most %(most)s codes."), params={"most": MOST_CODES})
        return codes

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("kind") in {_ORDER, _RETURNED, _RECEIVED}:
            values["row"] = _recorded(values["kind"], values.get("recorded", "").strip())
            if values["row"] is None:
                self.add_error("recorded", _("Nothing was recorded under this id."))
            return values
        named = values.get("customer", "").strip()
        values["customer_row"] = _customer(named) if named else simulations.newcomer()
        if values["customer_row"] is None:
            self.add_error("customer", _("There is no such customer."))
        return values


def _recorded(kind: str, text: str) -> Order | Return | Event | None:
    if kind == _ORDER:
        return Order.objects.filter(external_id=text).first()
    if kind == _RETURNED:
        return Return.objects.filter(external_id=text).first()
    return Event.objects.filter(message_id=text).order_by("-occurred_at").first()


def _customer(text: str) -> Customer | None:
    found = Customer.objects.filter(Q(external_id=text) | Q(persons__email_lower=text.lower()))
    row: Customer | None = found.order_by("pk").first()
    return row


class SimulatePage(OneRevisionPage):
    """Ask a revision about one case; nothing is written."""

    title = gettext_lazy("Simulator")
    template_name = "backoffice/program/simulate.html"

    def crumbs(self) -> list[Crumb]:
        number = self.kwargs["number"]
        title = _("Revision %(number)s") % {"number": number}
        return [*super().crumbs(), Crumb(title, reverse("program_revision", args=[number]))]

    def _form(self, data: Any = None) -> CaseForm:
        initial = {name: value for name, value in self.request.GET.items() if name in _ASKED}
        return CaseForm(data, currency=self.access.tenant.currency, initial=initial)

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        return self._page(self._form())

    def post(self, request: HttpRequest, number: int) -> HttpResponseBase:
        form = self._form(request.POST)
        if form.is_valid():
            try:
                return self._page(form, **self._answer(form.cleaned_data))
            except InvalidInput as error:
                show_errors(form, error, {})
        return self._page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _page(self, form: CaseForm, **values: Any) -> HttpResponseBase:
        others = ProgramRevision.objects.exclude(number=self.row.number).order_by("-number")
        numbers = others.values_list("number", flat=True)[:_MOST_REVISIONS]
        return self.page(row=self.row, form=form, others=numbers, **values)

    def _answer(self, values: dict[str, Any]) -> dict[str, Any]:
        revision = programs.bind(self.row)
        case = self._evaluated(values, revision)
        evaluation = case.evaluation
        record = case.record
        names = {rule.key: rule.name for rule in revision.revision.rules}
        return {
            "evaluation": evaluation,
            "outlook": self._outlook(case.outlook, revision.revision) if case.outlook else None,
            "record": record,
            "outcomes": reasons.outcomes(record, names, self.access.tenant.currency),
            "wallets": [
                (policy.name, record["given"][policy.key])
                for policy in revision.revision.wallets
                if policy.key in record["given"]
            ],
            "tier": next((each.name for each in revision.revision.tiers if each.key == record["tier"]), ""),
            "decided": reports.decision_about(values["row"]) if "row" in values else None,
            "coupons": self._coupons(values) if values["kind"] == _CART and values["codes"] else None,
        }

    def _outlook(self, outlook: Outlook, revision: Revision) -> dict[str, Any]:
        """Return what the case would do to challenges and the tier, in words."""
        criteria = {criterion.key: criterion for criterion in revision.qualification.criteria}
        missing = outlook.tier.missing if outlook.tier else {}
        currency = self.access.tenant.currency
        return {
            "challenges": [
                (
                    each,
                    [reward_in_words(reward) for reward in each.rewards],
                    [reasons.withheld_gift(gift.to_json()) for gift in each.kept_back],
                )
                for each in outlook.challenges
            ],
            "tier": outlook.tier,
            "missing": ", ".join(amount(criteria[key], need, currency) for key, need in missing.items()),
        }

    def _coupons(self, values: dict[str, Any]) -> list[CodeOutcome]:
        """Return what the codes would do in the cart; looking takes no use."""
        tenant = self.access.tenant
        evaluation = simulations.of_coupons(
            customer=values["customer_row"],
            lines=values["cart"],
            shipping_minor=to_minor(values["shipping"], tenant.currency) or 0,
            channel=values["channel"],
            codes=values["codes"],
            at=values["at"] or timezone.now(),
        )
        return coupon_reasons.outcomes(evaluation, tenant.currency)

    def _evaluated(self, values: dict[str, Any], revision: Any) -> Case:
        row = values.get("row")
        if isinstance(row, Order):
            return simulations.of_order(order=row, revision=revision)
        if isinstance(row, Return):
            return simulations.of_return(document=row, revision=revision)
        if isinstance(row, Event):
            return simulations.of_recorded_event(event=row, revision=revision)
        customer, at = values["customer_row"], values["at"] or timezone.now()
        if values["kind"] == _CART:
            return simulations.of_cart(
                customer=customer, lines=values["cart"], channel=values["channel"], at=at, revision=revision
            )
        is_event = values["kind"] == _EVENT
        return simulations.of_event(
            customer=customer,
            trigger=Trigger(values["kind"]),
            name=values["event"] if is_event else "",
            properties=values["properties"],
            at=at,
            revision=revision,
        )
