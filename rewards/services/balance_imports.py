"""Points balances from files: the points customers bring along, once per customer and wallet.

A balance is a credit with a source of its own for ever, so the same file twice changes nothing, and another
amount for the same customer is refused. Undoing reverses the postings, as far as the points are still there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.models import ImportChange
from crm.services import customer_touches
from crm.services.imports import staging
from crm.services.imports.facts import KNOWN, WHO, WHO_FIELDS, Fact, FactLoader
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import NEW, RecordImporter
from rewards.models import LedgerTransaction
from rewards.services import ledger, opening_balances, points
from rewards.services.ledger import Source
from rewards.services.opening_balances import Balance, Outcome, Verdict
from tenants.domain.actors import SYSTEM
from tenants.domain.permissions import Permission

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


def _foresee(work: Work, facts: Sequence[Fact]) -> list[str]:
    def ask(wallet: str, balances: list[Balance]) -> list[Outcome]:
        return opening_balances.foresee(wallet_key=wallet, balances=balances, by=work.by)

    return [_word(each) for each in _by_wallet(facts, ask)]


def _record(work: Work, facts: Sequence[Fact], params: dict[str, Any]) -> list[str]:
    def post(wallet: str, balances: list[Balance]) -> list[Outcome]:
        return opening_balances.post(wallet_key=wallet, balances=balances, by=work.by, at=work.at)

    outcomes = _by_wallet(facts, post)
    ImportChange.objects.bulk_create(
        ImportChange(
            import_run_id=work.run_id,
            row_number=fact.row_number,
            subject=_SUBJECT,
            subject_id=outcome.transaction_id,
            is_new=True,
        )
        for fact, outcome in zip(facts, outcomes, strict=True)
        if outcome.verdict == Verdict.POSTED and outcome.transaction_id is not None
    )
    return [_word(each) for each in outcomes]


def _by_wallet(facts: Sequence[Fact], ask: Callable[[str, list[Balance]], list[Outcome]]) -> list[Outcome]:
    """Ask once a wallet, and return the outcomes in the order of the facts."""
    facts_by_wallet: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        facts_by_wallet[fact.values.get("balance.wallet") or "points"].append(fact)
    outcome_by_row: dict[int, Outcome] = {}
    for wallet, some in facts_by_wallet.items():
        balances = [Balance(each.customer_id or 0, each.values["balance.points"]) for each in some]
        for fact, outcome in zip(some, ask(wallet, balances), strict=True):
            outcome_by_row[fact.row_number] = outcome
    return [outcome_by_row[fact.row_number] for fact in facts]


def _word(outcome: Outcome) -> str:
    return {Verdict.POSTED: NEW, Verdict.KNOWN: KNOWN}.get(outcome.verdict, outcome.verdict.value)


def _undo(params: dict[str, Any]) -> Counter[str]:
    rows = staging.rows("SELECT subject_id FROM undone WHERE subject = %(subject)s", {"subject": _SUBJECT})
    counts: Counter[str] = Counter()
    for posting in LedgerTransaction.objects.filter(pk__in=[pk for (pk,) in rows]).select_related("account"):
        done = ledger.reverse(
            transaction=posting,
            source=Source("import_undo", f"{params['run']}:{posting.pk}"),
            by=SYSTEM,
            at=params["at"],
            reason=opening_balances.REASON,
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
        importer=RecordImporter(
            FIELDS, FactLoader(_record, flaw=_flaw, key=_key, foresee=_foresee, undo=_undo)
        ),
        permission=Permission.POINTS_APPROVE,
    )
)
