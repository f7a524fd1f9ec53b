"""Consents from files: decisions join each customer's history, the newest one holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.domain.consents import has_channel
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.models import Channel, Purpose
from crm.services import consents
from crm.services.imports.facts import WHO, WHO_FIELDS, Fact, FactLoader
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import NEW, RecordImporter
from tenants.domain.permissions import Permission

FIELDS: Final = FieldSet(
    fields=(
        *WHO_FIELDS,
        ImportField("consent.purpose", _("Purpose"), is_required=True, longest=20, synonyms=(
            "purpose", "consent type", "用途", "目的", "同意类型")),
        ImportField("consent.channel", _("Channel"), longest=10, synonyms=("channel", "渠道")),
        ImportField("consent.is_granted", _("Is granted"), ValueType.BOOLEAN, is_required=True, synonyms=(
            "granted", "is granted", "consent", "opt in", "subscribed", "allowed", "同意", "是否同意")),
        ImportField("consent.occurred_at", _("Decided at"), ValueType.MOMENT, is_required=True, synonyms=(
            "occurred at", "decided at", "consented at", "date", "time", "timestamp", "同意时间", "时间",
            "日期")),
        ImportField("consent.source", _("Source"), longest=60, synonyms=("source", "form", "来源")),
        ImportField("consent.wording", _("Wording"), longest=500, synonyms=("wording", "text", "措辞",
            "文本")),
    ),
    one_of=WHO,
)  # fmt: skip


def _flaw(values: dict[str, Any]) -> str:
    purpose = str(values["consent.purpose"]).strip().casefold().replace(" ", "_")
    channel = str(values.get("consent.channel") or Channel.ANY).strip().casefold()
    values["consent.purpose"], values["consent.channel"] = purpose, channel
    if purpose not in Purpose.values:
        return "purpose_unknown"
    if channel not in Channel.values or not has_channel(purpose, channel):
        return "channel_unknown"
    is_future = datetime.fromisoformat(values["consent.occurred_at"]) > timezone.now() + timedelta(days=1)
    return "occurred_at_out_of_range" if is_future else ""


def _record(work: Work, facts: Sequence[Fact], params: dict[str, Any]) -> list[str]:
    changes = [
        consents.NewConsent(
            customer_id=each.customer_id or 0,
            purpose=each.values["consent.purpose"],
            channel=each.values["consent.channel"],
            is_granted=each.values["consent.is_granted"],
            occurred_at=datetime.fromisoformat(each.values["consent.occurred_at"]),
            source=each.values.get("consent.source") or "import",
            wording=each.values.get("consent.wording") or "",
        )
        for each in facts
    ]
    consents.record(changes=changes, by=work.by, at=work.at)
    return [NEW] * len(facts)


register(
    Kind(
        key="consents",
        label=_("Consents"),
        hint=_("One decision of a customer a row. They join the history as proof and cannot be undone."),
        symbol="verified_user",
        fields=FIELDS,
        importer=RecordImporter(FIELDS, FactLoader(_record, flaw=_flaw)),
        permission=Permission.CONSENTS_EDIT,
        is_undoable=False,
    )
)
