"""The reward catalogue: what points buy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Segment
from rewards.admin import offer_drafts
from rewards.domain.expiry import start_of_day
from rewards.domain.offers import OfferedReward
from rewards.domain.offers import RewardKind as OfferedKind
from rewards.models import CouponDefinition, Redemption, Reward, RewardKind, Wallet
from rewards.queries import governed, programs
from rewards.services import catalogue
from rewards.services.catalogue import MOST_PIECES, MOST_POINTS, RewardOffer
from tenants.admin.forms import StaffForm, offer
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.keys import key_from
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission


class RewardForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=RewardKind.choices)
    wallet = forms.ChoiceField(label=gettext_lazy("Paid from"))
    cost_points = forms.IntegerField(label=gettext_lazy("Cost in points"), min_value=1, max_value=MOST_POINTS)
    stock = forms.IntegerField(
        label=gettext_lazy("Stock"),
        min_value=0,
        max_value=MOST_PIECES,
        required=False,
        show_hidden_initial=True,
        help_text=gettext_lazy("Empty is unlimited."),
    )
    coupon_definition = forms.ChoiceField(
        label=gettext_lazy("Hands out a code of"), required=False,
        help_text=gettext_lazy("For coupons and gift cards: the customer gets the code at once."),
    )  # fmt: skip
    limit_per_customer = forms.IntegerField(
        label=gettext_lazy("Times a customer"), required=False, min_value=1, max_value=MOST_PIECES
    )
    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Only these segments"), required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tiers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    valid_from = forms.DateField(
        label=gettext_lazy("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    valid_until = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    needs_shipping = forms.BooleanField(label=gettext_lazy("Is packed and shipped"), required=False)
    is_active = forms.BooleanField(label=gettext_lazy("Offered to customers"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallets = list(Wallet.objects.order_by("pk").values_list("key", "name"))
        attached = self.initial.get("coupon_definition", "")
        coupons = CouponDefinition.objects.filter(Q(is_active=True) | Q(key=attached)).order_by("-pk")
        published = programs.published()
        tiers = published.revision.tiers if published else ()
        for name, choices in (
            ("wallet", wallets),
            ("coupon_definition", [("", _("None")), *coupons.values_list("key", "name")[:500]]),
            ("segments", list(Segment.objects.order_by("name").values_list("key", "name"))),
            ("tiers", [(tier.key, tier.name) for tier in tiers]),
        ):
            offer(self, name, choices)
        self.other_wallets = wallets if len(wallets) > 1 else []
        for key, label in self.other_wallets:
            self.fields[f"price_{key}"] = forms.IntegerField(
                label=_("Or for points of %(wallet)s") % {"wallet": label},
                required=False,
                min_value=1,
                max_value=MOST_POINTS,
            )

    def offer(self, zone: Any) -> RewardOffer:
        """Return who may have the reward, when and at which other prices."""
        values = self.cleaned_data
        until = values["valid_until"]
        prices = {key: values[f"price_{key}"] for key, _name in self.other_wallets if key != values["wallet"]}
        return RewardOffer(
            coupon_definition=values["coupon_definition"],
            segments=values["segments"],
            tiers=values["tiers"],
            limit_per_customer=values["limit_per_customer"],
            valid_from=start_of_day(values["valid_from"], zone) if values["valid_from"] else None,
            valid_until=start_of_day(until + timedelta(days=1), zone) if until else None,
            needs_shipping=values["needs_shipping"],
            prices={key: points for key, points in prices.items() if points},
        )


class RewardsPage(ListPage):
    """Rewards with their cost, stock and how often they were taken."""

    permission = Permission.REWARDS_VIEW
    title = gettext_lazy("Rewards")
    template_name = "backoffice/rewards/list.html"
    orderings = {"name": ("name", "id"), "cost": ("cost_points", "id")}
    default_ordering = "cost"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Reward]:
        return Reward.objects.select_related("wallet")

    def beside(self, page: Page[Reward]) -> dict[str, Any]:
        rewards = list(page.object_list)
        taken = dict(
            Redemption.objects.filter(reward__in=rewards)
            .exclude(state="cancelled")
            .values_list("reward_id")
            .annotate(count=Count("pk"))
            .order_by()
        )
        return {"rewards": [(reward, taken.get(reward.pk, 0)) for reward in rewards]}


class _RewardFormPage(FormPage):
    permission = Permission.PROGRAM_EDIT
    template_name = "backoffice/rewards/form.html"
    form_class = RewardForm
    field_by_pointer = {"/coupon": "coupon_definition"}
    key = ""

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Rewards"), reverse("rewards"))]

    def save(self, form: Any) -> str:
        values = form.cleaned_data
        if self.key and governed.governs_reward(self.key):
            return self._save_in_draft(form)
        reward = catalogue.save_reward(
            key=self.key or key_from(values["name"], set(Reward.objects.values_list("key", flat=True))),
            name=values["name"],
            description=values["description"],
            kind=RewardKind(values["kind"]),
            wallet_key=values["wallet"],
            cost_points=values["cost_points"],
            stock=values["stock"],
            keeps_stock=bool(self.key) and "stock" not in form.changed_data,
            is_active=values["is_active"],
            offer=form.offer(self.access.tenant.zone),
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(self.request, _("“%(name)s” is saved.") % {"name": reward.name})
        return reverse("rewards")

    def _save_in_draft(self, form: Any) -> str:
        """Stock is counted live; everything else is the program's."""
        values, offer = form.cleaned_data, form.offer(self.access.tenant.zone)
        if "stock" in form.changed_data:
            reward = Reward.objects.get(key=self.key)
            catalogue.set_stock(reward=reward, stock=values["stock"], by=self.access.actor, at=timezone.now())
        written = OfferedReward(
            key=self.key,
            name=values["name"],
            kind=OfferedKind(values["kind"]),
            wallet=values["wallet"],
            cost_points=values["cost_points"],
            description=values["description"],
            prices=offer.prices,
            coupon=offer.coupon_definition,
            segments=tuple(offer.segments),
            tiers=tuple(offer.tiers),
            limit_per_customer=offer.limit_per_customer,
            needs_shipping=offer.needs_shipping,
            valid_from=offer.valid_from,
            valid_until=offer.valid_until,
            is_active=values["is_active"],
        )
        published = programs.published()
        if published and written in [replace(each, stock=None) for each in published.revision.rewards]:
            messages.success(self.request, _("“%(name)s” is saved.") % {"name": written.name})
            return reverse("rewards")
        return offer_drafts.put(self, written)


