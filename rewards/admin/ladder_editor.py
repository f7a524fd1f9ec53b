"""The ladder of the draft: criteria, how tiers are kept and lost, and the steps by what they need."""

from __future__ import annotations

from http import HTTPStatus
from math import inf
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import choices_of, draft_pages
from rewards.admin.ladder_forms import CriterionRows, LadderRows, QualificationForm, criterion_row, tier_row
from rewards.domain.tiers import SPEND
from rewards.models import ProgramRevision
from rewards.services import drafts
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.keys import key_from
from tenants.admin.untouched import kept, sent
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput


class LadderPage(StaffPage):
    """Saved into the draft; the preview then shows who would move."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Edit the ladder")
    template_name = "backoffice/tiers/ladder.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program")), Crumb(_("Tiers"), reverse("tiers"))]

    @cached_property
    def document(self) -> dict[str, Any]:
        return draft_pages.starting_document(self.access.tenant)

    def _forms(self, data: Any = None) -> dict[str, Any]:
        section = self.document["qualification"]
        criteria, currency = section["criteria"], self.access.tenant.currency
        rewards = choices_of.rewards()
        tiers = [tier_row(tier, criteria, currency) for tier in self.document["tiers"]]
        return {
            "form": QualificationForm(data, initial=section),
            "criteria": CriterionRows(
                data, prefix="criteria", initial=[criterion_row(criterion) for criterion in criteria]
            ),
            "tiers": LadderRows(
                data,
                prefix="tiers",
                initial=tiers,
                form_kwargs={"criteria": criteria, "rewards": rewards, "currency": currency},
            ),
        }

    def _shown(self, **context: Any) -> HttpResponseBase:
        """By spend alone the amounts decide the order; otherwise people do."""
        metrics = [criterion["metric"] for criterion in self.document["qualification"]["criteria"]]
        return self.page(is_ordered=metrics != [SPEND], **context)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._shown(**self._forms())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        parts = self._forms(request.POST)
        errors: list[str] = []
        if all([part.is_valid() for part in parts.values()]):  # noqa: C419 - every part shows its errors
            try:
                with transaction.atomic():
                    row = self._save(parts)
            except InvalidInput as error:
                errors = [draft_pages.said(wrong) for wrong in error.errors]
            else:
                messages.success(request, _("Draft %(number)s is saved.") % {"number": row.number})
                return redirect("tier_preview", row.number)
        return self._shown(errors=errors, **parts, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _save(self, parts: dict[str, Any]) -> ProgramRevision:
        sections = self._sections(parts)
        shown = self._forms(sent(*self._forms().values()))
        if all(part.is_valid() for part in shown.values()):
            former = {name: self.document[name] for name in sections}
            sections = kept(former, self._sections(shown), sections)
        return drafts.save(document={**self.document, **sections}, by=self.access.actor, at=timezone.now())

    def _sections(self, parts: dict[str, Any]) -> dict[str, Any]:
        taken: set[str] = {row.cleaned_data.get("key") or "" for row in parts["criteria"]}
        found = [row.criterion(taken) for row in parts["criteria"] if row.cleaned_data]
        criteria = [criterion for criterion in found if criterion]
        is_plain = [each["metric"] for each in criteria] == [SPEND]
        return {
            "qualification": parts["form"].section(criteria),
            "tiers": self._tiers(parts["tiers"], is_plain=is_plain),
        }

    def _tiers(self, rows: Any, *, is_plain: bool) -> list[dict[str, Any]]:
        """Return the tiers from the lowest up: by spend where it decides alone, else in the order given."""
        kept = [row for row in rows if row.cleaned_data.get("name") and not row.cleaned_data.get("DELETE")]
        taken = {row.cleaned_data["key"] for row in kept if row.cleaned_data["key"]}
        tiers = []
        for row in kept:
            key = row.cleaned_data["key"] or key_from(row.cleaned_data["name"], taken, fallback="tier")
            taken.add(key)
            tiers.append((_place(row, is_plain=is_plain), row.tier(key, is_plain=is_plain)))
        return [tier for _at, tier in sorted(tiers, key=lambda each: each[0])]


def _place(row: Any, *, is_plain: bool) -> tuple[float, int]:
    """Return what a row is sorted by; new rows that were moved nowhere come last, by what they need."""
    needs, given = sum(row.needs().values()), row.cleaned_data.get("ORDER")
    return (inf, needs) if is_plain or given is None else (given, 0)
