"""What events look like: learnt from traffic, checked against what was declared; sensitive fields found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MOST_PROPERTIES: Final = 200
MOST_EXAMPLES: Final = 5
_LONGEST_EXAMPLE: Final = 80
_LONGEST_KEY: Final = 120
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")


class ValueType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    MOMENT = "moment"
    LIST = "list"
    OBJECT = "object"


class SensitiveKind(StrEnum):
    NONE = ""
    EMAIL = "email"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    CARD = "card"
    HEALTH = "health"
    PERSONAL = "personal"


def type_of(value: Any) -> ValueType | None:
    """Return the type of a JSON value; None for null, which says that the value is missing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return ValueType.YES_NO
    if isinstance(value, int | float):
        return ValueType.NUMBER
    if isinstance(value, str):
        return ValueType.MOMENT if _MOMENT.fullmatch(value) else ValueType.TEXT
    return ValueType.LIST if isinstance(value, list) else ValueType.OBJECT


@dataclass(slots=True)
class ObservedProperty:
    """One property in a batch of events."""

    types: Counter[str] = field(default_factory=Counter)
    examples: list[Any] = field(default_factory=list)

    @property
    def present(self) -> int:
        return self.types.total()


@dataclass(slots=True)
class ObservedEvent:
    """One name in a batch of events."""

    count: int = 0
    properties: dict[str, ObservedProperty] = field(default_factory=dict)


def observe(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, ObservedEvent]:
    """Add up what the properties of a batch look like, by event name."""
    found: dict[str, ObservedEvent] = {}
    for name, properties in events:
        event = found.setdefault(name, ObservedEvent())
        event.count += 1
        for key, value in properties.items():
            kind = type_of(value)
            if kind is None or len(key) > _LONGEST_KEY:
                continue
            seen = event.properties.get(key)
            if seen is None:
                if len(event.properties) >= MOST_PROPERTIES:
                    continue
                seen = event.properties[key] = ObservedProperty()
            seen.types[kind] += 1
            if len(seen.examples) < MOST_EXAMPLES:
                _add_example(seen.examples, value)
    return found


def merged_examples(kept: list[Any], new: Iterable[Any]) -> list[Any]:
    """Return the first few different examples of both."""
    examples = list(kept)
    for value in new:
        if len(examples) < MOST_EXAMPLES:
            _add_example(examples, value)
    return examples


def _add_example(examples: list[Any], value: Any) -> None:
    if isinstance(value, dict | list):
        return
    shown = value[:_LONGEST_EXAMPLE] if isinstance(value, str) else value
    if shown not in examples:
        examples.append(shown)


def declared_type(types: Mapping[str, int]) -> ValueType:
    """Return the type to declare for what was seen: the most frequent, text where moments were mixed in."""
    seen = Counter(types)
    if seen[ValueType.TEXT] and seen[ValueType.MOMENT]:
        seen[ValueType.TEXT] += seen.pop(ValueType.MOMENT)
    return ValueType(max(seen, key=lambda each: (seen[each], each), default=ValueType.TEXT))


def violation(properties: Mapping[str, Any], declared: Mapping[str, str]) -> str:
    """Return what is unknown or of the wrong type, in words for the sender; empty when all is as declared."""
    wrong = []
    for key, value in properties.items():
        found = type_of(value)
        if key.startswith("$") or found is None:
            continue
        wanted = declared.get(key)
        if wanted is None:
            wrong.append(f"{key} is not declared")
        elif not (found == wanted or (wanted == ValueType.TEXT and found == ValueType.MOMENT)):
            wrong.append(f"{key} is {found}, declared is {wanted}")
    return "; ".join(wrong[:10])


_WORDS_BY_KIND: Final[dict[SensitiveKind, re.Pattern[str]]] = {
    SensitiveKind.EMAIL: re.compile(r"e_?mail|邮箱|邮件"),
    SensitiveKind.PHONE: re.compile(r"(^|_)(phone|mobile|tel|telephone|msisdn|whatsapp)(_|$)|手机|电话"),
    SensitiveKind.BIRTH_DATE: re.compile(r"birth|(^|_)dob(_|$)|生日|出生"),
    SensitiveKind.CARD: re.compile(
        r"(^|_)(card_?(no|number|pan)|pan|iban|cvv|cvc|account_number|ssn|passport)(_|$)|身份证|卡号"
    ),
    SensitiveKind.HEALTH: re.compile(
        r"diagnos|symptom|medicat|prescription|allerg|disease|blood_|pregnan|health|disabilit|诊断|病|药"
    ),
    SensitiveKind.PERSONAL: re.compile(
        r"(^|_)(first_?name|last_?name|given_name|family_name|full_?name|surname|address|street|"
        r"postcode|zip|ip|ip_address|latitude|longitude|religion|ethnicity|password|secret)(_|$)|姓名|地址"
    ),
}
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_PHONE: Final = re.compile(r"\+[\d\s().-]{8,20}")
_CARD: Final = re.compile(r"\d(?:[ -]?\d){12,18}")


def sensitive_kind(key: str, examples: Iterable[Any]) -> SensitiveKind:
    """Guess from the name, else from the values, what kind of sensitive data a property holds."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]", "_", key).lower()
    for kind, pattern in _WORDS_BY_KIND.items():
        if pattern.search(words):
            return kind
    texts = [value for value in examples if isinstance(value, str)]
    if any(_EMAIL.fullmatch(text) for text in texts):
        return SensitiveKind.EMAIL
    if any(_PHONE.fullmatch(text) for text in texts):
        return SensitiveKind.PHONE
    if any(_CARD.fullmatch(text) and is_card_number(text) for text in texts):
        return SensitiveKind.CARD
    return SensitiveKind.NONE


def is_card_number(text: str) -> bool:
    """Whether the digits of ``text`` carry the check digit of payment cards (ISO/IEC 7812-1, Luhn)."""
    digits = [int(each) for each in text if each.isdigit()][::-1]
    doubled = [2 * each - 9 if each > 4 else 2 * each for each in digits[1::2]]  # noqa: PLR2004 - half of ten
    return bool(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


MASK: Final = "•••"


def masked(value: Any, sensitive: frozenset[str]) -> Any:
    """Return a copy of a document without the values of sensitive keys, at any depth."""
    if isinstance(value, dict):
        return {
            key: MASK if key in sensitive and inner is not None else masked(inner, sensitive)
            for key, inner in value.items()
        }
    return [masked(each, sensitive) for each in value] if isinstance(value, list) else value
