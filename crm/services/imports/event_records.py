"""Events from files: through the same ingest as everything clients send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.domain.events import CLOCK_SKEW, EARLIEST, MOST_EVENTS, NewEvent
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.services import ingest
from crm.services.imports.facts import KNOWN, WHO, WHO_FIELDS, Fact, FactLoader, content_key
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import NEW, RecordImporter

_PROPERTY: Final = "property."
FIELDS: Final = FieldSet(
    fields=(
        *WHO_FIELDS,
        ImportField("event.name", _("Event"), is_required=True, longest=100, synonyms=(
            "event", "event name", "name", "type", "action", "事件", "事件名称", "行为")),
        ImportField("event.occurred_at", _("Occurred at"), ValueType.MOMENT, is_required=True, synonyms=(
            "occurred at", "timestamp", "time", "date", "event time", "created at", "发生时间", "时间",
            "日期")),
        ImportField("event.message_id", _("Message id"), synonyms=("message id", "event id", "uuid",
            "事件编号")),
    ),
    open_prefix=_PROPERTY,
    one_of=WHO,
)  # fmt: skip
_STATUS: Final = {"accepted": NEW, "duplicate": KNOWN}


def _flaw(values: dict[str, Any]) -> str:
    occurred_at = datetime.fromisoformat(values["event.occurred_at"])
    is_possible = EARLIEST <= occurred_at <= timezone.now() + CLOCK_SKEW
    return "" if is_possible else "occurred_at_out_of_range"


def _key(values: dict[str, Any]) -> str:
    return str(values.setdefault("event.message_id", content_key(values)))


def _record(work: Work, facts: Sequence[Fact], params: dict[str, Any]) -> list[str]:
    outcomes: list[str] = []
    for start in range(0, len(facts), MOST_EVENTS):
        block = facts[start : start + MOST_EVENTS]
        receipt = ingest.accept(
            batch=[_event(each.values) for each in block], by=work.by, at=work.at, keeps_rejects=False
        )
        outcomes += [_STATUS.get(each.status, each.reason or each.status) for each in receipt.outcomes]
    return outcomes


def _event(values: dict[str, Any]) -> NewEvent:
    properties = {
        name.removeprefix(_PROPERTY): value
        for name, value in values.items()
        if name.startswith(_PROPERTY) and value is not None
    }
    return NewEvent(
        message_id=values["event.message_id"],
        name=values["event.name"],
        occurred_at=datetime.fromisoformat(values["event.occurred_at"]),
        properties=properties,
        **{values["who.kind"]: values["who.value"]},
    )


register(
    Kind(
        key="events",
        label=_("Events"),
        hint=_("One event a row; customers that are new are made. Events are facts and cannot be undone."),
        symbol="bolt",
        fields=FIELDS,
        importer=RecordImporter(FIELDS, FactLoader(_record, flaw=_flaw, key=_key, makes_customers=True)),
        is_undoable=False,
    )
)
