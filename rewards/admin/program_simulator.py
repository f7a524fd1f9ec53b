"""The simulator: one customer and one order, cart or event, played through a revision."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, Order
from rewards.admin import reasons
from rewards.admin.money import to_minor
from rewards.admin.program import OneRevisionPage
from rewards.domain.decisions import Evaluation
from rewards.domain.rules import Trigger
from rewards.queries import programs
from rewards.services import simulations
from rewards.services.simulations import CartLine
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, show_errors
from tenants.errors import InvalidInput

_ORDER, _CART, _EVENT = "order", "cart", "event"


class CaseForm(StaffForm):
    """Who, and what happens. A cart is typed a line at a time."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What happens"),
        choices=[
            (_CART, gettext_lazy("A cart you write")),
            (_ORDER, gettext_lazy("An order that was placed")),
            (_EVENT, gettext_lazy("An event by its name")),
            (Trigger.RETURN.value, gettext_lazy("A return")),
            (Trigger.BIRTHDAY.value, gettext_lazy("The birthday")),
            (Trigger.ANNIVERSARY.value, gettext_lazy("The anniversary of joining")),
            (Trigger.ENROLMENT.value, gettext_lazy("Joining the program")),
        ],
    )
    customer = forms.CharField(
        label=gettext_lazy("Customer"), max_length=200, required=False,
        help_text=gettext_lazy("External id or e-mail; not needed for an order that was placed."),
    )  # fmt: skip
    order = forms.CharField(label=gettext_lazy("Order id"), max_length=200, required=False)
    cart = forms.CharField(
        label=gettext_lazy("Cart"), required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "GROCERY; 2; 12.50"}),
        help_text=gettext_lazy("A line each: item id or category; units; amount of the line."),
    )  # fmt: skip
    channel = forms.CharField(label=gettext_lazy("Channel"), max_length=60, required=False)
    event = forms.CharField(label=gettext_lazy("Name of the event"), max_length=100, required=False)
    properties = forms.JSONField(
        label=gettext_lazy("Properties as JSON"), required=False, initial=dict,
        widget=forms.Textarea(attrs={"rows": 2, "class": "b-mono", "placeholder": '{"stars": 5}'}),
    )  # fmt: skip

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)

    def clean_properties(self) -> dict[str, Any]:
        found = self.cleaned_data["properties"]
        if found in (None, ""):
            return {}
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Write an object: {…}."))
        return found

    def clean_cart(self) -> list[CartLine]:
        lines = []
        for text in filter(None, (line.strip() for line in self.cleaned_data["cart"].splitlines())):
            parts = [part.strip() for part in text.split(";")]
            try:
                what, units, amount = parts
                minor = to_minor(Decimal(amount), self.currency) or 0
                lines.append((what, int(units), minor))
            except (ValueError, InvalidOperation) as error:
                raise forms.ValidationError(
                    _("Write each line as: item or category; units; amount.")
                ) from error
        known = set(simulations.known_items([what for what, _units, _minor in lines]))
        return [
            CartLine(minor, units, item=what if what in known else "", category="" if what in known else what)
            for what, units, minor in lines
        ]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("kind") == _ORDER:
            values["order_row"] = Order.objects.filter(external_id=values.get("order", "").strip()).first()
            if values["order_row"] is None:
                self.add_error("order", _("There is no such order."))
            return values
        values["customer_row"] = _customer(values.get("customer", "").strip())
        if values["customer_row"] is None:
            self.add_error("customer", _("There is no such customer."))
        return values


def _customer(text: str) -> Customer | None:
    if not text:
        return None
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
        asked = self.request.GET
        initial = {"customer": asked.get("customer", ""), "order": asked.get("order", "")}
        if initial["order"]:
            initial["kind"] = _ORDER
        return CaseForm(data, currency=self.access.tenant.currency, initial=initial)

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        return self.page(row=self.row, form=self._form())

    def post(self, request: HttpRequest, number: int) -> HttpResponseBase:
        form = self._form(request.POST)
        if form.is_valid():
            try:
                return self.page(row=self.row, form=form, **self._answer(form.cleaned_data))
            except InvalidInput as error:
                show_errors(form, error, {})
        return self.page(row=self.row, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _answer(self, values: dict[str, Any]) -> dict[str, Any]:
        revision = programs.bind(self.row)
        evaluation = self._evaluated(values, revision)
        record = evaluation.decision.to_json()
        names = {rule.key: rule.name for rule in revision.revision.rules}
        return {
            "evaluation": evaluation,
            "record": record,
            "outcomes": reasons.outcomes(record, names, self.access.tenant.currency),
            "wallets": list(record["given"].items()),
        }

    def _evaluated(self, values: dict[str, Any], revision: Any) -> Evaluation:
        if values["kind"] == _ORDER:
            return simulations.of_order(order=values["order_row"], revision=revision)
        customer, at = values["customer_row"], timezone.now()
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
