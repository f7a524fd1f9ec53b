"""What an identify call says of a person: personal fields apart from attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

_FIELD_BY_TRAIT: Final = {
    "email": "email",
    "phone": "phone",
    "first_name": "given_name", "firstname": "given_name", "given_name": "given_name",
    "last_name": "family_name", "lastname": "family_name", "family_name": "family_name",
    "birthday": "birth_on", "birth_on": "birth_on", "date_of_birth": "birth_on", "dob": "birth_on",
    "city": "city", "postcode": "postcode", "postalcode": "postcode", "postal_code": "postcode",
    "zip": "postcode", "country": "country", "locale": "locale", "language": "locale",
}  # fmt: skip
_LONGEST: Final = {
    "email": 254, "phone": 32, "given_name": 120, "family_name": 120, "postcode": 20, "city": 120,
    "country": 80, "locale": 16,
}  # fmt: skip
_LONGEST_KEY: Final = 120
_LONGEST_VALUE: Final = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """Personal fields, attributes, and which traits were personal: those need not stay in the event."""

    person: dict[str, Any]
    attributes: dict[str, Any]
    personal_keys: frozenset[str]


def told_by(traits: Mapping[str, Any]) -> Told:
    """Sort the traits; what is neither plain nor known (lists, objects) stays in the event alone."""
    person: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    personal: set[str] = set()
    for key, value in _flat(traits):
        field = _FIELD_BY_TRAIT.get(key.rpartition(".")[2].lower())
        if field is not None:
            personal.add(key.partition(".")[0])
            read = _read(field, value)
            if read is not None:
                person.setdefault(field, read)
        elif key.lower() == "name":
            personal.add(key)
            _split_name(person, value)
        elif not key.startswith("$") and "." not in key and len(key) <= _LONGEST_KEY and _is_plain(value):
            attributes[key] = value
    return Told(person, attributes, frozenset(personal))


def _flat(traits: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the traits, those inside ``address`` too."""
    address = traits.get("address")
    inner = address.items() if isinstance(address, dict) else ()
    return [*((key, value) for key, value in traits.items() if key != "address"),
            *((f"address.{key}", value) for key, value in inner)]  # fmt: skip


def _read(field: str, value: Any) -> Any:
    if field == "birth_on":
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            return None
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= _LONGEST[field] else None


def _split_name(person: dict[str, Any], value: Any) -> None:
    if isinstance(value, str) and value.strip() and "given_name" not in person:
        given, _, family = value.strip().partition(" ")
        person["given_name"] = given[:120]
        if family.strip():
            person.setdefault("family_name", family.strip()[:120])


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) <= _LONGEST_VALUE
