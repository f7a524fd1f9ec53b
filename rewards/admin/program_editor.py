"""Editing the program: always a draft, in rows, starting from what is in force."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.program_forms import RuleRows, TierRows, WalletRows, document_of, rows_of
from rewards.domain.documents import to_json
from rewards.models import ProgramRevision, RevisionState
from rewards.queries import programs
from rewards.services import programs as program_services
from rewards.services import starter
from tenants.admin.error_texts import text_of
from tenants.admin.formats import exponent
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput

_STARTER_THRESHOLDS: Final = (0, 500, 1500, 4000)


class EditPage(StaffPage):
    """The draft as forms: saved into the open draft, or into a new one."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Edit the program")
    template_name = "backoffice/program/edit.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def _draft(self) -> ProgramRevision | None:
        drafts = ProgramRevision.objects.filter(state=RevisionState.DRAFT).order_by("-number")
        found: ProgramRevision | None = drafts.first()
        return found

    def _document(self) -> dict[str, Any]:
        """Return what to start from: the draft, what is in force, or a first program."""
        row = self._draft() or programs.current()
        if row is not None:
            return to_json(programs.bind(row).revision)
        unit = 10 ** exponent(self.access.tenant.currency)
        document = starter.document(
            per_minor=unit,
            category_percent={},
            tier_thresholds_minor=[threshold * unit for threshold in _STARTER_THRESHOLDS],
            expiry_months=24,
            welcome_points=100,
        )
        return to_json(program_services.check(document))

    def _formsets(self, data: Any = None) -> dict[str, Any]:
        currency = self.access.tenant.currency
        document = self._document()
        rows = rows_of(document, currency)
        plain = {"currency": currency}
        wallets = [(wallet["key"], wallet["name"]) for wallet in document["wallets"]]
        initial = {name: None if data is not None else rows[name] for name in rows}
        return {
            "wallets": WalletRows(data, prefix="wallets", initial=initial["wallets"], form_kwargs=plain),
            "tiers": TierRows(data, prefix="tiers", initial=initial["tiers"], form_kwargs=plain),
            "rules": RuleRows(
                data, prefix="rules", initial=initial["rules"], form_kwargs={**plain, "wallets": wallets}
            ),
        }

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.page(draft=self._draft(), **self._formsets())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        formsets = self._formsets(request.POST)
        errors: list[str] = []
        if all(list(map(_is_valid, formsets.values()))):
            try:
                with transaction.atomic():
                    row = self._save(self._edited(document_of(**formsets)))
            except InvalidInput as error:
                errors = [_said(wrong.pointer, wrong.code, wrong.detail) for wrong in error.errors]
            else:
                messages.success(request, _("Draft %(number)s is saved.") % {"number": row.number})
                return redirect(
                    "program_publish" if "publish" in request.POST else "program_revision", row.number
                )
        return self.page(draft=self._draft(), errors=errors, **formsets, status=422)

    def _edited(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return the document with the edited rows: what the forms do not show stays as it was."""
        before = self._document()
        edited = {**before, **shown}
        for name in ("wallets", "tiers", "rules"):
            former = {row["key"]: row for row in before[name]}
            edited[name] = [{**former.get(row["key"], {}), **row} for row in shown[name]]
        return edited

    def _save(self, document: dict[str, Any]) -> ProgramRevision:
        return program_services.save_draft(
            document=document, revision=self._draft(), by=self.access.actor, at=timezone.now()
        )


def _is_valid(formset: Any) -> bool:
    return bool(formset.is_valid())


def _said(pointer: str, code: str, detail: str) -> str:
    """Name the row a pointer like ``/document/rules/0/points`` means, counted from one."""
    parts = pointer.removeprefix("/document/").split("/")
    numbered = [str(int(part) + 1) if part.isdigit() else part for part in parts]
    return f"{' › '.join(numbered)}: {text_of(code, detail)}"
