"""The reward catalogue: what points buy."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import choices_of, offer_drafts
from rewards.domain.expiry import start_of_day
from rewards.domain.offers import OfferedReward, is_same
from rewards.domain.offers import RewardKind as OfferedKind
from rewards.models import Redemption, Reward, RewardKind
from rewards.queries import catalogue as rewards_for_sale
from rewards.queries import configured
from rewards.services import catalogue
from rewards.services.catalogue import MOST_PIECES, MOST_POINTS
from tenants.admin.forms import DayInput, StaffForm, offer
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.keys import key_from
from tenants.admin.lists import ListPage
from tenants.admin.pickers import offer_of
from tenants.admin.untouched import sent
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
    coupon = forms.ChoiceField(
        label=gettext_lazy("Hands out a code of"), required=False,
        help_text=gettext_lazy("For coupons and gift cards: the customer gets the code at once."),
    )  # fmt: skip
    limit_per_customer = forms.IntegerField(
        label=gettext_lazy("Most times for one customer"), required=False, min_value=1, max_value=MOST_PIECES
    )
    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Only these segments"), required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tiers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    valid_from = forms.DateField(label=gettext_lazy("From day"), required=False, widget=DayInput())
    valid_until = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=DayInput())
    needs_shipping = forms.BooleanField(label=gettext_lazy("Is packed and shipped"), required=False)
    is_active = forms.BooleanField(label=gettext_lazy("Offered to customers"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        revision = configured.latest()
        wallets = [(wallet.key, wallet.name) for wallet in revision.wallets] if revision else []
        tiers = revision.tiers if revision else ()
        offer(self, "wallet", wallets)
        offer(self, "tiers", [(tier.key, tier.name) for tier in tiers])
        offer_of(self, "coupon", choices_of.coupons(), none=_("None"))
        offer_of(self, "segments", choices_of.segments())
        self.other_wallets = wallets if len(wallets) > 1 else []
        for key, label in self.other_wallets:
            self.fields[f"price_{key}"] = forms.IntegerField(
                label=_("Or for points of %(wallet)s") % {"wallet": label},
                required=False,
                min_value=1,
                max_value=MOST_POINTS,
            )

    def offered(self, key: str, zone: Any) -> OfferedReward:
        """Return what was typed as the program has it."""
        values = self.cleaned_data
        until = values["valid_until"]
        prices = {key: values[f"price_{key}"] for key, _name in self.other_wallets if key != values["wallet"]}
        same = {
            name: values[name]
            for name in (
                "name", "description", "wallet", "cost_points", "coupon", "limit_per_customer",
                "needs_shipping", "is_active",
            )
        }  # fmt: skip
        return OfferedReward(
            key=key,
            kind=OfferedKind(values["kind"]),
            segments=tuple(values["segments"]),
            tiers=tuple(values["tiers"]),
            valid_from=start_of_day(values["valid_from"], zone) if values["valid_from"] else None,
            valid_until=start_of_day(until + timedelta(days=1), zone) if until else None,
            prices={key: points for key, points in prices.items() if points},
            **same,
        )


class RewardsPage(ListPage):
    """Rewards with their cost, stock and how often they were taken."""

    permission = Permission.REWARDS_VIEW
    title = gettext_lazy("Rewards")
    template_name = "backoffice/rewards/list.html"
    orderings = {"name": ("name", "id"), "cost": ("cost_points", "id")}
    default_ordering = "cost"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Reward]:
        return rewards_for_sale.rewards()

    def beside(self, page: Page[Reward]) -> dict[str, Any]:
        rewards = list(page.object_list)
        taken = dict(
            Redemption.objects.filter(reward__in=rewards)
            .exclude(state="cancelled")
            .values_list("reward_id")
            .annotate(count=Count("pk"))
            .order_by()
        )
        return {
            "rewards": [
                (reward, taken.get(reward.pk, 0), rewards_for_sale.brake_on(reward, timezone.now()))
                for reward in rewards
            ],
            "waiting": configured.waiting("rewards"),
        }


class _RewardFormPage(FormPage):
    permission = Permission.PROGRAM_EDIT
    template_name = "backoffice/rewards/form.html"
    form_class = RewardForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Rewards"), reverse("rewards"))]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "draft_number": offer_drafts.draft_number()}


class CreatePage(_RewardFormPage):
    title = gettext_lazy("New reward")

    def save(self, form: Any) -> str:
        taken = configured.keys("rewards")
        offer = form.offered(key_from(form.cleaned_data["name"], taken), self.access.tenant.zone)
        return offer_drafts.put(self, replace(offer, stock=form.cleaned_data["stock"]))


class EditPage(_RewardFormPage):
    """Change a reward; its key stays, so redemptions keep their reward."""

    @cached_property
    def reward(self) -> Reward | None:
        """The reward in force, if it is there already."""
        if "key" in self.kwargs:
            found: Reward | None = Reward.objects.filter(key=self.kwargs["key"]).first()
            return found
        row: Reward = get_object_or_404(Reward.objects.all(), public_id=self.kwargs["public_id"])
        return row

    @cached_property
    def offer(self) -> OfferedReward:
        return configured.reward(self.reward.key if self.reward else self.kwargs["key"])

    def initial(self) -> dict[str, Any]:
        offer, zone = self.offer, self.access.tenant.zone
        until = offer.valid_until
        return {
            **{each.name: getattr(offer, each.name) for each in fields(offer)},
            "segments": list(offer.segments),
            "tiers": list(offer.tiers),
            "stock": self.reward.stock if self.reward else offer.stock,
            "valid_from": offer.valid_from.astimezone(zone).date() if offer.valid_from else None,
            "valid_until": until.astimezone(zone).date() - timedelta(days=1) if until else None,
            **{f"price_{key}": points for key, points in offer.prices.items()},
        }

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        new = None if self.reward else self.offer.key
        return {**super().context(), "title": self.offer.name, "new_key": new, "section": "rewards"}

    def save(self, form: Any) -> str:
        offer = self._changed(form)
        if self.reward is None:
            return offer_drafts.put(self, replace(offer, stock=form.cleaned_data["stock"]))
        if "stock" in form.changed_data:
            # Stock is counted live; everything else is the program's.
            catalogue.set_stock(
                reward=self.reward, stock=form.cleaned_data["stock"], by=self.access.actor, at=timezone.now()
            )
            if is_same(offer, self.offer):
                messages.success(self.request, _("“%(name)s” is saved.") % {"name": offer.name})
                return reverse("rewards")
        return offer_drafts.put(self, replace(offer, stock=self.offer.stock))

    def _changed(self, form: Any) -> OfferedReward:
        """Return the reward as it was but for what was changed in the form."""
        zone, shown = self.access.tenant.zone, cast("RewardForm", self.form(sent(self.form())))
        typed: OfferedReward = form.offered(self.offer.key, zone)
        if not shown.is_valid():
            return typed
        return offer_drafts.changed(self.offer, shown.offered(self.offer.key, zone), typed)
