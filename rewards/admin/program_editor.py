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

from rewards.admin import challenge_words, draft_pages, words
from rewards.admin.program_forms import PolicyForm, edited, forms_by_pointer, formsets_of, policy_values
from rewards.models import ProgramRevision, Wallet
from rewards.services import drafts
from rewards.services import programs as program_services
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.untouched import kept, sent
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput


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
        live = frozenset(Wallet.objects.values_list("key", flat=True))
        return formsets_of(self.document, self.access.tenant.currency, live, data)

    def _policies(self, data: Any = None) -> PolicyForm:
        return PolicyForm(data, prefix="policies", initial=policy_values(self.document["policies"]))

    def _shown(self, **context: Any) -> HttpResponseBase:
        revision = program_services.check(self.document)
        currency = self.access.tenant.currency
        rules = [words.rule_in_words(rule, revision, currency) for rule in revision.rules]
        challenges = [
            (each.key, *challenge_words.challenge_in_words(each, currency)) for each in revision.challenges
        ]
        return self.page(draft=draft_pages.draft(), rules=rules, challenges=challenges, **context)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._shown(policies=self._policies(), **self._formsets())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        formsets, policies = self._formsets(request.POST), self._policies(request.POST)
        errors: list[str] = []
        if all([part.is_valid() for part in (*formsets.values(), policies)]):  # noqa: C419 - all show errors
            try:
                with transaction.atomic():
                    row = self._save(self._changed(formsets, policies))
            except InvalidInput as error:
                errors = draft_pages.place(error.errors, forms_by_pointer(formsets, policies))
            else:
                messages.success(request, _("Draft %(number)s is saved.") % {"number": row.number})
                return redirect("program_revision", row.number)
        return self._shown(
            errors=errors, policies=policies, status=HTTPStatus.UNPROCESSABLE_ENTITY, **formsets
        )

    def _changed(self, formsets: dict[str, Any], policies: PolicyForm) -> dict[str, Any]:
        """Return the document as it was but for what was changed in the forms."""
        written = edited(self.document, formsets, policies)
        data = sent(*self._formsets().values(), self._policies())
        shown, as_shown = self._formsets(data), self._policies(data)
        if not all(part.is_valid() for part in (*shown.values(), as_shown)):
            return written
        return dict(kept(self.document, edited(self.document, shown, as_shown), written))

    def _save(self, document: dict[str, Any]) -> ProgramRevision:
        return drafts.save(document=document, by=self.access.actor, at=timezone.now())
