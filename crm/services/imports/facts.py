"""Imports of facts about customers (events, consents, feedback, balances) through the services owning them.

The services decide; what they refuse is set aside with their reason. A kind gives the fields of its rows
and a function that records a block of them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from crm.domain.identities import normalise
from crm.domain.import_fields import ImportField, ValueType
from crm.queries import customer_policies
from crm.services.imports import settling, staging
from crm.services.imports.kinds import Work
from crm.services.imports.runs import as_json
from crm.services.imports.staged import NEW, REFUSED, UNCHANGED, Keyed

KNOWN: Final = "known"
WHO: Final = ("identity.external_id", "identity.email", "identity.phone")
WHO_FIELDS: Final = (
    ImportField("identity.external_id", _("Customer id"), synonyms=(
        "customer id", "customer", "external id", "user id", "member id", "客户编号", "会员号",
        "会员编号", "用户ID")),
    ImportField("identity.email", _("E-mail"), ValueType.EMAIL, longest=254, synonyms=(
        "email", "e-mail", "mail", "email address", "邮箱", "电子邮箱")),
    ImportField("identity.phone", _("Phone"), ValueType.PHONE, longest=32, synonyms=(
        "phone", "phone number", "mobile", "手机", "手机号", "电话")),
)  # fmt: skip
_FACTS = """
SELECT s.row_number, i.customer_id, s.fields FROM crm_stagedrow s
LEFT JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = s.fields->>'who.kind'
                        AND i.value = s.fields->>'who.value'
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.outcome = ''
  AND s.row_number BETWEEN %(first)s AND %(last)s ORDER BY s.row_number
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row with the customer it is about, None when nobody has the identity or none is named."""

    row_number: int
    customer_id: int | None
    values: dict[str, Any]

    @property
    def is_of_stranger(self) -> bool:
        """Whether the row names somebody whom nobody knows."""
        return self.customer_id is None and "who.kind" in self.values


# Records facts and returns for each NEW, KNOWN (nothing changed) or the reason it is refused.
Record = Callable[[Work, Sequence[Fact], dict[str, Any]], list[str]]
# Says the same of facts without recording them.
Foresee = Callable[[Work, Sequence[Fact]], list[str]]


def _all_new(_work: Work, facts: Sequence[Fact]) -> list[str]:
    return [NEW] * len(facts)


def content_key(values: dict[str, Any]) -> str:
    """Return a key that the same row has in every file: what loads twice is then found."""
    return "import-" + hashlib.sha256(as_json(dict(sorted(values.items()))).encode()).hexdigest()[:40]


class FactLoader:
    """Loads rows through ``record``. ``flaw`` says what is wrong with a row in itself.

    ``makes_customers`` is for kinds whose service makes a customer for an identity that nobody has;
    ``needs_customer`` is false where a row may be about nobody. ``foresee`` is what the dry run asks.
    """

    def __init__(
        self,
        record: Record,
        *,
        flaw: Callable[[dict[str, Any]], str] = lambda _values: "",
        key: Callable[[dict[str, Any]], str] = content_key,
        makes_customers: bool = False,
        needs_customer: bool = True,
        foresee: Foresee = _all_new,
        undo: Callable[[dict[str, Any]], Counter[str]] = lambda _params: Counter(),
    ) -> None:
        self.record, self.flaw, self.key = record, flaw, key
        self.makes_customers, self.needs_customer = makes_customers, needs_customer
        self.foresee, self.take_back = foresee, undo

    def keyer(self, work: Work) -> Callable[[dict[str, Any]], Keyed]:
        spelling = customer_policies.spelling()

        def keyed(values: dict[str, Any]) -> Keyed:
            if reason := self.flaw(values):
                return Keyed(reason=reason)
            key = self.key(values)
            for name in WHO:
                kind = name.removeprefix("identity.")
                if value := normalise(kind, values.get(name) or "", spelling):
                    values["who.kind"], values["who.value"] = kind, value
                    return Keyed("fact", key)
            return Keyed(reason="id_missing") if self.needs_customer else Keyed("fact", key)

        return keyed

    def prepare(self, work: Work) -> None:
        """Nothing comes before the rows."""

    def judge(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        known, strangers = self._parted(params)
        return self._settled(known, self.foresee(work, known) if known else [], strangers, params)

    def load(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        known, strangers = self._parted(params)
        return self._settled(known, self.record(work, known, params) if known else [], strangers, params)

    def undo(self, params: dict[str, Any]) -> Counter[str]:
        return self.take_back(params)

    def finish(self, work: Work) -> None:
        """Nothing else follows: the services have told whom it concerns."""

    def _parted(self, params: dict[str, Any]) -> tuple[list[Fact], list[Fact]]:
        """Return the facts of a block, and apart those of somebody whom nobody knows."""
        known: list[Fact] = []
        strangers: list[Fact] = []
        for number, customer_id, fields in staging.rows(_FACTS, params):
            fact = Fact(number, customer_id, json.loads(fields))
            refused = fact.is_of_stranger and not self.makes_customers
            (strangers if refused else known).append(fact)
        return known, strangers

    def _settled(
        self, known: list[Fact], outcomes: list[str], strangers: list[Fact], params: dict[str, Any]
    ) -> Counter[str]:
        """Set aside what was refused, and count the rows by what became of them."""
        refused = [
            (fact.row_number, outcome)
            for fact, outcome in zip(known, outcomes, strict=True)
            if outcome not in {NEW, KNOWN}
        ]
        refused += [(each.row_number, "customer_unknown") for each in strangers]
        self._refuse(refused, params)
        return Counter({NEW: outcomes.count(NEW), UNCHANGED: outcomes.count(KNOWN), REFUSED: len(refused)})

    def _refuse(self, rows: list[tuple[int, str]], params: dict[str, Any]) -> None:
        if not rows:
            return
        staging.run(
            """DROP TABLE IF EXISTS refused;
               CREATE TEMPORARY TABLE refused (row_number bigint, reason text, "column" text) ON COMMIT
                   DROP"""
        )
        staging.copy_rows(
            "refused",
            ("row_number", "reason", '"column"'),
            ((number, code[:60], "") for number, code in rows),
        )
        staging.run(settling.REFUSE, params)
