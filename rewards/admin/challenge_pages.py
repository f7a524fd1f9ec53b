"""Challenges in force: the funnel of each, and how far customers are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer
from rewards.admin import challenge_words as words
from rewards.domain.challenges.definition import Challenge
from rewards.models import ChallengeProgress
from rewards.queries import challenges, programs
from rewards.queries.challenges import Funnel
from rewards.services import challenges as services
from tenants.admin import formats
from tenants.admin.charts import Series, chart
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission

_LATEST = 12
_PERCENT = 100


def described(challenge: Challenge, funnel: Funnel, currency: str) -> dict[str, Any]:
    """Return what a row shows of a challenge."""
    return {
        "challenge": challenge,
        "goal": words.goal_in_words(challenge, currency),
        "when": words.when_in_words(challenge),
        "rewards": [words.reward_in_words(reward) for reward in challenge.rewards],
        "funnel": funnel,
        "rate": _PERCENT * funnel.completed // funnel.counted if funnel.counted else 0,
    }


class ChallengesPage(StaffPage):
    """Every challenge of the published program with its figures."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("Challenges")
    template_name = "backoffice/challenges/list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        published = programs.published()
        found = published.revision.challenges if published else ()
        funnels = challenges.funnels([challenge.key for challenge in found])
        currency = self.access.tenant.currency
        rows = [described(each, funnels.get(each.key, Funnel()), currency) for each in found]
        return self.page(rows=rows, has_program=published is not None)


class ChallengePage(StaffPage):
    """One challenge: funnel, spread of progress, and who moved last."""

    permission = Permission.PROGRAM_VIEW
    template_name = "backoffice/challenges/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Challenges"), reverse("challenges"))]

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        published = programs.published()
        found = published.revision.challenges if published else ()
        challenge = next((each for each in found if each.key == key), None)
        if challenge is None:
            raise Http404
        self.title = challenge.name
        funnel = challenges.funnels([key]).get(key, Funnel())
        latest = ChallengeProgress.objects.filter(challenge_key=key).select_related("customer")
        return self.page(
            row=described(challenge, funnel, self.access.tenant.currency),
            steps=_steps(funnel),
            spread=_spread(key),
            latest=latest.prefetch_related("customer__persons").order_by("-updated_at", "-id")[:_LATEST],
        )


class CustomerChallengePage(StaffPage):
    """Entering a customer into a challenge that asks for it, or taking them out, on their request."""

    http_method_names = ["post", "options"]
    permission = Permission.CHALLENGES_EDIT
    title = gettext_lazy("Take part in a challenge")

    def after_error(self) -> str:
        return reverse("customer", args=[self.kwargs["public_id"]])

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        key = request.POST.get("challenge", "").replace("\0", "")[:60]
        service, text = (
            (services.opt_out, _("The customer takes part no more."))
            if "leave" in request.POST
            else (services.opt_in, _("The customer takes part from now on."))
        )
        service(customer=customer, key=key, by=self.access.actor, at=timezone.now())
        messages.success(request, text)
        return redirect("customer", customer.public_id)


def _steps(funnel: Funnel) -> list[tuple[str, int, int]]:
    """Return label, count and share of the first step."""
    steps = [
        (_("Joined"), funnel.joined),
        (_("Made progress"), funnel.in_progress),
        (_("Completed"), funnel.completed),
    ]
    whole = max(funnel.joined, 1)
    return [(label, count, min(_PERCENT, _PERCENT * count // whole)) for label, count in steps]


def _spread(key: str) -> Any:
    labels = [f"{tenth * 10} %" for tenth in range(11)]
    return chart(
        title=_("Progress of all periods"),
        axis=_("Goal"),
        labels=labels,
        series=[Series(_("Periods"), challenges.spread(key), lambda value: formats.number(int(value)))],
        write_scale=lambda value: formats.number(int(value)),
    )
