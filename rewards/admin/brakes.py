"""The emergency brake: what is paused or tightened until the next publication, and how to do it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.domain.brakes import Brake, BrakeKind, holding
from rewards.domain.policies import LONGEST_WINDOW_HOURS, MOST_IN_WINDOW, Pace
from rewards.models import CouponCampaign, CouponDefinition, ProgramRevision, Reward, VelocityKind
from rewards.queries import programs
from rewards.services import brakes, velocity
from tenants.admin import formats
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.pickers import Listed, Pair, Source, offer_of
from tenants.domain.permissions import Permission

_LABELS: Final = {
    BrakeKind.LIMIT: gettext_lazy("Tighten a velocity limit"),
    BrakeKind.RULE: gettext_lazy("Pause a rule"),
    BrakeKind.COUPON: gettext_lazy("Pause a coupon"),
    BrakeKind.CAMPAIGN: gettext_lazy("Pause a coupon campaign"),
    BrakeKind.REWARD: gettext_lazy("Pause a reward"),
}
_MODEL: Final[Mapping[BrakeKind, Any]] = {
    BrakeKind.COUPON: CouponDefinition, BrakeKind.CAMPAIGN: CouponCampaign, BrakeKind.REWARD: Reward,
}  # fmt: skip


class BrakeForm(StaffForm):
    what = forms.ChoiceField(label=gettext_lazy("What"))
    most = forms.IntegerField(
        label=gettext_lazy("At most"), required=False, min_value=0, max_value=MOST_IN_WINDOW,
        help_text=gettext_lazy("Of a limit: tighter than now. 0 lets nothing pass without a review."),
    )  # fmt: skip
    window_hours = forms.IntegerField(
        label=gettext_lazy("Within hours"), required=False, min_value=1, max_value=LONGEST_WINDOW_HOURS
    )
    hours = forms.IntegerField(
        label=gettext_lazy("Ends after hours"), required=False, min_value=1,
        max_value=int(brakes.LONGEST / timedelta(hours=1)),
        help_text=gettext_lazy("Empty is until the next publication, which ends every brake."),
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Kept in the audit log; colleagues will read it."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_of(self, "what", source())


def source() -> Source:
    """Return what can be braked: limits, rules, then coupons and campaigns from the newest."""
    return Listed("brake", [pair for kind in _LABELS for pair in _choices(kind)])


def _choices(kind: BrakeKind) -> list[Pair]:
    published = programs.published()
    pairs: list[Pair]
    if kind is BrakeKind.LIMIT:
        pairs = [
            (
                each.kind.value,
                f"{VelocityKind(each.kind.value).label} ({_pace(each.most, each.window_hours)})",
            )
            for each in velocity.limits(at=timezone.now()).values()
        ]
    elif kind is BrakeKind.RULE:
        pairs = [(rule.key, rule.name) for rule in published.revision.rules] if published else []
    else:
        rows = _MODEL[kind].objects.order_by("-pk")
        if kind is not BrakeKind.CAMPAIGN:
            rows = rows.filter(is_active=True)
        pairs = list(rows.values_list("key", "name"))
    label = _("%(what)s: %(name)s")
    return [(f"{kind.value}:{key}", label % {"what": _LABELS[kind], "name": name}) for key, name in pairs]


def _pace(most: int, hours: int) -> str:
    return _("%(most)s in %(hours)s hours") % {
        "most": formats.number(most), "hours": formats.number(hours),
    }  # fmt: skip


def shown(row: ProgramRevision | None) -> list[dict[str, Any]]:
    """Return the brakes that are on the revision in force, as the pages of the program tell of them."""
    on = holding(row.brakes, timezone.now()).on if row else ()
    names = {f"{kind.value}:{key}": name for kind in _LABELS for key, name in _named(kind, on)}
    return [
        {
            "brake": brake,
            "id": f"{brake.kind.value}:{brake.key}",
            "name": names.get(f"{brake.kind.value}:{brake.key}", brake.key),
            "pace": _pace(brake.limit.most, brake.limit.window_hours) if brake.limit else "",
        }
        for brake in on
    ]


def _named(kind: BrakeKind, on: tuple[Brake, ...]) -> list[tuple[str, str]]:
    keys = [brake.key for brake in on if brake.kind is kind]
    if not keys:
        return []
    if kind is BrakeKind.LIMIT:
        return [(each.value, str(VelocityKind(each.value).label)) for each in Pace]
    if kind is BrakeKind.RULE:
        published = programs.published()
        return [(rule.key, rule.name) for rule in published.revision.rules] if published else []
    return list(_MODEL[kind].objects.filter(key__in=keys).values_list("key", "name"))


class BrakePage(FormPage):
    """Pull the brake at once; everything else of the program goes through a draft."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Emergency brake")
    template_name = "backoffice/program/brake.html"
    form_class = BrakeForm
    field_by_pointer = {"/key": "what", "/until": "hours"}

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "brakes": shown(programs.current())}

    def save(self, form: Any) -> str:
        values, now = form.cleaned_data, timezone.now()
        kind, _colon, key = values["what"].partition(":")
        brakes.pull(
            kind=BrakeKind(kind),
            key=key,
            reason=values["reason"],
            until=now + timedelta(hours=values["hours"]) if values["hours"] else None,
            most=values["most"],
            window_hours=values["window_hours"],
            by=self.access.actor,
            at=now,
        )
        messages.success(self.request, _("The brake is on."))
        return reverse("program")


class ReleasePage(StaffPage):
    """Let what was approved hold again."""

    http_method_names = ["post", "options"]
    permission = Permission.PROGRAM_EDIT

    def after_error(self) -> str:
        return reverse("program")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        kind, _colon, key = request.POST.get("what", "").partition(":")
        if kind in list(BrakeKind):
            brakes.release(kind=BrakeKind(kind), key=key, by=self.access.actor, at=timezone.now())
            messages.success(request, _("The brake is off."))
        return redirect("program")
