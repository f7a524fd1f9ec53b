"""What the pages that edit the draft share: where they start, and how they name what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.utils import timezone

from rewards.domain.documents import to_json
from rewards.models import ProgramRevision
from rewards.queries import programs
from rewards.services import offer_drafts, starter
from rewards.services import programs as program_services
from tenants.admin.error_texts import text_of
from tenants.admin.formats import exponent
from tenants.admin.forms import StaffForm
from tenants.errors import FieldError
from tenants.models import Tenant

_STARTER_THRESHOLDS: Final = (0, 500, 1500, 4000)


def draft() -> ProgramRevision | None:
    """Return the revision that editing goes into, if there is one."""
    return programs.draft()


def starting_document(tenant: Tenant) -> dict[str, Any]:
    """Return what to start from: the draft, what is in force, or a first program."""
    if draft() or programs.current():
        return offer_drafts.starting_document(at=timezone.now())
    unit = 10 ** exponent(tenant.currency)
    document = starter.document(
        per_minor=unit,
        category_percent={},
        tier_thresholds_minor=[threshold * unit for threshold in _STARTER_THRESHOLDS],
        expiry_months=24,
        welcome_points=100,
    )
    return to_json(program_services.check(document))


def place(errors: Iterable[FieldError], forms_by_pointer: Mapping[str, StaffForm]) -> list[str]:
    """Put each error beside its field; returns what is left to say above the form.

    A pointer like ``/document/wallets/0/expiry/months`` means the form at ``wallets/0`` and its field
    ``expiry_months``, or the field of the nearest part above it.
    """
    left = []
    for wrong in errors:
        path = wrong.pointer.removeprefix("/document/")
        at = max(
            (each for each in forms_by_pointer if f"{path}/".startswith(f"{each}/")), key=len, default=""
        )
        form = forms_by_pointer.get(at)
        name = _field_of(form, path.removeprefix(at).strip("/").split("/")) if form else None
        if form is None or name is None:
            left.append(said(wrong))
        else:
            form.add_error(name, text_of(wrong.code, wrong.detail))
    return left


def _field_of(form: StaffForm, parts: Sequence[str]) -> str | None:
    for length in range(len(parts), 0, -1):
        name = "_".join(parts[:length])
        for field in (name, name.removesuffix("_minor")):
            if field in form.fields:
                return field
        # Of a group of fields the first one speaks for all.
        first = next((field for field in form.fields if field.startswith(f"{name}_")), None)
        if first:
            return first
    return None


def said(wrong: FieldError) -> str:
    """Name the row a pointer like ``/document/rules/0/points`` means, counted from one."""
    parts = wrong.pointer.removeprefix("/document/").split("/")
    numbered = [str(int(part) + 1) if part.isdigit() else part for part in parts]
    return f"{' › '.join(numbered)}: {text_of(wrong.code, wrong.detail)}"