class CreatePage(_RewardFormPage):
    title = gettext_lazy("New reward")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.page(form=self.form(), has_wallet=Wallet.objects.exists())


class EditPage(_RewardFormPage):
    """Change a reward; its key stays, so redemptions keep their reward."""

    @cached_property
    def reward(self) -> Reward:
        rewards = Reward.objects.select_related("wallet", "coupon_definition")
        found: Reward = get_object_or_404(rewards, public_id=self.kwargs["public_id"])
        return found

    def initial(self) -> dict[str, Any]:
        reward, zone = self.reward, self.access.tenant.zone
        prices = reward.prices.select_related("wallet")
        return {
            "name": reward.name,
            "description": reward.description,
            "kind": reward.kind,
            "wallet": reward.wallet.key,
            "cost_points": reward.cost_points,
            "stock": reward.stock,
            "is_active": reward.is_active,
            "coupon_definition": reward.coupon_definition.key if reward.coupon_definition else "",
            "limit_per_customer": reward.limit_per_customer,
            "segments": reward.segments,
            "tiers": reward.tiers,
            "valid_from": reward.valid_from.astimezone(zone).date() if reward.valid_from else None,
            "valid_until": reward.valid_until.astimezone(zone).date() - timedelta(days=1)
            if reward.valid_until
            else None,
            "needs_shipping": reward.needs_shipping,
            **{f"price_{price.wallet.key}": price.cost_points for price in prices},
        }

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title = self.reward.name
        return self.page(form=self.form())

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title, self.key = self.reward.name, self.reward.key
        return super().post(request, public_id=public_id)
