"""The program: what is in force, what waits for review, and each revision with what can be done to it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import (
    brakes,
    challenge_words,
    draft_behind,
    finding_words,
    rehearsal_charts,
    rehearsal_words,
    tier_words,
    wallet_words,
    words,
)
from rewards.admin.audit_words import FIELDS
from rewards.admin.finding_words import FindingInWords
from rewards.admin.rehearsal_forms import RehearsalForm
from rewards.domain.comparison import compare
from rewards.domain.documents import to_json
from rewards.domain.programs import Revision
from rewards.domain.revisions import Rehearsed, Step, may
from rewards.models import Program, ProgramRevision, RehearsalPolicy, RevisionState, TierMembership
from rewards.queries import budgets, compiled_revisions, offers, programs
from rewards.services import program_copies, program_reviews, rehearsal_checks
from rewards.services import programs as program_services
from tenants.admin.forms import ConfirmForm
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission

_REVISIONS_SHOWN: Final = 20
_NAMED: Final = 3


def described(revision: Revision, currency: str) -> dict[str, Any]:
    """Return a revision as the pages show it: wallets, tiers and rules in words."""
    needs = tier_words.needs_in_words(revision, currency)
    return {
        "wallets": [wallet_words.wallet_in_words(wallet, revision, currency) for wallet in revision.wallets],
        "tiers": [(tier, needs[tier.key]) for tier in revision.tiers],
        "window": tier_words.window_in_words(revision.qualification),
        "rules": [words.rule_in_words(rule, revision, currency) for rule in revision.rules],
        "challenges": [challenge_words.challenge_in_words(each, currency) for each in revision.challenges],
    }


def found(revision: Revision, current: ProgramRevision | None, currency: str) -> list[FindingInWords]:
    """Return what the linter says in words of a revision that would take the place of ``current``."""
    former = compiled_revisions.revision_of(current) if current else None
    findings = programs.findings_against(revision, former)
    return [finding_words.in_words(finding, revision, currency) for finding in findings]


def changed(revision: Revision, current: ProgramRevision | None) -> list[tuple[Any, list[str], int]]:
    """Return for each section that differs from what is in force some names, and how many there are."""
    if current is None:
        return []
    names_by_section: dict[str, list[str]] = defaultdict(list)
    for change in compare(compiled_revisions.revision_of(current), revision):
        names_by_section[change.section].append(change.name if change.key else "")
    return [
        (FIELDS.get(section, section), [name for name in names if name][:_NAMED], len(names))
        for section, names in names_by_section.items()
    ]


class ProgramPage(StaffPage):
    """The published revision in words, what is on its way to be published, and the history."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("Program")
    template_name = "backoffice/program/overview.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        row = programs.current()
        revisions = ProgramRevision.objects.order_by("-number")
        counts = TierMembership.objects.values_list("tier_key").annotate(count=Count("pk")).order_by()
        revision = compiled_revisions.revision_of(row) if row else None
        currency = self.access.tenant.currency
        return self.page(
            row=row,
            program=described(revision, currency) if revision else None,
            members=dict(counts),
            draft=programs.open_revision(),
            revisions=revisions.defer("document")[:_REVISIONS_SHOWN],
            budgets=budgets.statuses(revision, at=timezone.now()) if revision else [],
            settings=Program.objects.first(),
            policies=RehearsalPolicy.choices,
            secrets=programs.readers_of_secrets(revision) if revision else [],
            brakes=brakes.shown(row),
            outside=offers.outside(revision, at=timezone.now()).count if revision else 0,
        )


class OneRevisionPage(StaffPage):
    """Base of the pages about one revision, found by its number."""

    permission = Permission.PROGRAM_VIEW

    @cached_property
    def row(self) -> ProgramRevision:
        found: ProgramRevision = get_object_or_404(
            ProgramRevision.objects.select_related("program"), number=self.kwargs["number"]
        )
        return found

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]


