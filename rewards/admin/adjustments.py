"""Points by hand: with a reason, once per form however often it is sent."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer
from rewards.models import Account, Wallet
from rewards.services import points
from rewards.services.errors import ApprovalRequired
from tenants.admin import formats
from tenants.admin.forms import OnceForm, offer
from tenants.admin.frame import Crumb, FormPage
from tenants.domain.permissions import Permission

_GIVE, _TAKE = "give", "take"
_DIRECTIONS: Final = [(_GIVE, gettext_lazy("Give points")), (_TAKE, gettext_lazy("Take points"))]


class AdjustForm(OnceForm):
    wallet = forms.ChoiceField(label=gettext_lazy("Wallet"))
    direction = forms.ChoiceField(label=gettext_lazy("What to do"), choices=_DIRECTIONS, initial=_GIVE)
    points = forms.IntegerField(
        label=gettext_lazy("Points"), min_value=1, max_value=points.LARGEST_ADJUSTMENT,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the ledger and the audit log; colleagues will read it."),
    )  # fmt: skip

    def __init__(self, *args: Any, wallets: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "wallet", wallets)
        if len(wallets) == 1:
            self.fields["wallet"].widget = forms.HiddenInput()
            self.fields["wallet"].initial = wallets[0][0]

    @property
    def signed_points(self) -> int:
        amount = int(self.cleaned_data["points"])
        return amount if self.cleaned_data["direction"] == _GIVE else -amount


class AdjustPage(FormPage):
    """Give or take points of one customer."""

    permission = Permission.POINTS_ADJUST
    title = gettext_lazy("Adjust points")
    template_name = "backoffice/customers/adjust.html"

    @cached_property
    def customer(self) -> Customer:
        customers = Customer.objects.prefetch_related("persons")
        found: Customer = get_object_or_404(customers, public_id=self.kwargs["public_id"])
        return found

    def crumbs(self) -> list[Crumb]:
        if "public_id" not in self.kwargs or not self.access.can(self.permission):
            return []
        return [
            Crumb(_("Customers"), reverse("customers")),
            Crumb(self.customer.display_name, reverse("customer", args=[self.customer.public_id])),
        ]

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        accounts = Account.objects.filter(customer=self.customer).select_related("wallet")
        return {**super().context(), "customer": self.customer, "accounts": accounts.order_by("pk")}

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        return self.page(form=self.form(), has_wallet=Wallet.objects.exists())

    def form(self, data: Any = None) -> AdjustForm:
        wallets = list(Wallet.objects.order_by("pk").values_list("key", "name"))
        # The customer first: a form for somebody who does not exist must not be shown.
        _found = self.customer
        return AdjustForm(data, wallets=wallets)

    def save(self, form: Any) -> str:
        asked: dict[str, Any] = {
            "customer": self.customer,
            "points": form.signed_points,
            "reason": form.cleaned_data["reason"],
            "wallet_key": form.cleaned_data["wallet"],
            "idempotency_key": form.cleaned_data["token"],
            "by": self.access.actor,
            "at": timezone.now(),
        }
        try:
            posting = points.adjust(**asked)
        except ApprovalRequired as refusal:
            points.request(**asked)
            text = _("More than %(limit)s points need another person: your request waits for approval.")
            messages.success(self.request, text % {"limit": formats.number(refusal.extra["limit"])})
            return reverse("customer", args=[self.customer.public_id])
        balance = formats.number(posting.available)
        if posting.is_new:
            text = _("Posted. The balance is now %(balance)s points.")
        else:
            text = _(
                "This form was already posted once; nothing was added. The balance is %(balance)s points."
            )
        messages.success(self.request, text % {"balance": balance})
        return reverse("customer", args=[self.customer.public_id])
