"""A plan says what becomes of every column of a file; staff write it, the next file like it reuses it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

import msgspec

from crm.domain.import_fields import OPEN_TYPES, FieldSet, ImportField, ValueType

# Columns that the file of failed rows adds; they are never data.
ROW_COLUMN: Final = "row in the import"
REASON_COLUMN: Final = "reason"
WRONG_COLUMN: Final = "wrong column"
OWN_COLUMNS: Final = (ROW_COLUMN, REASON_COLUMN, WRONG_COLUMN)
_OPEN_KEY: Final = re.compile(r"[\w][\w .-]{0,59}")
DateFormat = Literal["dmy", "mdy", "excel", "unix", "unix_ms"]
Name = Annotated[str, msgspec.Meta(max_length=300)]


class ColumnPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column: the field it fills (empty leaves it out), how its cells are written, what blank means."""

    source: Name
    target: Name = ""
    type: Name = ""
    date_format: DateFormat = "dmy"
    zone: Name = ""
    decimal_comma: bool = False
    unit: Literal["major", "minor"] = "major"
    missing: Literal["keep", "fill", "previous", "drop"] = "keep"
    fill: Name = ""


class OrderRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an order file writes cancellations, which codes are no products, what counts as absurd."""

    cancellation_prefix: Annotated[str, msgspec.Meta(max_length=10)] = ""
    order_pattern: Annotated[str, msgspec.Meta(max_length=100)] = ""
    charge_codes: tuple[Name, ...] = ()
    folds_sku_case: bool = False
    allows_free_lines: bool = True
    outliers: Literal["off", "flag", "quarantine"] = "off"
    outlier_deviations: Annotated[float, msgspec.Meta(ge=1, le=100)] = 6.0
    outlier_least_quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000


class ImportPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file. Blank cells keep what is there unless ``clears_blank``."""

    columns: tuple[ColumnPlan, ...] = ()
    clears_blank: bool = False
    zone: Name = ""
    currency: Annotated[str, msgspec.Meta(max_length=3)] = ""
    orders: OrderRules = OrderRules()

    def as_json(self) -> dict[str, Any]:
        stored: dict[str, Any] = msgspec.to_builtins(self)
        return stored


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a plan: where (a JSON pointer), a stable code, and about which column or field."""

    pointer: str
    code: str
    about: str = ""


def plan_of(stored: Any) -> ImportPlan:
    """Return the plan in ``stored`` JSON. Raises ``msgspec.ValidationError``, a ``ValueError``."""
    return msgspec.convert(stored, ImportPlan)


def fingerprint_of(header: Iterable[str]) -> str:
    """Return what files with the same columns share, whatever their order, case and our own additions."""
    names = sorted(name.casefold().strip() for name in header if name not in OWN_COLUMNS)
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


def field_of(column: ColumnPlan, fields: FieldSet) -> ImportField | None:
    """Return the field a column fills: a known one, or one of the tenant's own; None when there is none."""
    known = fields.field_by_key.get(column.target)
    if known is not None:
        return known
    prefix = fields.open_prefix
    if not prefix or not column.target.startswith(prefix):
        return None
    key = column.target.removeprefix(prefix)
    if not _OPEN_KEY.fullmatch(key):
        return None
    value_type = column.type or ValueType.TEXT
    if value_type not in OPEN_TYPES:
        return None
    return ImportField(column.target, key, ValueType(value_type), longest=2000)


def faults_of(plan: ImportPlan, *, header: Sequence[str], fields: FieldSet) -> list[Fault]:
    """Return everything that keeps the plan from being used; empty when it can be."""
    return [*_column_faults(plan, header, fields), *_field_faults(plan, fields), *_setting_faults(plan)]


def _column_faults(plan: ImportPlan, header: Sequence[str], fields: FieldSet) -> Iterator[Fault]:
    present = set(header)
    for position, column in enumerate(plan.columns):
        where = f"/columns/{position}"
        if column.source not in present:
            yield Fault(f"{where}/source", "unknown_column", column.source)
        if not column.target:
            continue
        if field_of(column, fields) is None:
            yield Fault(f"{where}/target", "unknown_field", column.target)
        if column.zone and column.zone not in available_timezones():
            yield Fault(f"{where}/zone", "unknown_zone", column.zone)
        if column.missing == "fill" and not column.fill:
            yield Fault(f"{where}/fill", "fill_missing", column.source)


def _field_faults(plan: ImportPlan, fields: FieldSet) -> Iterator[Fault]:
    counts = Counter(column.target for column in plan.columns if column.target)
    sources = Counter(column.source for column in plan.columns)
    for target in (target for target, count in counts.items() if count > 1):
        yield Fault("/columns", "field_twice", target)
    for source in (source for source, count in sources.items() if count > 1):
        yield Fault("/columns", "column_twice", source)
    for each in fields.fields:
        if each.is_required and each.key not in counts:
            yield Fault("/columns", "field_missing", each.key)
    if fields.one_of and not counts.keys() & set(fields.one_of):
        yield Fault("/columns", "one_of_missing", ", ".join(fields.one_of))


def _setting_faults(plan: ImportPlan) -> Iterator[Fault]:
    if plan.zone and plan.zone not in available_timezones():
        yield Fault("/zone", "unknown_zone", plan.zone)
    if plan.currency and not re.fullmatch(r"[A-Z]{3}", plan.currency):
        yield Fault("/currency", "unknown_currency", plan.currency)
    try:
        re.compile(plan.orders.order_pattern)
    except re.error:
        yield Fault("/orders/order_pattern", "pattern_invalid", plan.orders.order_pattern)