class RevisionPage(OneRevisionPage):
    """One revision in words, what the linter says, its rehearsal, and the next steps."""

    template_name = "backoffice/program/revision.html"

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        row = self.row
        self.title = _("Revision %(number)s") % {"number": row.number}
        revision = compiled_revisions.revision_of(row)
        current = programs.current()
        live = compiled_revisions.revision_of(current) if current else None
        is_open = row.state not in {RevisionState.PUBLISHED, RevisionState.RETIRED}
        check = rehearsal_checks.check(row)
        waits = is_open and program_reviews.needs_other_approver(row, current=current)
        rehearsal = check.rehearsal if is_open else rehearsal_checks.of_approval(row) or check.rehearsal
        return self.page(
            row=row,
            program=described(revision, self.access.tenant.currency),
            members=None,
            current=current,
            changes=changed(revision, current) if is_open else [],
            findings=found(revision, current, self.access.tenant.currency) if is_open else [],
            secrets=programs.readers_of_secrets(revision) if row.state == RevisionState.PUBLISHED else [],
            check=check,
            rehearsal=rehearsal,
            charts=rehearsal_charts.of(rehearsal.result) if rehearsal else {},
            played=rehearsal_words.played(rehearsal, self.access.tenant.zone, current) if rehearsal else None,
            moves=list(rehearsal_words.moves(rehearsal, revision, live)) if rehearsal else [],
            rehearsal_form=RehearsalForm(today=timezone.localdate(timezone=self.access.tenant.zone)),
            is_rehearsal_current=check.rehearsed is Rehearsed.CURRENT,
            is_open=is_open,
            waits_for_approval=waits,
            is_own=waits and row.submitted_ref == self.access.actor.ref,
            behind=draft_behind.shown(row, current, self.access.tenant.currency),
            is_stale=is_open and not may(Step.EDIT, row.state) and not row.is_based_on(current),
            steps={step.value: may(step, row.state, needs_rehearsal=check.needs_rehearsal) for step in Step},
            targets=program_copies.targets(self.access.memberships, self.access.tenant),
        )


class ExportPage(OneRevisionPage):
    """The revision's document as a JSON file."""

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        document = to_json(compiled_revisions.revision_of(self.row))
        response = HttpResponse(
            json.dumps(document, indent=2, ensure_ascii=False), content_type="application/json"
        )
        name = f"{self.access.tenant.slug}-program-{self.row.number}.json"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class PublishPage(OneRevisionPage):
    """Put a revision in force, after its number was typed."""

    permission = Permission.PROGRAM_PUBLISH
    title = gettext_lazy("Publish the program")
    template_name = "backoffice/program/publish.html"

    def after_error(self) -> str:
        return reverse("program_revision", args=[self.row.number])

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        return self._shown(self._form())

    @cached_property
    def check(self) -> rehearsal_checks.Check | None:
        """What is known of rehearsals where publishing is an approval, too; the first program needs none."""
        if may(Step.PUBLISH, self.row.state) or self.former is None or self.waits_for_approval:
            return None
        return rehearsal_checks.check(self.row)

    @cached_property
    def former(self) -> ProgramRevision | None:
        return programs.current()

    @cached_property
    def behind(self) -> dict[str, Any] | None:
        """What was published since the draft was begun and would be undone."""
        return draft_behind.shown(self.row, self.former, self.access.tenant.currency)

    @cached_property
    def waits_for_approval(self) -> bool:
        """Whether publishing would only be refused."""
        return program_reviews.needs_other_approver(self.row, current=self.former)

    def _form(self, data: Any = None) -> ConfirmForm:
        form = ConfirmForm(data, expected=str(self.row.number))
        if self.check is not None and self.check.asks:
            form.fields["acknowledges"] = forms.BooleanField(
                label=_("Publish without a rehearsal of this document")
            )
        if self.behind is not None:
            form.fields["undoes_newer"] = forms.BooleanField(
                label=_("Publish it as it is, without what was published since")
            )
        return form

    def _shown(self, form: ConfirmForm, status: int = 200) -> HttpResponseBase:
        revision = compiled_revisions.revision_of(self.row)
        currency = self.access.tenant.currency
        return self.page(
            row=self.row,
            form=form,
            former=self.former,
            current=self.former,
            changes=changed(revision, self.former),
            check=self.check,
            behind=self.behind,
            waits_for_approval=self.waits_for_approval,
            findings=found(revision, self.former, currency),
            brakes=brakes.shown(self.former),
            program=described(revision, currency),
            members=None,
            status=status,
        )

    def post(self, request: HttpRequest, number: int) -> HttpResponseBase:
        form = self._form(request.POST)
        if not form.is_valid():
            return self._shown(form, status=422)
        program_services.publish(
            revision=self.row,
            acknowledges=bool(form.cleaned_data.get("acknowledges")),
            undoes_newer=bool(form.cleaned_data.get("undoes_newer")),
            by=self.access.actor,
            at=timezone.now(),
        )
        text = _("Revision %(number)s is in force. Orders from now on earn by it.") % {"number": number}
        messages.success(request, text)
        return redirect("program")
