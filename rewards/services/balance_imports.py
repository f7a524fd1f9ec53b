"""Points balances from files: the points customers bring along, once per customer and wallet.

A balance is a credit with a source of its own for ever, so the same file twice changes nothing, and another
amount for the same customer is refused. Undoing reverses the postings, as far as the points are still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.models import Customer, ImportChange
from crm.services import customer_touches
from crm.services.imports import staging
from crm.services.imports.facts import KNOWN, WHO, WHO_FIELDS, Fact, FactLoader
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import NEW, RecordImporter
from rewards.models import LedgerTransaction
from rewards.services import ledger, points
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.domain.permissions import Permission
from tenants.errors import DomainError

_REASON: Final = "Opening balance from a file"
_SUBJECT: Final = "posting"
FIELDS: Final = FieldSet(
    fields=(
        *WHO_FIELDS,
        ImportField("balance.points", _("Points"), ValueType.WHOLE, is_required=True, synonyms=(
            "points", "balance", "points balance", "积分", "积分余额", "余额")),
        ImportField("balance.wallet", _("Wallet"), longest=50, synonyms=("wallet", "wallet key", "钱包")),
    ),
    one_of=WHO,
)  # fmt: skip


def _flaw(values: dict[str, Any]) -> str:
    return "" if 0 < values["balance.points"] <= points.LARGEST_ADJUSTMENT else "points_out_of_range"


def _key(values: dict[str, Any]) -> str:
    who = "|".join(str(values.get(name) or "") for name in WHO)
    return f"{values.get('balance.wallet') or 'points'}|{who}"[:300]


def _record(work: Work, facts: Sequence[Fact], params: dict[str, Any]) -> list[str]:
    ids = [each.customer_id for each in facts]
    customers = Customer.objects.in_bulk([each for each in ids if each is not None])
    outcomes, made = [], []
    for fact in facts:
        outcome, transaction_id = _post(work, customers[fact.customer_id or 0], fact.values)
        outcomes.append(outcome)
        if outcome == NEW and transaction_id is not None:
            made.append((fact.row_number, transaction_id))
    ImportChange.objects.bulk_create(
        ImportChange(
            import_run_id=work.run_id, row_number=number, subject=_SUBJECT, subject_id=posting, is_new=True
        )
        for number, posting in made
    )
    return outcomes


def _post(work: Work, customer: Customer, values: dict[str, Any]) -> tuple[str, int | None]:
    wallet = values.get("balance.wallet") or "points"
    try:
        with transaction.atomic():
            posting = points.adjust(
                customer=customer,
                points=values["balance.points"],
                reason=_REASON,
                wallet_key=wallet,
                idempotency_key=f"opening-balance:{wallet}",
                by=work.by,
                at=work.at,
            )
    except DomainError as error:
        return error.code, None
    return (NEW if posting.is_new else KNOWN), posting.transaction_id


def _undo(params: dict[str, Any]) -> Counter[str]:
    rows = staging.rows("SELECT subject_id FROM undone WHERE subject = %(subject)s", {"subject": _SUBJECT})
    counts: Counter[str] = Counter()
    for posting in LedgerTransaction.objects.filter(pk__in=[pk for (pk,) in rows]).select_related("account"):
        done = ledger.reverse(
            transaction=posting,
            source=Source("import_undo", f"{params['run']}:{posting.pk}"),
            by=SYSTEM,
            at=params["at"],
            reason=_REASON,
        )
        customer_touches.add([posting.account.customer_id], is_history=False)
        counts["reversed"] += 1
        counts["spent_already"] += int(bool(done.missing))
    return counts


register(
    Kind(
        key="points_balances",
        label=_("Points balances"),
        hint=_("The points a customer brings along, once per wallet; the row says whose they are."),
        symbol="toll",
        fields=FIELDS,
        importer=RecordImporter(FIELDS, FactLoader(_record, flaw=_flaw, key=_key, undo=_undo)),
        permission=Permission.POINTS_APPROVE,
    )
)
