"""The values of conditions as they are typed: money in major units, shares in percent, the rest as itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from crm.admin import rule_literals, trait_labels
from crm.admin.rule_words import is_money
from crm.domain.profile_traits import PROFILE_TRAITS, TEXT
from crm.domain.rule_nodes import BIRTH_FIELDS
from crm.domain.rules import Op, Scalar, Source
from crm.models.attribute_definition import AttributeType
from tenants.admin.formats import exponent

_YES_OR_NO: Final = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}
_TIER: Final = "tier"
_PERCENT: Final = 2
_NUMBERS: Final = frozenset({Source.ORDERS, Source.CUSTOMER})


class RuleValues:
    """Reads and writes values; what is written is always read back as the same value."""

    def __init__(self, currency: str, type_by_attribute: Mapping[str, str]) -> None:
        self.money_places = exponent(currency)
        self._type_by_attribute = type_by_attribute

    def read(self, source: Source, name: str, op: str, text: str) -> Scalar | list[Scalar]:
        """Return the value of a condition. Raises ``ValueError`` for what does not fit."""
        if op == Op.IN:
            if not (parts := rule_literals.split(text)):
                raise ValueError(text)
            return [self._read(source, name, op, part) for part in parts]
        return self._read(source, name, op, text.strip())

    def _read(self, source: Source, name: str, op: str, text: str) -> Scalar:
        found = rule_literals.literal(text)
        if found is not None:
            return found
        if not text:
            raise ValueError(text)
        return text if op == Op.CONTAINS else self._typed(source, name, text)

    def _typed(self, source: Source, name: str, text: str) -> Scalar:
        if source is Source.PROPERTY:
            return _number_or_text(text, {"true": True, "false": False}.get(text.lower(), text))
        if source is Source.ATTRIBUTE:
            return self._attribute(name, text)
        if source is Source.TRAIT and not is_money(source, name):
            return _trait(name, text)
        return rule_literals.number(text, self._places(source, name)) if _is_number(source, name) else text

    def _attribute(self, name: str, text: str) -> Scalar:
        attribute_type = self._type_by_attribute.get(name, AttributeType.TEXT)
        if attribute_type == AttributeType.NUMBER:
            return rule_literals.number(text)
        if attribute_type != AttributeType.BOOLEAN:
            return text
        if text.lower() not in _YES_OR_NO:
            raise ValueError(text)
        return _YES_OR_NO[text.lower()]

    def _places(self, source: Source, name: str) -> int:
        if is_money(source, name):
            return self.money_places
        return -_PERCENT if source is Source.TRAIT and trait_labels.is_share(name) else 0

    def write(self, source: Source, name: str, op: str, value: Any) -> str:
        """Write a value, or the values of a list, the way they are typed; None is nothing."""
        if value is None:
            return ""
        if isinstance(value, list):
            return ", ".join(self._write_part(source, name, op, each) for each in value)
        return self._write(source, name, op, value)

    def _write_part(self, source: Source, name: str, op: str, value: Scalar) -> str:
        text = self._write(source, name, op, value)
        is_kept = rule_literals.is_one_part(text) or not isinstance(value, str)
        return text if is_kept else rule_literals.written(value)

    def _write(self, source: Source, name: str, op: str, value: Scalar) -> str:
        plain = self._plain(source, name, value)
        try:
            is_kept = rule_literals.is_plain(plain) and _same(self._read(source, name, op, plain), value)
        except ValueError:
            is_kept = False
        return plain if is_kept else rule_literals.written(value)

    def _plain(self, source: Source, name: str, value: Scalar) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            words = ("true", "false") if source is Source.PROPERTY else (_("yes"), _("no"))
            return words[0] if value else words[1]
        return rule_literals.number_text(value, self._places(source, name))


def _is_number(source: Source, name: str) -> bool:
    if is_money(source, name) or source in _NUMBERS or name in BIRTH_FIELDS:
        return True
    return source is Source.LOYALTY and name != _TIER


def _trait(name: str, text: str) -> Scalar:
    if PROFILE_TRAITS.get(name) == TEXT:
        return text
    if trait_labels.is_share(name):
        return rule_literals.number(text.removesuffix("%").strip(), -_PERCENT)
    return _number_or_text(text, text)


def _number_or_text(text: str, other: Scalar) -> Scalar:
    try:
        return rule_literals.number(text)
    except ValueError:
        return other


def _same(one: Scalar, other: Scalar) -> bool:
    """Compare with their kinds: True is not 1."""
    kinds = {str: "text", bool: "boolean"}
    return kinds.get(type(one), "number") == kinds.get(type(other), "number") and one == other
