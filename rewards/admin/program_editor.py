"""Editing the program: always a draft, starting from what is in force; its rules have a page each."""

from __future__ import annotations

from http import HTTPStatus
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

from rewards.admin import draft_pages, words
from rewards.admin.program_forms import BudgetRows, PolicyForm, TierRows, WalletRows, rows_of, sections_of
from rewards.models import ProgramRevision
from rewards.services import programs as program_services
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput

_EDITED = ("wallets", "tiers", "budgets")


class EditPage(StaffPage):
    """The draft as forms: saved into the open draft, or into a new one."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Edit the program")
    template_name = "backoffice/program/edit.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    @cached_property
    def document(self) -> dict[str, Any]:
        return draft_pages.starting_document(self.access.tenant)

    def _formsets(self, data: Any = None) -> dict[str, Any]:
        currency = self.access.tenant.currency
        rows = rows_of(self.document, currency)
        kinds: dict[str, Any] = {"wallets": WalletRows, "tiers": TierRows, "budgets": BudgetRows}
        return {
            name: kind(
                data,
                prefix=name,
                initial=None if data is not None else rows[name],
                form_kwargs={"currency": currency},
            )
            for name, kind in kinds.items()
        }

    def _policies(self, data: Any = None) -> PolicyForm:
        return PolicyForm(data, prefix="policies", initial=self.document["policies"])

    def _shown(self, **context: Any) -> HttpResponseBase:
        revision = program_services.check(self.document)
        currency = self.access.tenant.currency
        rules = [words.rule_in_words(rule, revision, currency) for rule in revision.rules]
        return self.page(draft=draft_pages.draft(), rules=rules, **context)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._shown(policies=self._policies(), **self._formsets())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        formsets, policies = self._formsets(request.POST), self._policies(request.POST)
        errors: list[str] = []
        if all([part.is_valid() for part in (*formsets.values(), policies)]):  # noqa: C419 - all show errors
            try:
                with transaction.atomic():
                    row = self._save(sections_of(**formsets), policies.cleaned_data)
            except InvalidInput as error:
                errors = [draft_pages.said(wrong) for wrong in error.errors]
            else:
                messages.success(request, _("Draft %(number)s is saved.") % {"number": row.number})
                return redirect("program_revision", row.number)
        return self._shown(
            errors=errors, policies=policies, status=HTTPStatus.UNPROCESSABLE_ENTITY, **formsets
        )

    def _save(self, shown: dict[str, Any], policies: dict[str, Any]) -> ProgramRevision:
        """Save the edited sections: what the forms do not show stays as it was."""
        edited = {**self.document, "policies": {**self.document["policies"], **policies}}
        for name in _EDITED:
            former = {row["key"]: row for row in self.document[name]}
            edited[name] = [{**former.get(row["key"], {}), **row} for row in shown[name]]
        return program_services.save_draft(
            document=edited, revision=draft_pages.draft(), by=self.access.actor, at=timezone.now()
        )
