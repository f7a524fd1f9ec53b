"""The section of qualification: how tiers are reached, kept and lost."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import KEY_SCHEMA, TEXT_SCHEMA, Section, one_of, record, whole
from rewards.domain.programs import Revision
from rewards.domain.qualification import (
    Combination,
    Criterion,
    Downgrade,
    Metric,
    Qualification,
    QualificationWindow,
    Validity,
)

_MOST_DAYS: Final = 3_660
_MOST_MONTHS: Final = 120
_MOST_CRITERIA: Final = 5
_MOST_WEIGHTS: Final = 20
_LARGEST_WEIGHT: Final = Decimal(10) ** 12
_ROLLING: Final = {
    QualificationWindow.ROLLING_DAYS: _MOST_DAYS, QualificationWindow.ROLLING_MONTHS: _MOST_MONTHS,
}  # fmt: skip
_CALENDAR: Final = frozenset(
    {QualificationWindow.CALENDAR_YEAR, QualificationWindow.HALF_YEAR, QualificationWindow.QUARTER}
)


def _values(choices: type[Any]) -> dict[str, Any]:
    return {item.value: item for item in choices}


def _read(document: Reader) -> Qualification:
    reader = document.node("qualification")
    reader.only(
        "criteria", "combination", "window", "length", "validity", "valid_months", "grace_days", "downgrade",
        "soft_landing_days",
    )  # fmt: skip
    plain = Qualification()
    window = reader.choice("window", _values(QualificationWindow), default=plain.window)
    validity = reader.choice("validity", _values(Validity), default=plain.validity)
    longest = _ROLLING.get(window)
    if validity is Validity.NEXT_PERIOD and window not in _CALENDAR:
        reader.refuse("validity", "not_combinable", "Only calendar windows have a next period.")
    nodes = reader.nodes("criteria")
    if len(nodes) > _MOST_CRITERIA:
        reader.refuse("criteria", "too_many", f"At most {_MOST_CRITERIA} criteria.")
    criteria = tuple(map(_criterion, nodes[:_MOST_CRITERIA])) or plain.criteria
    if len({each.key for each in criteria}) != len(criteria):
        reader.refuse("criteria", "duplicate", "Two criteria have the same key.")
    return Qualification(
        criteria=criteria,
        combination=reader.choice("combination", _values(Combination), default=plain.combination),
        window=window,
        length=reader.integer("length", 1, longest, default=plain.length) if longest else 0,
        validity=validity,
        valid_months=reader.integer("valid_months", 1, _MOST_MONTHS) if validity is Validity.MONTHS else 0,
        grace_days=reader.integer("grace_days", 0, _MOST_DAYS, default=0),
        downgrade=reader.choice("downgrade", _values(Downgrade), default=plain.downgrade),
        soft_landing_days=reader.integer("soft_landing_days", 0, _MOST_DAYS, default=0),
    )


def _criterion(reader: Reader) -> Criterion:
    reader.only("key", "metric", "wallet", "event", "weights", "bias")
    metric = reader.choice("metric", _values(Metric)) or Metric.SPEND
    name = ""
    if metric is Metric.POINTS:
        name = reader.key("wallet")
    elif metric is Metric.EVENTS:
        name = reader.text("event")
    weights: dict[str, Decimal] = {}
    if metric is Metric.SCORE:
        weights = _weights(reader)
    return Criterion(reader.key("key"), metric, name, MappingProxyType(weights), _decimal(reader, "bias"))


def _weights(reader: Reader) -> dict[str, Decimal]:
    given = reader.peek("weights")
    if not isinstance(given, dict) or not 0 < len(given) <= _MOST_WEIGHTS:
        reader.refuse("weights", "invalid_weights", f"1 to {_MOST_WEIGHTS} weights by trait.")
        return {}
    node = reader.node("weights")
    return {str(trait): _decimal(node, str(trait)) for trait in given}


def _decimal(reader: Reader, name: str) -> Decimal:
    value = reader.peek(name)
    if value is None:
        return Decimal(0)
    try:
        number = Decimal(str(value)) if isinstance(value, int | float | str) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number) > _LARGEST_WEIGHT:
        reader.refuse(name, "invalid_number", "A number is expected.")
        return Decimal(0)
    return number


def _check(document: Reader, revision: Revision) -> None:
    wallets = {wallet.key for wallet in revision.wallets}
    for index, criterion in enumerate(revision.qualification.criteria):
        if criterion.metric is Metric.POINTS and criterion.name and criterion.name not in wallets:
            document.refuse(
                f"qualification/criteria/{index}/wallet",
                "unknown_wallet",
                f"There is no wallet {criterion.name!r}.",
            )


def _write(qualification: Qualification) -> dict[str, Any]:
    written: dict[str, Any] = {
        "criteria": [_criterion_to_json(criterion) for criterion in qualification.criteria],
        "combination": qualification.combination.value,
        "window": qualification.window.value,
        "validity": qualification.validity.value,
        "grace_days": qualification.grace_days,
        "downgrade": qualification.downgrade.value,
        "soft_landing_days": qualification.soft_landing_days,
    }
    if qualification.window in _ROLLING:
        written["length"] = qualification.length
    if qualification.validity is Validity.MONTHS:
        written["valid_months"] = qualification.valid_months
    return written


def _criterion_to_json(criterion: Criterion) -> dict[str, Any]:
    written: dict[str, Any] = {"key": criterion.key, "metric": criterion.metric.value}
    if criterion.metric is Metric.POINTS:
        written["wallet"] = criterion.name
    elif criterion.metric is Metric.EVENTS:
        written["event"] = criterion.name
    elif criterion.metric is Metric.SCORE:
        # As texts: a JSON number would lose digits on the way through other hands.
        written["weights"] = {trait: str(weight) for trait, weight in criterion.weights.items()}
        written["bias"] = str(criterion.bias)
    return written


_NUMBER: Final = {"type": ["number", "string"]}
SECTION: Final = Section(
    "qualification",
    _read,
    _write,
    check=_check,
    schema=record(
        (),
        criteria={
            "type": "array",
            "maxItems": _MOST_CRITERIA,
            "items": record(
                ("key", "metric"),
                key=KEY_SCHEMA,
                metric=one_of(Metric),
                wallet=KEY_SCHEMA,
                event=TEXT_SCHEMA,
                weights={"type": "object", "additionalProperties": _NUMBER},
                bias=_NUMBER,
            ),
        },
        combination=one_of(Combination),
        window=one_of(QualificationWindow),
        length=whole(1, _MOST_DAYS),
        validity=one_of(Validity),
        valid_months=whole(1, _MOST_MONTHS),
        grace_days=whole(0, _MOST_DAYS),
        downgrade=one_of(Downgrade),
        soft_landing_days=whole(0, _MOST_DAYS),
    ),
)
