"""What a column of a file can become: the fields of a kind of import and the types of their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class ValueType(StrEnum):
    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    MONEY = "money"
    DAY = "day"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    EMAIL = "email"
    PHONE = "phone"


# The types a tenant may give to an attribute or property of its own.
OPEN_TYPES: Final = (
    ValueType.TEXT, ValueType.WHOLE, ValueType.NUMBER, ValueType.BOOLEAN, ValueType.DAY, ValueType.MOMENT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportField:
    """One field that a column can fill. ``synonyms`` are headings it is known by, in any language."""

    key: str
    label: object
    type: ValueType = ValueType.TEXT
    is_required: bool = False
    longest: int = 200
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSet:
    """The fields of one kind; ``open_prefix`` is where columns of the tenant's own go, if anywhere.

    ``one_of`` names fields of which at least one must be mapped: they say whom or what a row is about.
    """

    fields: tuple[ImportField, ...]
    open_prefix: str = ""
    one_of: tuple[str, ...] = ()
    field_by_key: dict[str, ImportField] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "field_by_key", {each.key: each for each in self.fields})
