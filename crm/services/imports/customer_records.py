"""Customers from files: found by external id, e-mail or phone; patched, or made when nobody knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from crm.domain.identities import normalise
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.models import Customer
from crm.queries import customer_policies
from crm.services import attribute_definitions, tombstones
from crm.services.imports import customer_statements as sql
from crm.services.imports import staging
from crm.services.imports.dependents import remove_unused
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import CHANGED, NEW, REFUSED, UNCHANGED, Keyed, RecordImporter

_MATCHED_BY: Final = ("external_id", "email", "phone")
_SPELLED: Final = ("external_id", "email", "phone", "card", "device")
_ATTRIBUTE: Final = "attribute."
FIELDS: Final = FieldSet(
    fields=(
        ImportField("identity.external_id", _("Customer id"), synonyms=(
            "customer id", "customer", "external id", "id", "customer no", "customer number", "user id",
            "member id",
            "household id", "client id", "客户编号", "客户号", "客户ID", "会员号", "会员编号", "用户ID",
            "编号")),
        ImportField("person.email", _("E-mail"), ValueType.EMAIL, longest=254, synonyms=(
            "email", "e-mail", "mail", "email address", "邮箱", "电子邮箱", "电子邮件", "邮件")),
        ImportField("person.phone", _("Phone"), ValueType.PHONE, longest=32, synonyms=(
            "phone", "phone number", "mobile", "mobile phone", "telephone", "tel", "cell", "手机",
            "手机号", "手机号码", "电话",
            "联系电话")),
        ImportField("person.given_name", _("Given name"), longest=120, synonyms=(
            "given name", "first name", "firstname", "forename", "name", "full name", "customer name",
            "名", "名字", "姓名",
            "客户姓名")),
        ImportField("person.family_name", _("Family name"), longest=120, synonyms=(
            "family name", "last name", "lastname", "surname", "姓", "姓氏")),
        ImportField("person.birth_on", _("Date of birth"), ValueType.DAY, synonyms=(
            "date of birth", "birth date", "birthday", "dob", "born", "birth on", "生日", "出生日期",
            "出生年月")),
        ImportField("person.postcode", _("Postcode"), longest=20, synonyms=(
            "postcode", "postal code", "zip", "zip code", "邮编", "邮政编码")),
        ImportField("person.city", _("City"), longest=120, synonyms=("city", "town", "城市", "所在城市")),
        ImportField("person.country", _("Country"), longest=80, synonyms=("country", "国家", "国家地区")),
        ImportField("person.locale", _("Language"), longest=16, synonyms=("language", "locale", "lang",
            "语言")),
        ImportField("identity.card", _("Card number"), synonyms=(
            "card", "card number", "loyalty card", "卡号", "会员卡号")),
        ImportField("identity.device", _("Device"), synonyms=("device", "device id", "设备", "设备ID")),
    ),
    open_prefix=_ATTRIBUTE,
    one_of=("identity.external_id", "person.email", "person.phone"),
)  # fmt: skip


def _refuse_erased(params: dict[str, Any]) -> int:
    """Refuse the rows of the block that name somebody who was erased; nothing of theirs is kept."""
    rows = staging.rows(sql.IDENTITIES)
    erased = tombstones.erased({(kind, value) for _number, kind, value in rows})
    if not erased:
        return 0
    numbers = sorted({number for number, kind, value in rows if (kind, value) in erased})
    staging.run(sql.REFUSE_ERASED, {**params, "numbers": numbers})
    return len(numbers)


class CustomerLoader:
    """Writes blocks of customers, their identities, persons and attributes, with a journal."""

    def keyer(self, work: Work) -> Callable[[dict[str, Any]], Keyed]:
        """Return what says whom a row is about and gives its addresses the tenant's one spelling."""
        spelling = customer_policies.spelling()

        def keyed(values: dict[str, Any]) -> Keyed:
            for kind in ("email", "phone"):
                if text := values.get(f"person.{kind}"):
                    values[f"identity.{kind}"] = text
            for kind in _SPELLED:
                if text := values.get(f"identity.{kind}"):
                    values[f"identity.{kind}"] = normalise(kind, text, spelling)
            for kind in _MATCHED_BY:
                if value := values.get(f"identity.{kind}"):
                    return Keyed(kind, value)
            return Keyed(reason="id_missing")

        return keyed

    def prepare(self, work: Work) -> None:
        """Declare the attributes that the plan names and nobody has declared yet."""
        types = {
            column.target.removeprefix(_ATTRIBUTE): column.type or "text"
            for column in work.plan.columns
            if column.target.startswith(_ATTRIBUTE)
        }
        attribute_definitions.ensure_types(types, subject="customer")

    def judge(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        staging.run(sql.COLLECT, {**params, "writes": False})
        refused = _refuse_erased(params)
        staging.run(sql.COMPARE, params)
        return self._counts(params) + Counter({REFUSED: refused})

    def load(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        staging.run(sql.COLLECT, {**params, "writes": True})
        refused = _refuse_erased(params)
        staging.run(sql.COMPARE, params)
        counts = self._counts(params)
        del counts["warning:identity_taken"]
        for statement in (
            sql.ADD_CUSTOMERS,
            sql.ADD_PERSONS,
            sql.patch_persons("change", "after"),
            sql.patch_customers("change", "after"),
            sql.ADD_IDENTITIES,
            sql.NAME_CUSTOMERS,
            sql.KEEP_JOURNAL,
        ):
            staging.run(statement, params)
        [(raced,)] = staging.rows(sql.COUNT_RACED, params)
        if raced:
            raise IntegrityError("Somebody made the same customers at this moment.")
        [(counts["warning:identity_taken"],)] = staging.rows(sql.COUNT_TAKEN, params)
        counts[REFUSED] = refused
        return counts

    def undo(self, params: dict[str, Any]) -> Counter[str]:
        staging.run(sql.REMOVE_IDENTITIES, params)
        staging.run(sql.FIND_RESTORABLE, params)
        staging.run(sql.patch_persons("restored", "back"), params)
        staging.run(sql.patch_customers("restored", "back"), params)
        [(restored, since)] = staging.rows(sql.COUNT_RESTORED)
        gone, stayed = remove_unused(Customer, "customer", params)
        return Counter(removed=gone, in_use=stayed, restored=restored, changed_since=since)

    def finish(self, work: Work) -> None:
        """Nothing else follows from customers."""

    def _counts(self, params: dict[str, Any]) -> Counter[str]:
        [(new, changed, unchanged)] = staging.rows(sql.COUNT, params)
        [(taken,)] = staging.rows(sql.COUNT_TAKEN, params)
        return Counter({NEW: new, CHANGED: changed, UNCHANGED: unchanged, "warning:identity_taken": taken})


register(
    Kind(
        key="customers",
        label=_("Customers"),
        hint=_("One customer a row, found by id, e-mail or phone."),
        symbol="group",
        fields=FIELDS,
        importer=RecordImporter(FIELDS, CustomerLoader()),
    )
)
