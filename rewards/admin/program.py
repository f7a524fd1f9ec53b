"""The program: what is in force, drafts, and publishing one."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import words
from rewards.domain.programs import Revision
from rewards.domain.wallets import RefundPolicy
from rewards.models import ProgramRevision, RevisionState, TierMembership
from rewards.queries import programs
from rewards.services import programs as program_services
from tenants.admin.forms import ConfirmForm
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission

_REVISIONS_SHOWN: Final = 20
REFUND_LABELS: Final = {
    RefundPolicy.WITHIN_BALANCE.value: gettext_lazy("takes back what is left of what they earned"),
    RefundPolicy.ONLY_PENDING.value: gettext_lazy("takes back pending points only"),
    RefundPolicy.ALLOW_DEBT.value: gettext_lazy("takes back everything; what is spent becomes a debt"),
}


def described(revision: Revision, currency: str) -> dict[str, Any]:
    """Return a revision as the pages show it: wallets, tiers and rules in words."""
    return {
        "wallets": [(wallet, REFUND_LABELS[wallet.refund_policy.value]) for wallet in revision.wallets],
        "tiers": revision.tiers,
        "rules": [words.rule_in_words(rule, revision, currency) for rule in revision.rules],
    }


class ProgramPage(StaffPage):
    """The published revision in words, the draft if there is one, and the history."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("Program")
    template_name = "backoffice/program/overview.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        row = programs.current()
        revisions = ProgramRevision.objects.order_by("-number")
        counts = TierMembership.objects.values_list("tier_key").annotate(count=Count("pk")).order_by()
        revision = programs.bind(row).revision if row else None
        currency = self.access.tenant.currency
        return self.page(
            row=row,
            program=described(revision, currency) if revision else None,
            members=dict(counts),
            draft=revisions.filter(state=RevisionState.DRAFT).first(),
            revisions=revisions[:_REVISIONS_SHOWN],
        )


class RevisionPage(StaffPage):
    """One revision as it was written, published or not."""

    permission = Permission.PROGRAM_VIEW
    template_name = "backoffice/program/revision.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        row = get_object_or_404(ProgramRevision.objects.all(), number=number)
        self.title = _("Revision %(number)s") % {"number": row.number}
        revision = programs.bind(row).revision
        return self.page(row=row, program=described(revision, self.access.tenant.currency), members=None)


class PublishPage(StaffPage):
    """Put a draft in force, after its number was typed."""

    permission = Permission.PROGRAM_PUBLISH
    title = gettext_lazy("Publish the program")
    template_name = "backoffice/program/publish.html"

    @cached_property
    def row(self) -> ProgramRevision:
        found: ProgramRevision = get_object_or_404(
            ProgramRevision.objects.all(), number=self.kwargs["number"]
        )
        return found

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def after_error(self) -> str:
        return reverse("program")

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        return self._shown(ConfirmForm(expected=str(self.row.number)))

    def _shown(self, form: ConfirmForm, status: int = 200) -> HttpResponseBase:
        revision = programs.bind(self.row).revision
        shown = described(revision, self.access.tenant.currency)
        return self.page(
            row=self.row, form=form, former=programs.current(), program=shown, members=None, status=status
        )

    def post(self, request: HttpRequest, number: int) -> HttpResponseBase:
        form = ConfirmForm(request.POST, expected=str(self.row.number))
        if not form.is_valid():
            return self._shown(form, status=422)
        program_services.publish(revision=self.row, by=self.access.actor, at=timezone.now())
        text = _("Revision %(number)s is in force. Orders from now on earn by it.") % {"number": number}
        messages.success(request, text)
        return redirect("program")
