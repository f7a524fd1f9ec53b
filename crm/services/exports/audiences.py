"""Audiences for advertising platforms: hashed addresses of customers who allow marketing.

Columns and spelling as documented by Google (Customer Match data file: Email, Phone, First Name, Last Name,
Country, Zip; SHA-256 in hexadecimal, names lower case, phone in E.164) and Meta (Custom Audiences: email,
phone, fn, ln, zip, country; phone digits only, with the country code).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from crm.domain.identities import normalise
from crm.models import Channel, Purpose
from crm.queries import consents, customer_policies
from crm.services.exports.lists import (
    Column,
    ExportList,
    Filters,
    Row,
    found_customers,
    register,
    streamed,
)
from tenants.domain.permissions import Permission

_BLOCK: Final = 2_000
_COUNTRY_CODE: Final = re.compile(r"[A-Za-z]{2}")


def hashed(text: str) -> str:
    """Return SHA-256 in hexadecimal, empty for nothing: a hash of nothing would match nobody."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _customers(filters: Filters, aside: dict[str, int]) -> Iterator[dict[str, str]]:
    """Yield the persons who allow marketing and have an address, spelled as the platforms want."""
    spelling = customer_policies.spelling()
    aside.update(customers=0, without_consent=0, without_address=0)
    rows = streamed(
        found_customers(filters).order_by("pk"), "pk", "persons__email", "persons__phone",
            "persons__given_name",
        "persons__family_name", "persons__country", "persons__postcode",
    )  # fmt: skip
    while block := list(islice(rows, _BLOCK)):
        ids = [row[0] for row in block]
        allowed = {
            channel: consents.allowing(ids, Purpose.MARKETING, channel)
            for channel in (Channel.EMAIL, Channel.SMS)
        }
        for customer_id, email, phone, given, family, country, postcode in block:
            aside["customers"] += 1
            if not any(customer_id in ids for ids in allowed.values()):
                aside["without_consent"] += 1
                continue
            person = {
                "email": normalise("email", email or "", spelling)
                if customer_id in allowed[Channel.EMAIL]
                else "",
                "phone": normalise("phone", phone or "", spelling)
                if customer_id in allowed[Channel.SMS]
                else "",
                "given": (given or "").strip().lower(),
                "family": (family or "").strip().lower(),
                "country": country.strip() if _COUNTRY_CODE.fullmatch((country or "").strip()) else "",
                "postcode": (postcode or "").strip().lower(),
            }
            if not person["email"] and not person["phone"].startswith("+"):
                aside["without_address"] += 1
                continue
            yield person


def _rows(spell: Callable[[dict[str, str]], Row]) -> Callable[[Filters, dict[str, int]], Iterator[Row]]:
    def rows(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
        return (spell(person) for person in _customers(filters, aside))

    return rows


def google_row(person: dict[str, str]) -> Row:
    """Return Email, Phone, First Name, Last Name hashed; Country and Zip in plain text."""
    phone = person["phone"] if person["phone"].startswith("+") else ""
    return (
        hashed(person["email"]),
        hashed(phone),
        hashed(person["given"]),
        hashed(person["family"]),
        person["country"].upper(),
        person["postcode"],
    )


def meta_row(person: dict[str, str]) -> Row:
    """Return email, phone, fn, ln, zip and country, all hashed; the phone is digits only."""
    phone = person["phone"].removeprefix("+") if person["phone"].startswith("+") else ""
    return tuple(
        hashed(text)
        for text in (
            person["email"],
            phone,
            person["given"],
            person["family"],
            person["postcode"].replace(" ", "").replace("-", ""),
            person["country"].lower(),
        )
    )


def _list(key: str, label: Any, names: tuple[str, ...], spell: Callable[[dict[str, str]], Row]) -> None:
    register(
        ExportList(
            key=key,
            label=label,
            permission=Permission.CUSTOMERS_VIEW,
            columns=tuple(Column(name) for name in names),
            rows=_rows(spell),
            filters=frozenset({"segment", "q", "tier", "last_order", "at_risk"}),
            formats=("csv",),
        )
    )


_list(
    "audience_google",
    _("Audience for Google Customer Match"),
    ("Email", "Phone", "First Name", "Last Name", "Country", "Zip"),
    google_row,
)
_list(
    "audience_meta",
    _("Audience for Meta Custom Audiences"),
    ("email", "phone", "fn", "ln", "zip", "country"),
    meta_row,
)
